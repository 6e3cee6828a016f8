"""What a person wishes to hide, and the pattern that a network is asked to hide.

The one idea: a form, or a notebook, fills a `Wish` with plain values; only `pattern_of` looks at
the viewer, where a region is drawn or the view is. No Qt here.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.hiding import Axis, Cubes, Marked, Mask, Pattern, Slabs
from napari_toposeg.plugin.canvas.regions import Region, box_region, drawn_region
from napari_toposeg.plugin.translation import mark, tr

Kind = Literal["patches", "cubes", "slabs", "region", "box", "again"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NAMES: dict[Kind, str] = {
    "patches": mark("Random patches"),
    "cubes": mark("Random cubes"),
    "slabs": mark("Every n-th slab"),
    "region": mark("Drawn region"),
    "box": mark("Box in the view"),
    "again": mark("Same as last time"),
}

FIELDS: dict[Kind, tuple[str, ...]] = {
    "patches": ("mask_ratio", "seed"),
    "cubes": ("mask_ratio", "edge", "seed"),
    "slabs": ("axis", "every"),
    "region": ("around",),
    "box": ("box",),
    "again": (),
}
"""Values that each kind depends on."""


@dataclass(frozen=True)
class Wish:
    """What to hide.

    Parameters
    ----------
    ratio, seed
        Share to hide at random, and what it is drawn by.
    edge
        Edge of a cube, in patches.
    axis, every
        Axis ``(z, y, x)`` across which slabs lie, and of how many one is hidden.
    around
        Slices on either side of a region that is drawn on one slice.
    box
        Edge of a box about the middle of the view, in mm.
    """

    kind: Kind = "patches"
    ratio: float = 0.6
    seed: int = 0
    edge: int = 2
    axis: Axis = 0
    every: int = 2
    around: int = 5
    box: float = 40.0


def pattern_of(wish: Wish, viewer: ViewerModel, layer: Any, last: Mask | None = None) -> Pattern:
    """Return the pattern that a wish means for a layer.

    Parameters
    ----------
    last
        Mask of what was hidden the last time, on the layer's grid.

    Raises
    ------
    InvalidConfig
        If nothing was hidden before, and the same is wished for.
    InvalidVolume
        If no region is drawn, or it lies outside of the layer.
    """
    match wish.kind:
        case "patches":
            return Cubes(wish.ratio, wish.seed)
        case "cubes":
            return Cubes(wish.ratio, wish.seed, wish.edge)
        case "slabs":
            return Slabs(wish.axis, wish.every, wish.every - 1)
        case "region":
            return Marked(mask_of(layer.data.shape, drawn_region(viewer, layer, wish.around)))
        case "box":
            return Marked(mask_of(layer.data.shape, box_region(viewer, layer, wish.box)))
        case "again":
            if last is None or last.shape != tuple(layer.data.shape):
                raise InvalidConfig(
                    tr("nothing was hidden in this scan before; choose another pattern first")
                )
            return Marked(last, whole=False)


def mask_of(shape: tuple[int, ...], region: Region) -> Mask:
    """Return a mask that is True in a box."""
    mask = np.zeros(shape, bool)
    mask[region] = True
    return mask


def cube_text(edge: int, spacing: tuple[float, ...]) -> str:
    """Say how large what a network hides as one is, for a person."""
    lengths = [f"{edge * step:.3g}" for step in spacing]
    size = lengths[0] if len(set(lengths)) == 1 else " × ".join(lengths)
    return tr("The network hides whole cubes of {size} mm.").format(size=size)

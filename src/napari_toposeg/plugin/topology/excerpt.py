"""Excerpt: the part of a layer that a persistence diagram is computed of, and the way back.

The one idea: a very large layer is cut or made coarser, openly: the note says what was done and
what was left out, and every feature is led back to voxels of the layer itself. No Qt here.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run, Step
from napari_toposeg.topology import PersistenceDiagram, persistence

Extent = Literal["whole", "coarse", "region", "slice"]
Construction = Literal["T", "V"]
Size3 = tuple[int, int, int]

MOST_VOXELS = 200**3
"""Voxels that take a few seconds; more only when the user asks for the whole layer."""

ALL_FEATURES = 72**3
"""Up to so many voxels every feature is kept; larger excerpts have too many that are noise."""

FAINTEST = 0.005
"""Features of larger excerpts that last less than this part of the range are left out."""

SECONDS_128 = 0.8
"""Measured on a noisy chest CT, two cores: about 0.8 s for 128^3 voxels; 0.2 s where smooth."""


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A part or a coarser copy of a layer.

    Parameters
    ----------
    voxels
        Array ``(z, y, x)``, or the two axes of a slice.
    offset
        First voxel of the layer that is in it, along ``(z, y, x)``.
    step
        Voxels of the layer along ``(z, y, x)`` that one voxel here is the mean of.
    grid
        Shape ``(z, y, x)`` of the voxels, 1 across a slice.
    note
        What was left out, in a sentence for a person; empty where nothing was.
    """

    voxels: NDArray[Any]
    offset: Size3
    step: Size3
    grid: Size3
    note: str

    def positions(self, flat: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the layer's voxels ``(n, 3)`` at flat indices of the excerpt, NaN where -1."""
        index = np.stack(np.unravel_index(np.maximum(flat, 0), self.grid), axis=-1)
        step = np.array(self.step)
        found = np.array(self.offset) + index * step + (step - 1) // 2
        return np.where(flat[:, None] < 0, np.nan, found)


@dataclass(frozen=True, eq=False)
class LayerDiagram:
    """A persistence diagram whose features know their voxels in the layer.

    Parameters
    ----------
    diagram
        Diagram of the excerpt.
    excerpt
        What it was computed of.
    births, deaths
        ``(n, 3)`` voxels ``(z, y, x)`` of the layer, NaN where a feature never dies.
    """

    diagram: PersistenceDiagram
    excerpt: Excerpt
    births: NDArray[np.float64]
    deaths: NDArray[np.float64]

    def nearest(
        self, position: NDArray[np.float64], spacing: NDArray[np.float64], among: NDArray[np.intp]
    ) -> int | None:
        """Return the feature with a birth or death voxel nearest to a voxel.

        Parameters
        ----------
        position
            Voxel ``(z, y, x)`` of the layer.
        spacing
            Voxel size ``(z, y, x)`` in mm.
        among
            Indices of the features to choose from; the most persistent wins ties.
        """
        if len(among) == 0:
            return None
        ends = np.stack([self.births[among], self.deaths[among]])
        distance = np.linalg.norm((ends - position) * spacing, axis=-1)
        nearest = np.fmin(distance[0], distance[1])
        order = np.lexsort((-self.diagram.persistence[among], nearest))
        return int(among[order[0]])


def take_excerpt(
    voxels: NDArray[Any],
    extent: Extent,
    *,
    centre: Size3 = (0, 0, 0),
    axis: int = 0,
    most: int = MOST_VOXELS,
) -> Excerpt:
    """Cut or coarsen a layer for persistence.

    Parameters
    ----------
    voxels
        Array ``(z, y, x)``.
    extent
        ``"whole"``, ``"coarse"`` (means of blocks), ``"region"`` (around a voxel) or ``"slice"``.
    centre
        Voxel ``(z, y, x)`` in the middle of the region, or on the slice.
    axis
        Axis across which the slice lies.
    most
        Largest number of voxels of a coarser copy or of a region.
    """
    match extent:
        case "whole":
            return Excerpt(voxels, (0, 0, 0), (1, 1, 1), _size(voxels.shape), "")
        case "coarse":
            return _coarser(voxels, most)
        case "region":
            return _region(voxels, centre, most)
        case "slice":
            return _slice(voxels, centre, axis)


def _coarser(voxels: NDArray[Any], most: int) -> Excerpt:
    step = block_size(_size(voxels.shape), most)
    pooled = block_means(voxels, step)
    blocks = " x ".join(map(str, step))
    note = f"Coarser copy: means of {blocks} voxels (z, y, x). Thinner structures may be lost."
    return Excerpt(pooled, (0, 0, 0), step, _size(pooled.shape), note if max(step) > 1 else "")


def _region(voxels: NDArray[Any], centre: Size3, most: int) -> Excerpt:
    size = region_size(_size(voxels.shape), most)
    starts = [
        min(max(middle - edge // 2, 0), whole - edge)
        for middle, edge, whole in zip(centre, size, voxels.shape, strict=True)
    ]
    cut = tuple(slice(start, start + edge) for start, edge in zip(starts, size, strict=True))
    z, y, x = (f"{part.start} - {part.stop - 1}" for part in cut)
    note = f"Region z {z}, y {y}, x {x} of {_by(voxels.shape)}; the rest was not looked at."
    return Excerpt(
        voxels[cut], _size(starts), (1, 1, 1), size, note if size != voxels.shape else ""
    )


def _slice(voxels: NDArray[Any], centre: Size3, axis: int) -> Excerpt:
    offset, grid = [0, 0, 0], list(voxels.shape)
    offset[axis], grid[axis] = centre[axis], 1
    note = f"Only slice {'zyx'[axis]} = {centre[axis]}, as a 2D image."
    flat = voxels.take(centre[axis], axis=axis)
    return Excerpt(flat, _size(offset), (1, 1, 1), _size(grid), note)


def block_size(shape: Size3, most: int) -> Size3:
    """Return the smallest blocks, as even as possible, whose number is at most ``most``."""
    step = [1, 1, 1]

    def left() -> list[int]:
        return [-(-whole // edge) for whole, edge in zip(shape, step, strict=True)]

    while math.prod(left()) > most:
        step[int(np.argmax(left()))] += 1
    return _size(step)


def region_size(shape: Size3, most: int) -> Size3:
    """Return the largest region of at most ``most`` voxels, as near to a cube as can be."""
    size = list(shape)
    while math.prod(size) > most:
        size[int(np.argmax(size))] -= 1
    return _size(size)


def block_means(voxels: NDArray[Any], step: Size3) -> NDArray[np.float32]:
    """Return the mean of each block; blocks that reach over the border repeat the last voxel."""
    over = [(0, -whole % edge) for whole, edge in zip(voxels.shape, step, strict=True)]
    padded = np.pad(voxels, over, mode="edge") if np.any(over) else voxels
    z, y, x = (whole // edge for whole, edge in zip(padded.shape, step, strict=True))
    blocks = padded.reshape(z, step[0], y, step[1], x, step[2])
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return means


def expected_seconds(voxels: int) -> float:
    """Return about how long the persistence of so many voxels takes."""
    return float(SECONDS_128 * (voxels / 128**3) ** 1.1)


def run_persistence(
    excerpt: Excerpt, *, construction: Construction = "T", superlevel: bool = True
) -> Run[LayerDiagram]:
    """Compute the diagram of an excerpt.

    Parameters
    ----------
    excerpt
        What to look at.
    construction
        ``"T"``: the growing set is 26-connected (8 in 2D); ``"V"``: 6-connected (4).
    superlevel
        True for bright structures: the threshold falls.
    """
    voxels = excerpt.voxels
    faintest = FAINTEST * value_range(voxels) if voxels.size > ALL_FEATURES else 0.0
    diagram = yield from follow(
        lambda report: persistence(
            voxels,
            construction=construction,
            superlevel=superlevel,
            min_persistence=faintest,
            progress=report,
        ),
        f"Persistence of {_by(voxels.shape)} voxels",
    )
    if faintest:
        left = f"Features that last less than {faintest:.3g} were left out."
        excerpt = replace(excerpt, note=f"{excerpt.note} {left}".strip())
    return LayerDiagram(
        diagram,
        excerpt,
        excerpt.positions(diagram.birth_voxel),
        excerpt.positions(diagram.death_voxel),
    )


def value_range(voxels: NDArray[Any]) -> float:
    """Return the difference of the largest and the smallest finite value; 0 if there is none."""
    finite = voxels[np.isfinite(voxels)]
    return float(finite.max()) - float(finite.min()) if finite.size else 0.0


def run_diagram(
    voxels: NDArray[Any],
    extent: Extent,
    *,
    centre: Size3 = (0, 0, 0),
    axis: int = 0,
    construction: Construction = "T",
    superlevel: bool = True,
) -> Run[LayerDiagram]:
    """Take an excerpt and compute its diagram; see `take_excerpt` and `run_persistence`."""
    yield Step(0, 100, message="Taking a part of the layer")
    excerpt = take_excerpt(voxels, extent, centre=centre, axis=axis)
    return (yield from run_persistence(excerpt, construction=construction, superlevel=superlevel))


def connectivity_of(construction: Construction, ndim: int) -> str:
    """Name the connectivity of the growing set for a person."""
    full, faces = ("26", "6") if ndim == 3 else ("8", "4")
    return f"{full if construction == 'T' else faces}-connected"


def _size(numbers: Any) -> Size3:
    z, y, x = (int(number) for number in numbers)
    return z, y, x


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))

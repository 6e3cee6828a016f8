"""Mask import: a label map that exists already becomes an annotation.

The one idea: what the mask does not cover stays unlabelled: outside of its field of view nobody
looked, and 0 in a mask means background while 0 in an annotation means that nobody knows. No Qt
here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import read_volume
from napari_toposeg.plugin.canvas.label_values import classes_of
from napari_toposeg.plugin.canvas.layers import label_voxels
from napari_toposeg.plugin.canvas.lazy import is_lazy, load_run
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.finetune.annotate.classes import Classes, at_least, classes_of_layer
from napari_toposeg.plugin.finetune.annotate.covering import UNLABELLED
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow, wait_for
from napari_toposeg.progress import Run
from napari_toposeg.resampling import resample_to
from napari_toposeg.volume import Volume

Extent = Literal["all", "slices"]
MOST_CLASSES = BACKGROUND - 1


@dataclass(frozen=True, eq=False)
class Imported:
    """An annotation made of a mask.

    Parameters
    ----------
    labels
        ``(z, y, x)`` on the image's grid: 0 unlabelled, 1..K classes, 255 background.
    classes
        The classes 1..K.
    note
        What was done to it, for a person; empty where it was taken as it is.
    """

    labels: NDArray[np.uint8]
    classes: Classes
    note: str


def classes_for(layer: Any, mask: Volume) -> Classes:
    """Return the classes that a layer tells of, as many as its mask may need.

    Parameters
    ----------
    mask
        Its voxels; where they are not in memory, they may need all that an annotation can hold.
    """
    if is_lazy(mask.voxels):
        return classes_of_layer(layer, MOST_CLASSES)
    return classes_of_layer(layer, int(np.clip(mask.voxels.max(initial=0), 0, MOST_CLASSES)))


def import_run(
    mask: Volume, image: Volume, classes: Classes, *, extent: Extent, axis: int
) -> Run[Imported]:
    """Make an annotation of a mask, which is read if it is not in memory; see `import_mask`."""
    read = yield from load_run(mask)
    return (
        yield from wait_for(
            lambda: import_mask(read, image, classes, extent=extent, axis=axis),
            f"Bringing {mask.name} onto the grid of {image.name}",
            seconds=2e-8 * image.voxels.size,
        )
    )


def import_file_run(path: Path, image: Volume, *, extent: Extent, axis: int) -> Run[Imported]:
    """Read a label map from a file, and make an annotation of it; see `import_mask`."""
    mask = yield from follow(
        lambda report: read_volume(path, modality="label", report=report), f"Reading {path.name}"
    )
    return (yield from import_run(mask, image, (), extent=extent, axis=axis))


def import_mask(
    mask: Volume, image: Volume, classes: Classes, *, extent: Extent, axis: int
) -> Imported:
    """Make an annotation of a mask.

    Parameters
    ----------
    mask
        Label map, 0 background, on any grid.
    image
        The scan that is annotated; its grid alone matters, its voxels stay unread.
    classes
        What is known of the labels 1, 2, ... of the mask.
    extent
        ``"all"``: all voxels of the mask are labelled; ``"slices"``: only those of slices in which
        a class occurs.
    axis
        Axis across which these slices lie.

    Raises
    ------
    InvalidConfig
        If it holds nothing, or more classes than an annotation can.
    """
    voxels = label_voxels(mask.voxels)
    values = classes_of(voxels)
    require_classes(values, int(voxels.min(initial=0)), mask.name)
    codes = mask.with_voxels(_codes(voxels, values), modality="label")
    on_image = resample_to(codes, image, order=0, fill=UNLABELLED).voxels.astype(np.uint8)
    if extent == "slices":
        held = (on_image != UNLABELLED) & (on_image != BACKGROUND)
        empty = ~held.any(axis=tuple(other for other in range(3) if other != axis))
        np.moveaxis(on_image, axis, 0)[empty] = UNLABELLED
    if not ((on_image != UNLABELLED) & (on_image != BACKGROUND)).any():
        raise InvalidConfig(
            f"no class of {mask.name} lies inside of {image.name}; choose a mask of this scan"
        )
    known = at_least(classes, max(values))
    return Imported(
        on_image, tuple(known[value - 1] for value in values), _note(mask, image, values)
    )


def require_classes(values: Sequence[int], least: int, name: str) -> None:
    """Raise InvalidConfig unless a mask holds classes that an annotation can hold."""
    if least < 0:
        raise InvalidConfig(f"{name} holds the label {least}; labels of a mask are 0, 1, 2, ...")
    if not values:
        raise InvalidConfig(f"{name} holds no class: all its voxels are 0")
    if len(values) > MOST_CLASSES:
        raise InvalidConfig(
            f"{name} holds {len(values)} labels, an annotation at most {MOST_CLASSES}; "
            "choose a mask of classes, not of instances"
        )


def _codes(voxels: NDArray[np.integer], values: Sequence[int]) -> NDArray[np.uint8]:
    """Return classes numbered from 1 without a gap, and background as an annotation has it."""
    # A table would be as long as the highest label, which may be any number.
    place = np.searchsorted(np.asarray(values), voxels)
    codes: NDArray[np.uint8] = np.where(voxels == 0, BACKGROUND, place + 1).astype(np.uint8)
    return codes


def _note(mask: Volume, image: Volume, values: Sequence[int]) -> str:
    notes = []
    same = mask.shape == image.shape and np.allclose(mask.affine, image.affine, atol=1e-3)
    if not same:
        notes.append(
            tr(
                "It lies on another grid: each voxel took the label of the nearest voxel of the "
                "mask, and what the mask does not cover stays unlabelled."
            )
        )
    if tuple(values) != tuple(range(1, len(values) + 1)):
        numbered = ", ".join(f"{old} → {new}" for new, old in enumerate(values, start=1))
        notes.append(tr("Its labels were numbered anew: {numbers}.").format(numbers=numbered))
    return " ".join(notes)

"""Between: what a slice may look like by those that are painted before and after it.

The one idea: the border of each class moves from one slice to the other with its signed distance;
a voxel belongs to the class that it lies deepest in. It is a guess from shape alone: it looks at no
grey value, and it does not keep topology where a structure splits. No Qt here.

References
----------
Raya and Udupa 1990, doi:10.1109/42.52980 (shape-based interpolation).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate.annotations import AXIS_NAMES
from napari_toposeg.plugin.finetune.annotate.covering import UNLABELLED, Labels

Plane = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Between:
    """A guess for the slices between two painted ones.

    Parameters
    ----------
    axis
        Axis across which they lie.
    first, last
        The painted slices.
    planes
        ``(n, rows, columns)`` labels of the slices first + 1 .. last - 1.
    """

    axis: int
    first: int
    last: int
    planes: NDArray[np.uint8]

    def proposed(self, labels: Labels) -> NDArray[np.uint8]:
        """Return an array like the annotation that holds the guess where nothing is painted."""
        made = np.zeros(labels.shape, np.uint8)
        inside = np.moveaxis(made, self.axis, 0)[self.first + 1 : self.last]
        painted = np.moveaxis(labels, self.axis, 0)[self.first + 1 : self.last] != UNLABELLED
        inside[...] = np.where(painted, UNLABELLED, self.planes)
        return made


def nearest_slice(slices: tuple[int, ...], index: int) -> int:
    """Return the painted slice nearest to another one, the one before it where two are.

    Raises
    ------
    InvalidConfig
        If there is none.
    """
    others = [each for each in slices if each != index]
    if not others:
        raise InvalidConfig("no other slice of this orientation is painted; paint one first")
    return min(others, key=lambda each: (abs(each - index), each > index))


def enclosing_slices(slices: tuple[int, ...], index: int, axis: int) -> tuple[int, int]:
    """Return the painted slices before and after one.

    Raises
    ------
    InvalidConfig
        If there is none on one of its sides.
    """
    before = [each for each in slices if each < index]
    after = [each for each in slices if each > index]
    if not before or not after:
        raise InvalidConfig(
            f"slice {AXIS_NAMES[axis]} = {index} does not lie between two painted slices; "
            "move to one that does"
        )
    return before[-1], after[0]


def guess_between(
    labels: Labels, axis: int, first: int, last: int, spacing: tuple[float, ...]
) -> Between:
    """Guess the slices between two painted ones.

    Parameters
    ----------
    labels
        Annotation ``(z, y, x)``; what is unlabelled in both stays unlabelled between them.
    axis, first, last
        The painted slices.
    spacing
        Voxel size ``(z, y, x)`` in mm.
    """
    stack = np.moveaxis(labels, axis, 0)
    ends = stack[first].astype(np.uint8), stack[last].astype(np.uint8)
    pixel = tuple(size for number, size in enumerate(spacing) if number != axis)
    count = last - first - 1
    planes = np.broadcast_to(ends[0], (count, *ends[0].shape)).copy()
    box = _differing_box(*ends)
    if box is not None:
        planes[(slice(None), *box)] = _blend(ends[0], ends[1], box, count, pixel)
    return Between(axis, first, last, planes)


def _differing_box(first: Plane, last: Plane) -> tuple[slice, ...] | None:
    """Return the box outside of which both slices are the same; None where they all are."""
    found = ndimage.find_objects((first != last).astype(np.uint8))
    return None if not found or found[0] is None else found[0]


def _blend(
    first: Plane, last: Plane, box: tuple[slice, ...], count: int, pixel: tuple[float, ...]
) -> NDArray[np.uint8]:
    """Return the label that lies deepest at each pixel of a box, slice by slice."""
    values = np.union1d(first[box], last[box]).astype(np.uint8)
    depth = [
        [signed_distance(end == value, pixel)[box] for end in (first, last)] for value in values
    ]
    planes = np.empty((count, *first[box].shape), np.uint8)
    for number in range(count):
        part = (number + 1) / (count + 1)
        blended = np.stack([(1 - part) * a + part * b for a, b in depth])
        planes[number] = values[np.argmax(blended, axis=0)]
    return planes


def signed_distance(mask: NDArray[np.bool_], pixel: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the distance to the border in mm, positive inside; a far one where there is none."""
    if not mask.any():
        return np.full(mask.shape, -float(np.hypot(*np.multiply(mask.shape, pixel))))
    if mask.all():
        return np.full(mask.shape, float(np.hypot(*np.multiply(mask.shape, pixel))))
    inside = ndimage.distance_transform_edt(mask, sampling=pixel)
    outside = ndimage.distance_transform_edt(~mask, sampling=pixel)
    found: NDArray[np.float64] = inside - outside
    return found

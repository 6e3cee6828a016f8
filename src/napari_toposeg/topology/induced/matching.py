"""The matching of two barcodes that their images in a common one induce, voxel by voxel.

The one idea: a map of filtrations factors through its image, and there are only two steps, each
canonical. Image bars of one birth go to bars of the same birth, the longest to the longest; image
bars of two images with one death go to each other in the order of their births. Times are voxels
here, in the order in which they enter, so bars that have equal values but lie apart stay apart.
Image bars without length are no bars and match nothing.

References
----------
Bauer, Lesnick 2015, "Induced matchings and the algebraic stability of persistence barcodes",
doi:10.20382/jocg.v6i2a9. Stucki et al. 2023, arXiv:2211.15272.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.morse.patterns import working_type
from napari_toposeg.topology.morse.sorting import order_of, order_of_places

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Bars:
    """Voxels ``(n,)`` of birth and death of the bars of one dimension."""

    birth: Indices
    death: Indices

    def __len__(self) -> int:
        return len(self.birth)

    def rows(self, which: NDArray[Any]) -> "Bars":
        """Return the bars picked by a mask or by indices."""
        return Bars(self.birth[which], self.death[which])


@dataclass(frozen=True, eq=False)
class Matching:
    """Bars of two images; row ``first_row[i]`` of one is matched to ``second_row[i]``."""

    first: Bars
    second: Bars
    first_row: Indices
    second_row: Indices


def match_induced(
    first: Bars,
    second: Bars,
    images: tuple[Bars, Bars],
    times: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
) -> Matching:
    """Compose the matchings of either barcode with its image, and of the images with each other.

    Parameters
    ----------
    first, second
        Bars of either image.
    images
        Bars of either image in the comparison: born by the image, dying by the comparison.
    times
        Flat keys of the first image, the second and the comparison by which voxels enter, rising;
        equal ones enter by index.
    """
    first_row, first_death = rows_by_death(first, images[0], times[0], times[2])
    second_row, second_death = rows_by_death(second, images[1], times[1], times[2])
    i, j = equal_turns(first_death, second_death)
    return Matching(first, second, first_row[i], second_row[j])


def rows_by_death(
    bars: Bars, image: Bars, time: NDArray[Any], common_time: NDArray[Any]
) -> tuple[Indices, Indices]:
    """Return for each image bar the row of its bar, and its death; sorted by death, then birth."""
    own = grouped(by_entry(bars.death, time), bars.birth)[::-1]
    image = image.rows(grouped(by_entry(image.death, common_time), image.birth)[::-1])
    at_bar, at_image = equal_turns(bars.birth[own], image.birth)
    assert len(at_image) == len(image), "the image of a barcode has more bars than the barcode"
    row = np.empty(len(image), np.int64)
    row[at_image] = own[at_bar]
    # Stable, so of equal births the longer bar stays first.
    by_death = grouped(by_entry(image.birth, time), image.death)
    return row[by_death], image.death[by_death]


def by_entry(voxels: Indices, time: NDArray[Any]) -> Indices:
    """Return the order of voxels by their time, then by index; equal ones stay as they are."""
    times = time[voxels]
    scan = order_of_places(voxels)
    return scan[order_of(times[scan].astype(working_type(times.dtype)))]


def grouped(order: Indices, group: Indices) -> Indices:
    """Return the order such that equal groups stand together, otherwise as given."""
    return order[order_of_places(group[order])]


def equal_turns(a: Indices, b: Indices) -> tuple[Indices, Indices]:
    """Pair the n-th of each value in one grouped sequence with the n-th in another, by index."""
    turn_a, turn_b = turn_in_group(a), turn_in_group(b)
    width = 1 + max(turn_a.max(initial=0), turn_b.max(initial=0))
    _, i, j = np.intersect1d(
        a * width + turn_a, b * width + turn_b, assume_unique=True, return_indices=True
    )
    return i, j


def turn_in_group(grouped: Indices) -> Indices:
    """Return how many equal values stand before each, where equal values stand together."""
    place = np.arange(len(grouped))
    begins = np.ones(len(grouped), np.bool_)
    begins[1:] = grouped[1:] != grouped[:-1]
    return place - np.maximum.accumulate(np.where(begins, place, 0))

"""Image persistence: the features of one growing image that live on in a larger one.

The one idea: where K_t lies in L_t, the image of H(K_t) in H(L_t) has the barcode of the boundary
matrix of either whose *rows* stand in the order of K and whose *columns* stand in the order of L.
On a gradient that suits both orders (`bistar`), the matrix shrinks to critical cells, and the
kernels for one image serve with two orders: components die by the age of their minima in K where
edges of L join them, cavities by that of their maxima in L where facets of K wall them in.

The top-cell construction follows by duality: transposed and reversed in both directions, the matrix
has the same pairs, so births in K and deaths in L become, in the reversed images, births in L and
deaths in K.

References
----------
Cohen-Steiner, Edelsbrunner, Harer, Morozov 2009, doi:10.1137/1.9781611973068.110.
Bauer, Schmahl 2022, "Efficient computation of image persistence", arXiv:2201.04170.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Construction
from napari_toposeg.topology.induced.bistar import bistar_gradient, owners
from napari_toposeg.topology.induced.matching import Bars
from napari_toposeg.topology.induced.two_orders import Pairs, Stage, TwoOrders
from napari_toposeg.topology.morse.engine import enter, find_gradient
from napari_toposeg.topology.morse.gradient import Cells, Gradient, Places, to_image
from napari_toposeg.topology.morse.patterns import comparable, working_type
from napari_toposeg.topology.morse.sorting import order_of, order_of_places
from napari_toposeg.topology.morse.watch import Tell, part_of, silent


@dataclass(frozen=True, eq=False)
class Growing:
    """An image whose voxels enter from the lowest value, ties by index, and its gradient.

    ``dual``: whether it stands for its top-cell construction, being reversed and framed then.
    """

    volume: NDArray[Any]
    dual: bool
    gradient: Gradient

    @property
    def time(self) -> NDArray[Any]:
        """``(voxels,)`` numbers, rising in order of entry."""
        return self.volume.reshape(-1)

    def enter(self, gradient: Gradient) -> list[Cells]:
        """Return the critical cells of a gradient on this image's stars, in order of entry."""
        return enter(gradient, self.volume, self.dual, False)

    def values(self, places: Places) -> NDArray[Any]:
        """Return numbers, rising in order of entry, at places of the framed image."""
        flat = to_image(places, self.gradient.shape, flipped=self.dual)
        values = self.time[flat].astype(working_type(self.volume.dtype))
        return np.negative(values) if self.dual else values

    def bars(self, pairs: Pairs) -> dict[int, Bars]:
        """Turn pairs of places into bars of the construction meant."""
        last = self.gradient.top - 1
        bars = {}
        for dimension, ends in pairs.items():
            birth, death = (to_image(p, self.gradient.shape, flipped=self.dual) for p in ends)
            bars[dimension] = Bars(birth, death)
        if not self.dual:
            return bars
        return {last - k: Bars(b.death, b.birth) for k, b in bars.items()}

    def wanted(self, dimensions: Collection[int]) -> set[int]:
        """Return the dimensions to compute for those that are meant."""
        last = self.gradient.top - 1
        return {last - k if self.dual else k for k in dimensions}


def grow(
    image: NDArray[Any], construction: Construction, threads: int = 1, tell: Tell = silent
) -> Growing:
    """Find the gradient of an image, of which the lowest values enter first."""
    volume = comparable(image.reshape((-1, *image.shape[-2:])))
    dual = construction == "T"
    gradient = find_gradient(volume, dual, False, image.ndim == 2, threads, tell)
    return Growing(volume, dual, gradient)


@dataclass(frozen=True, eq=False)
class Inclusion:
    """An image that grows inside a larger one, and the barcodes of the two and of the map.

    By dimension, but for the essential bar; bars may be empty.
    """

    smaller: Growing
    larger: Growing
    threads: int = 1
    tell: Tell = silent

    @cached_property
    def both(self) -> TwoOrders:
        """The critical cells of both; order 0 is that of the rows and 1 that of the columns."""
        rows, columns = self.images
        tell = part_of(self.tell, 0.0, 0.1)
        gradient = bistar_gradient(columns.gradient, rows.gradient, tell)
        stages = []
        for cells in columns.enter(gradient):
            self.tell(0.1)
            stages.append(in_both_orders(cells, rows))
        return TwoOrders(gradient, stages, self.threads, part_of(self.tell, 0.2, 1.0))

    @property
    def images(self) -> tuple[Growing, Growing]:
        """The image whose order the rows have, and that of the columns."""
        if self.smaller.dual:
            return self.larger, self.smaller
        return self.smaller, self.larger

    def own_bars(self, image: Growing, dimensions: Collection[int]) -> dict[int, Bars]:
        """Return the bars of one of the two images."""
        order = int(image is self.images[1])
        return image.bars(self.both.pairs(order, order, image.wanted(dimensions)))

    def image_bars(self, dimensions: Collection[int]) -> dict[int, Bars]:
        """Return the bars of the smaller image's features in the larger one.

        They are born with voxels of the smaller and die with voxels of the larger.
        """
        return self.smaller.bars(self.both.pairs(0, 1, self.smaller.wanted(dimensions)))


def in_both_orders(cells: Cells, rows: Growing) -> Stage:
    """Put cells that stand in the order of the columns in that of the rows, too."""
    place = owners(rows.gradient, cells)
    scan = order_of_places(place)
    order = scan[order_of(rows.values(place[scan]))]
    return Stage(cells, (place, cells.voxel), (order, np.arange(len(cells))))

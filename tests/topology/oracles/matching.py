"""Betti matching by brute force, written from the definition.

Every cell of the complex is one bit of a Python integer; boundary matrices are reduced column by
column over Z/2. No gradient, no duality, no clearing: the T construction has its own cells.

Voxels enter from the lowest value (superlevel: the highest), ties by index; a cell enters with its
last vertex (V) or its first top cell (T). The barcode of f has rows and columns in the order of f;
the image of f in the comparison c has its rows in the order of f and its columns in that of c
(Bauer and Schmahl 2022, arXiv:2201.04170). Each pair of cells is read as a pair of voxels, the ones
that let it in.
"""

from collections import defaultdict
from itertools import product

import numpy as np


class Complex:
    """The cells of a grid in doubled coordinates, which voxels each hangs on, and its facets."""

    def __init__(self, shape, construction):
        self.construction = construction
        extent = [2 * n - 1 if construction == "V" else 2 * n + 1 for n in shape]
        self.cells = list(product(*map(range, extent)))
        self.dimension = {cell: sum(x % 2 for x in cell) for cell in self.cells}
        self.voxels = {cell: self.voxels_of(cell, shape) for cell in self.cells}

    def voxels_of(self, cell, shape):
        """Vertices of a cell (V), or the top cells that it is a face of (T)."""
        odd, offset = (1, 0) if self.construction == "V" else (0, 1)
        reach = [(x - 1, x + 1) if x % 2 == odd else (x,) for x in cell]
        places = [tuple((x - offset) // 2 for x in place) for place in product(*reach)]
        inside = [p for p in places if all(0 <= x < n for x, n in zip(p, shape, strict=True))]
        return [int(np.ravel_multi_index(p, shape)) for p in inside]

    def facets(self, cell):
        for axis, x in enumerate(cell):
            if x % 2:
                for side in (-1, 1):
                    yield (*cell[:axis], x + side, *cell[axis + 1 :])

    def owners(self, place):
        """Return the voxel with which each cell enters, given each voxel's place in the order."""
        last = max if self.construction == "V" else min
        return {cell: last(voxels, key=place.__getitem__) for cell, voxels in self.voxels.items()}


def reduced(grid, k, row_owner, row_place, column_owner, column_place):
    """Return the voxel pairs (birth by the row order, death by the column order) of dimension k."""

    def sorted_cells(dimension, owner, place):
        cells = [cell for cell in grid.cells if grid.dimension[cell] == dimension]
        return sorted(cells, key=lambda cell: (place[owner[cell]], cell))

    rows = sorted_cells(k, row_owner, row_place)
    position = {cell: i for i, cell in enumerate(rows)}
    column_of, pairs = {}, []
    for cell in sorted_cells(k + 1, column_owner, column_place):
        column = 0
        for facet in grid.facets(cell):
            column ^= 1 << position[facet]
        while column and column.bit_length() in column_of:
            column ^= column_of[column.bit_length()]
        if column:
            column_of[column.bit_length()] = column
            birth = rows[column.bit_length() - 1]
            pairs.append((row_owner[birth], column_owner[cell]))
    return pairs


def place_of(image, superlevel):
    """Return the place of each voxel in the order of entry."""
    values = image.ravel().tolist()
    sign = -1 if superlevel else 1
    order = sorted(range(len(values)), key=lambda voxel: (sign * values[voxel], voxel))
    place = np.empty(len(values), int)
    place[order] = np.arange(len(values))
    return place.tolist()


def induced(bars, image_bars):
    """Match image bars to bars of equal birth voxel, both from the longest; keys are (birth, i)."""
    by_birth = defaultdict(list)
    for birth, death, length in bars:
        by_birth[birth].append((length, death))
    image_by_birth = defaultdict(list)
    for birth, death, length in image_bars:
        image_by_birth[birth].append((length, death))
    for birth, images in image_by_birth.items():
        own = sorted(by_birth[birth], reverse=True)
        assert len(images) <= len(own), "an injection cannot make bars"
        for (_, death), (_, image_death) in zip(own, sorted(images, reverse=True), strict=False):
            yield (birth, death), image_death


def match(prediction, truth, construction="T", superlevel=True):
    """Return ``{dimension: (matched, only prediction, only truth)}`` as lists of voxel pairs."""
    comparison = (np.maximum if superlevel else np.minimum)(prediction, truth)
    grid = Complex(prediction.shape, construction)
    values = [image.ravel() for image in (prediction, truth, comparison)]
    places = [place_of(image, superlevel) for image in (prediction, truth, comparison)]
    owners = [grid.owners(place) for place in places]
    found = {}
    for k in range(prediction.ndim):
        bars, groups = [], []
        for side in (0, 1):
            own = reduced(grid, k, owners[side], places[side], owners[side], places[side])
            own = [
                (birth, death, places[side][death])
                for birth, death in own
                if values[side][birth] != values[side][death]
            ]
            image = reduced(grid, k, owners[side], places[side], owners[2], places[2])
            image = [
                (birth, death, places[2][death])
                for birth, death in image
                if enters_before(values[side][birth], values[2][death], superlevel)
            ]
            by_death = defaultdict(list)
            for bar, death in induced(own, image):
                by_death[death].append((places[side][bar[0]], -places[side][bar[1]], bar))
            bars.append([(birth, death) for birth, death, _ in own])
            groups.append(by_death)
        matched = [
            (mine[2], theirs[2])
            for death in groups[0]
            for mine, theirs in zip(
                sorted(groups[0][death]), sorted(groups[1][death]), strict=False
            )
        ]
        found[k] = (
            matched,
            left(bars[0], [pair[0] for pair in matched]),
            left(bars[1], [pair[1] for pair in matched]),
        )
    return found


def enters_before(a, b, superlevel):
    return a > b if superlevel else a < b


def left(bars, taken):
    rest = list(bars)
    for bar in taken:
        rest.remove(bar)
    return rest


def as_voxels(matching, ndim):
    """Return a `BettiMatching` as `match` does, less the essential component."""
    dying = ~matching.matched_prediction.is_essential
    matched = (matching.matched_prediction.rows(dying), matching.matched_truth.rows(dying))
    found = {}
    for k in range(ndim):
        own = [bars(diagram, k) for diagram in matched]
        found[k] = (
            list(zip(*own, strict=True)),
            bars(matching.only_prediction, k),
            bars(matching.only_truth, k),
        )
    return found


def bars(diagram, dimension):
    of_dimension = diagram.dimension == dimension
    births, deaths = diagram.birth_voxel[of_dimension], diagram.death_voxel[of_dimension]
    return list(zip(births.tolist(), deaths.tolist(), strict=True))


def told_apart(found, truth):
    """Return what must agree: all voxels, but of a truth of two values only the values.

    There the program may break ties in its own way; the bars of the prediction stay the same.
    """
    flat = truth.ravel()
    tied = len(np.unique(flat)) <= 2

    def of_truth(bar):
        return tuple(flat[list(bar)].tolist()) if tied else bar

    return {
        k: (
            sorted((mine, of_truth(theirs)) for mine, theirs in matched),
            sorted(only_prediction),
            sorted(map(of_truth, only_truth)),
        )
        for k, (matched, only_prediction, only_truth) in found.items()
    }


def cases(count, seed, cells=60):
    """Yield pairs of images with a construction and a direction, each of the four in turn."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        construction, superlevel = "TV"[number % 2], number % 4 < 2
        yield (*random_pair(rng, cells), construction, superlevel)


def random_pair(rng, cells):
    """Return two images of the same small grid: unrelated, related, tied, or against a label."""
    ndim = int(rng.integers(2, 4))
    while True:
        shape = tuple(rng.integers(1, 9 if ndim == 2 else 6, ndim).tolist())
        if np.prod(shape) <= cells:
            break
    truth = rng.random(shape)
    prediction = rng.random(shape)
    match rng.integers(5):
        case 0:
            pass
        case 1:
            prediction = 0.6 * truth + 0.4 * prediction
        case 2:
            levels = int(rng.integers(2, 6))
            prediction, truth = (
                np.floor(x * levels).astype(rng.choice(["uint8", "int16", "float32"]))
                for x in (prediction, truth)
            )
        case 3:
            truth = truth > rng.uniform(0.3, 0.8)
            prediction = np.clip(0.5 * truth + 0.7 * prediction - 0.1, 0, 1).astype(np.float32)
            if rng.random() < 0.3:
                prediction = np.round(prediction * 4) / 4
        case 4:
            truth, prediction = truth > 0.5, prediction > 0.4
    return prediction, truth

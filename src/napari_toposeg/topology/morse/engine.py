"""The engine of cubical persistence: an image in, pairs of voxels out.

The one idea: everything is the persistence of voxels as vertices ("V") that enter from the lowest
value, ties by index. A falling threshold negates the values. Voxels as top cells ("T") are the
dual: the image with its order reversed, inside a frame that is there from the beginning, has the
same pairs with birth and death exchanged and dimension k in place of n - 1 - k (Alexander
duality); the frame is taken as one point, so it needs no values and makes no class of its own.

References
----------
Robins, Wood, Sheppard 2011, doi:10.1109/TPAMI.2011.95.
Garin, Heiss, Maggs, Bleile, Robins 2020, arXiv 2005.04597 (duality of the two constructions).
Guillou, Vidal, Tierny 2023, arXiv 2206.13932.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.compiling import announce_compiling
from napari_toposeg.topology.grid import Construction
from napari_toposeg.topology.morse.basins import (
    join_maxima,
    join_minima,
    plant_maxima,
    plant_minima,
)
from napari_toposeg.topology.morse.gradient import (
    Cells,
    Gradient,
    Places,
    critical_cells,
    critical_voxels,
    to_image,
)
from napari_toposeg.topology.morse.loops import pair_loops
from napari_toposeg.topology.morse.lower_star import matchings
from napari_toposeg.topology.morse.patterns import (
    comparable,
    find_patterns,
    look_up_slab,
    working_type,
)
from napari_toposeg.topology.morse.planar import planar_pairs
from napari_toposeg.topology.morse.sorting import order_of
from napari_toposeg.topology.morse.watch import Tell, Watch, run_tasks

Pairs = NDArray[np.int64]
COMPILING_SECONDS = 20


def voxel_pairs(
    array: NDArray[Any],
    construction: Construction,
    superlevel: bool,
    dimensions: Collection[int],
    threads: int,
    watch: Watch,
) -> list[tuple[int, Pairs]]:
    """Return ``(dimension, (n, 2) flat indices of birth and death voxel)``, -1 for no death."""
    volume = comparable(array.reshape((-1, *array.shape[-2:])))
    dual = construction == "T"
    last = array.ndim - 1
    wanted = {last - k for k in dimensions} if dual else set(dimensions)
    told = watch.part(0.0, 0.1)
    gradient = find_gradient(volume, dual, superlevel, array.ndim == 2, threads, told)
    if gradient.planar:
        return planar_pairs(
            gradient,
            volume,
            dual=dual,
            negate=superlevel != dual,
            wanted=dimensions,
            threads=threads,
            watch=watch,
        )
    cells = enter(gradient, volume, dual, superlevel)
    found = pair_cells(gradient, cells, wanted, threads, watch)
    pairs = []
    for dimension, (birth, death) in found.pairs.items():
        flat = [to_image(p, gradient.shape, flipped=dual) for p in (birth, death)]
        if dual:
            pairs.append((last - dimension, np.stack(flat[::-1], axis=1)))
        else:
            pairs.append((dimension, np.stack(flat, axis=1)))
    if 0 in dimensions:
        first = found.last if dual else found.first
        birth = to_image(np.array([first]), gradient.shape, flipped=dual)
        pairs.append((0, np.stack([birth, np.full(1, -1)], axis=1)))
    return pairs


def find_gradient(
    volume: NDArray[Any], dual: bool, superlevel: bool, planar: bool, threads: int, tell: Tell
) -> Gradient:
    """Return the gradient of the volume as it enters, or of its dual."""
    announce_compiling(look_up_slab, "the topology engine", COMPILING_SECONDS)
    table = matchings()
    index = find_patterns(
        # Backwards, a tie that was won by the lower index is won by the higher one.
        volume[::-1, ::-1, ::-1] if dual else volume,
        negate=superlevel != dual,
        low_frame=dual,
        planar=planar,
        threads=threads,
        tell=tell,
    )
    return Gradient(index.ravel(), table.rows, table.critical, index.shape)


def enter(gradient: Gradient, volume: NDArray[Any], dual: bool, superlevel: bool) -> list[Cells]:
    """Return the critical cells of each dimension in the order in which they enter."""
    voxels = critical_voxels(gradient)
    flat = to_image(voxels, gradient.shape, flipped=dual)
    values = volume.reshape(-1)[flat].astype(working_type(volume.dtype))
    if superlevel != dual:
        np.negative(values, out=values)
    return critical_cells(gradient, voxels[order_of(values)])


@dataclass(frozen=True, eq=False)
class Found:
    """Places of the voxels of birth and death by dimension, and of the first and last voxel."""

    pairs: dict[int, tuple[Places, Places]]
    first: int
    last: int


def pair_cells(
    gradient: Gradient, cells: list[Cells], wanted: set[int], threads: int, watch: Watch
) -> Found:
    """Pair the critical cells of the dimensions wanted, and as few others as that takes."""
    highest = gradient.top - 1
    loops = gradient.top == 3 and 1 in wanted
    minima, edges = cells[0].voxel, cells[1]
    facets, tops = cells[highest], cells[highest + 1].backwards()
    tasks: list[Callable[[], None]] = []
    pairs = {}
    if loops or 0 in wanted:
        low = plant_minima(gradient, minima, edges)
        tasks.append(lambda: join_minima(gradient, edges, low, watch.part(0.1, 0.25)))
    if loops or highest in wanted:
        high = plant_maxima(gradient, tops, facets)
        tasks.append(lambda: join_maxima(gradient, facets, high, watch.part(0.25, 0.4)))
    run_tasks(tasks, threads, watch.tell)
    if 0 in wanted:
        dies = low.joined >= 0
        pairs[0] = minima[low.joined[dies] - 1], edges.voxel[dies]
    if highest in wanted:
        dies = high.joined >= 0
        pairs[highest] = facets.voxel[dies], tops.voxel[high.joined[dies] - 1]
    if loops:
        rows, columns = edges.rows(low.joined < 0), facets.rows(high.joined < 0)
        del low, high
        pairs[1] = pair_loops(gradient, rows, columns, threads, watch.part(0.4, 1.0))
    first, last = (int(v[0]) if len(v) else -1 for v in (minima, tops.voxel))
    return Found(pairs, first, last)

"""Slabs of layers worked side by side.

The one idea: compiled code that holds no interpreter lock runs on slabs in plain threads. numba's
own parallel loops are not used, since its thread layers are not safe from several Python threads.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from napari_toposeg.topology.processors import processors

Result = TypeVar("Result")

# Below so many rows a second thread costs more than it saves.
ROWS_WORTH_A_THREAD = 8192
MOST_THREADS = 8


def each_slab(
    work: Callable[[int, int], Result], rows: int, rows_per_layer: int
) -> list[tuple[int, int, Result]]:
    """Apply a function to the first and the end row of each slab of whole layers.

    Returns the slabs in order: first row, end row, and what the function returned.
    """
    layers = rows // rows_per_layer
    wanted = min(processors(), MOST_THREADS, rows // ROWS_WORTH_A_THREAD, layers)
    if wanted < 2:
        return [(0, rows, work(0, rows))]
    bounds = [layers * slab // wanted * rows_per_layer for slab in range(wanted + 1)]
    with ThreadPoolExecutor(wanted, thread_name_prefix="slab") as threads:
        found = list(threads.map(work, bounds[:-1], bounds[1:]))
    return list(zip(bounds[:-1], bounds[1:], found, strict=True))

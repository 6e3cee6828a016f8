"""Loops of a volume: critical edges paired with the critical squares that fill them.

The one idea: the boundaries of critical squares, traced along the gradient (`flow`), are a few
short columns of critical edges, and their reduction (`reduction`) gives the pairs. Edges that join
components and squares that close cavities are known before and left out on both sides (clearing).

References
----------
Guillou, Vidal, Tierny 2023, arXiv 2206.13932 (Discrete Morse Sandwich).
Chen, Kerber 2011 (clearing).
"""

from functools import partial

import numpy as np

from napari_toposeg.topology.morse.bit_tree import empty_tree
from napari_toposeg.topology.morse.flow import (
    PLUS,
    other_sides,
    sides_of_squares,
    start_flow,
    trace,
)
from napari_toposeg.topology.morse.gradient import Cells, Gradient, Places
from napari_toposeg.topology.morse.lower_star import EDGE_BITS
from napari_toposeg.topology.morse.reduction import Columns, Indices, Numbers, reduce_columns
from napari_toposeg.topology.morse.sorting import order_of_places
from napari_toposeg.topology.morse.watch import Tell, part_of, run_tasks, silent

CHUNK = 1 << 12
MOST_SHARES = 2


def pair_loops(
    gradient: Gradient, edges: Cells, squares: Cells, threads: int = 1, tell: Tell = silent
) -> tuple[Places, Places]:
    """Return the voxels at which each loop is closed and filled.

    Parameters
    ----------
    edges
        Critical edges that join no components, in their order of entry: the rows.
    squares
        Critical squares that close no cavity, in their order of entry: the columns. The two orders
        may come from two images (image persistence), if the gradient is one of both.
    """
    killer = pair_rows(gradient, edges, squares, threads, tell)
    pairs = killer >= 0
    return edges.voxel[pairs], squares.voxel[killer[pairs]]


def pair_rows(
    gradient: Gradient, edges: Cells, squares: Cells, threads: int = 1, tell: Tell = silent
) -> Numbers:
    """Return for each row the column that it is paired with, -1 for none (see `pair_loops`)."""
    columns = trace_columns(gradient, edges, squares, threads, part_of(tell, 0.0, 0.8))
    return reduced(columns, len(edges), part_of(tell, 0.8, 1.0))


def reduced(columns: Columns, rows: int, tell: Tell) -> Numbers:
    """Reduce all columns; return for each row the column it is paired with, -1 for none."""
    killer = np.full(rows, -1, np.int32)
    tree, count = empty_tree(rows), len(columns.begin)
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        columns.rows, columns.used = reduce_columns(
            start, stop, columns.begin, columns.length, columns.rows, columns.used, killer, tree
        )
        tell(stop / count)
    return killer


def trace_columns(
    gradient: Gradient, edges: Cells, squares: Cells, threads: int, tell: Tell
) -> Columns:
    """Return the boundaries of the squares as columns of rows.

    Squares are followed in scan order, which finds their surroundings in the cache. Each thread has
    a share of the volume and keeps the ends that it found for itself: few flows cross the border.
    """
    scan = order_of_places(squares.voxel)
    shares = np.array_split(scan, min(threads, MOST_SHARES)) if len(scan) > CHUNK else [scan]
    parts = [Columns(np.empty(len(s), np.int64), np.empty(len(s), np.int32)) for s in shares]
    tasks = [
        partial(trace_share, gradient, edges, squares, share, part, tell)
        for share, part in zip(shares, parts, strict=True)
    ]
    run_tasks(tasks, threads, tell)
    columns = Columns(np.empty(len(scan), np.int64), np.empty(len(scan), np.int32))
    columns.rows = np.concatenate([part.rows[: part.used] for part in parts])
    for share, part in zip(shares, parts, strict=True):
        columns.begin[share] = part.begin + columns.used
        columns.length[share] = part.length
        columns.used += part.used
    return columns


def trace_share(
    gradient: Gradient,
    edges: Cells,
    squares: Cells,
    share: Indices,
    into: Columns,
    tell: Tell,
) -> None:
    """Write the boundaries of some of the squares."""
    flow = start_flow(gradient, edges)
    odd = np.zeros(len(edges), np.bool_)
    held = np.ascontiguousarray(gradient.rows[:, EDGE_BITS])
    sides = sides_of_squares(gradient)
    others = other_sides(gradient, sides)
    for start in range(0, len(share), CHUNK):
        part = slice(start, start + CHUNK)
        flow.branches, flow.count, flow.tree, into.rows, into.used = trace(
            squares.voxel[share[part]],
            squares.code[share[part]],
            gradient.index,
            gradient.rows,
            held,
            gradient.strides,
            PLUS,
            sides,
            others,
            flow.end,
            flow.branches,
            flow.count,
            flow.tree,
            odd,
            into.begin[part],
            into.length[part],
            into.rows,
            into.used,
        )
        tell(min(1.0, (start + CHUNK) / len(share)))

"""Pairs of a 2D image: two forests, grown from the critical cells in scan order.

The one idea: in the plane a critical edge joins two minima or, on the dual, two maxima, and never
both. Most do so next door: where the first edge to leave a minimum leads to an elder one, the
minimum dies there, whatever happens elsewhere. Only what is left by that is put in order and
joined. All lists are in scan order, so that memory is read as it lies.

On the dual "elder" means later: there words are inverted, and cells are numbered and edges come
from the last one back.

References
----------
Guillou, Vidal, Tierny 2023, arXiv 2206.13932 (extrema first; in the plane there is nothing else).
"""

from collections.abc import Collection
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.morse.gradient import Gradient
from napari_toposeg.topology.morse.planar_kernels import (
    Numbers,
    Places,
    Words,
    contract,
    count_pairs,
    find_ends,
    flow_down,
    flow_up,
    join_rest,
    list_pairs,
    pair_next_door,
    shorten,
)
from napari_toposeg.topology.morse.planar_stars import (
    Critical,
    find_cells,
    planar_stars,
    steps_of_moves,
)
from napari_toposeg.topology.morse.sorting import order_of_words
from napari_toposeg.topology.morse.watch import Tell, Watch, run_tasks

CHUNK = 1 << 17
# Along so many edges a walk takes longer than to start a thread.
MANY = 1 << 14
# By code of an edge, the (y, x) steps to its two vertices, and to the squares on its two sides.
SIDES = np.array(
    [
        [[(0, 0), (-1, 0)], [(0, 0), (0, -1)], [(0, 0), (0, 1)], [(0, 0), (1, 0)]],
        [[(-1, 0), (-1, -1)], [(0, -1), (-1, -1)], [(0, 0), (-1, 0)], [(0, 0), (0, -1)]],
    ]
)

Pairs = NDArray[np.int64]


class Forest(NamedTuple):
    """A union-find of cells, numbered 1, 2, ... behind 0, which is what lies outside.

    Parameters
    ----------
    node
        For each place 1 + the number of the cell that it flows to, 0 if that is not known yet.
    flat, age
        Of each number: the voxel's index in the image; the elder has the lower age, or if they are
        equal the lower number.
    parent
        Of each number.
    ends
        ``(n, 2)`` numbers that the two ends of each edge flow to.
    joined
        For each edge the number of the cell that it kills, 0 for none.
    flip
        What inverts an edge's word to compare it with an age: no bits, or on the dual all.
    """

    walled: bool
    place: Places
    flat: Places
    age: Words
    parent: Numbers
    ends: Numbers
    joined: Numbers
    flip: Any


def planar_pairs(
    gradient: Gradient,
    volume: NDArray[Any],
    *,
    dual: bool,
    negate: bool,
    wanted: Collection[int],
    threads: int,
    watch: Watch,
) -> list[tuple[int, Pairs]]:
    """Return the pairs of voxels of the dimensions wanted, without those within one value.

    Parameters
    ----------
    gradient
        Of the image ``(1, y, x)`` as it enters, or of its dual: backwards, inside a low frame.
    volume
        The image itself.
    dual
        Whether the gradient is that of the dual, so that births are deaths and dimension 0 is 1.
    negate
        Whether high values enter first, in the gradient.
    wanted
        Dimensions 0 and 1 of the image, or one of them.

    Returns
    -------
    list
        ``(dimension, (n, 2) flat indices of birth and death voxel)``, births in rising order.
    """
    if not wanted:
        return []
    minima, edges, tops = find_cells(gradient, volume, dual, negate)
    watch.tell(0.2)
    forests = {}
    if int(dual) in wanted:
        forests[0] = plant(gradient, minima, edges, above=False, walled=dual)
    if int(not dual) in wanted:
        forests[1] = plant(gradient, tops, edges, above=True, walled=not dual)
    join_forests(gradient, edges, forests, threads, watch)
    found: dict[int, Pairs] = {}

    def read(above: int) -> None:
        dimension = int(dual) ^ above
        found[dimension] = pairs_of(forests[above], edges, dimension == 0, dual)

    run_tasks(
        [partial(read, above) for above in forests], several(threads, edges.place), watch.tell
    )
    pairs = list(found.items())
    if 0 in wanted:
        cells = forests[int(dual)]
        first = 1 + int(np.argmin(cells.age[1:]))
        pairs.append((0, np.array([[cells.flat[first], -1]], np.int64)))
    watch.tell(1.0)
    return pairs


def plant(
    gradient: Gradient, cells: Critical, edges: Critical, *, above: bool, walled: bool
) -> Forest:
    """Return the forest of minima, or above of maxima, each for itself at first.

    ``walled``: some flow to the outside, to the frame or, above, to the squares that touch it.
    """
    count, kind = len(cells.place), edges.word.dtype
    flip = ~kind.type(0) if above else kind.type(0)
    way = slice(None, None, -1) if above else slice(None)
    return Forest(
        walled=walled,
        place=np.append(cells.place.dtype.type(-1), cells.place[way]),
        flat=np.append(cells.flat.dtype.type(-1), cells.flat[way]),
        age=np.append(kind.type(0), cells.word[way] ^ flip),
        parent=np.arange(count + 1, dtype=np.int32),
        ends=np.empty((len(edges.place), 2), np.int32),
        joined=np.zeros(len(edges.place), np.int32),
        flip=flip,
    )


def join_forests(
    gradient: Gradient, edges: Critical, forests: dict[int, Forest], threads: int, watch: Watch
) -> None:
    """Let the edges join the cells of each forest, by numbers 0 (minima) and 1 (maxima)."""

    def begin(above: int) -> None:
        tell = watch.part(0.2 + 0.2 * above, 0.4 + 0.2 * above)
        forest = forests[above]
        find_all_ends(gradient, edges, forest, bool(above), tell)
        pair_next_door(
            forest.ends, edges.word, forest.flip, forest.age, forest.parent, forest.joined
        )

    def end(above: int) -> None:
        tell = watch.part(0.6 + 0.2 * above, 0.8 + 0.2 * above)
        join_others(rest, order[::-1] if above else order, forests[above], tell)

    run_tasks([partial(begin, above) for above in forests], threads, watch.tell)
    # Who joins minima does not join maxima, and the other way round.
    free = np.logical_and.reduce([forest.joined == 0 for forest in forests.values()])
    rest = np.flatnonzero(free).astype(np.int32)
    order = order_of_words(edges.word[rest])
    run_tasks([partial(end, above) for above in forests], several(threads, rest), watch.tell)


def several(threads: int, places: Places) -> int:
    """Return how many threads pay for a quick walk along so many places."""
    return threads if len(places) > MANY else 1


def find_all_ends(
    gradient: Gradient, edges: Critical, forest: Forest, above: bool, tell: Tell
) -> None:
    """Find the cells that the ends of the edges flow to."""
    node = flows(gradient, forest, above)
    sides = SIDES[int(above)] @ (gradient.shape[2], 1)
    for start in range(0, len(edges.place), CHUNK):
        part = slice(start, start + CHUNK)
        find_ends(edges.place[part], edges.code[part], sides, node, forest.ends[part])
        tell(start / len(edges.place))


def flows(gradient: Gradient, forest: Forest, above: bool) -> Places:
    """Return for each place one that it flows to, or ~n where that is known to be cell n."""
    stars = planar_stars()
    node = np.empty(gradient.index.size, forest.flat.dtype)
    steps = steps_of_moves(gradient.shape[2])
    if above:
        flow_up(gradient.index, stars.up, steps, node)
    else:
        flow_down(gradient.index, stars.down, steps, node)
    if forest.walled:
        wall = node.reshape(gradient.shape[1:])
        last = -2 if above else -1
        wall[0] = wall[:, 0] = wall[last] = wall[:, last] = ~0
    node[forest.place[1:]] = ~np.arange(1, len(forest.place), dtype=node.dtype)
    # On smooth and on rough images the second time still pays.
    for _ in range(2):
        shorten(node)
    return node


def join_others(rest: Places, order: Places, forest: Forest, tell: Tell) -> None:
    """Let the rest of the edges join components, in an order of that rest."""
    roots, ends = contract(rest, forest.ends, forest.parent)
    age = forest.age[roots]
    parent = np.arange(len(roots), dtype=np.int32)
    joined = np.zeros(len(rest), np.int32)
    order = np.ascontiguousarray(order)
    for start in range(0, len(order), CHUNK):
        join_rest(order[start : start + CHUNK], ends, age, parent, joined)
        tell(start / len(order))
    forest.joined[rest] = roots[joined]


def pairs_of(forest: Forest, edges: Critical, by_cell: bool, backwards: bool) -> Pairs:
    """Return cells and the edges that kill them, or where these give birth edges and cells.

    ``backwards``: edges in scan order are those of the image from the last one back.
    """
    count = count_pairs(forest.joined, edges.word, forest.flip, forest.age)
    # By columns, since they are read one by one.
    pairs: Pairs = np.empty((2, count), np.int64)
    list_pairs(
        forest.joined,
        edges.word,
        forest.flip,
        forest.age,
        edges.flat,
        forest.flat,
        by_cell,
        backwards,
        pairs,
    )
    return pairs.T

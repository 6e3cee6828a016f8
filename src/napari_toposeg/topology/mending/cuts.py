"""Take loops and cavities away from a mask, down to the wanted numbers, by cuts and fills.

The one idea: of the pieces off a core (`cores`) all that add nothing come back, and of the others
the dearest that the wanted numbers allow; the rest are the cuts.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.topology.grid import Mask, background_connectivity, neighbourhood
from napari_toposeg.topology.masks.neighbours import count_parts, look_around
from napari_toposeg.topology.mending.cores import find_cuts, grow_cores, lost
from napari_toposeg.topology.mending.fills import SHARES, propose_fills
from napari_toposeg.topology.mending.growing import deform, with_margin
from napari_toposeg.topology.mending.task import Pieces, Task, total

# So many voxels are tried to add one loop or cavity, the greatest first.
TURNS = 64
# Further sets of fills are tried where cuts are more than this share of all the cost, so often.
WORTH_A_SEARCH = 0.05
ROUNDS = 3
# A round that gains less than this share of the cost is the last.
WORTH_A_ROUND = 0.005
# What is told of the progress: the first cuts' share, and the most steps after them.
FIRST_SHARE = 0.1
MOST_STEPS = ROUNDS * (2 + len(SHARES))
Wanted = tuple[int, int]


def reduce_features(task: Task, mask: Mask, wanted: Wanted) -> Mask:
    """Return a mask like this one with no more loops and cavities than wanted, nor fewer if it can.

    The mask must have as many of both.
    """
    best = cut_or_fill(task, mask, wanted)
    rank = task.rank(best, wanted)
    if rank[0]:
        for other in cut_otherwise(task, mask, wanted):
            its = task.rank(other, wanted)
            if its < rank:
                best, rank = other, its
            if rank[0] == 0:
                break
    return best


def cut_or_fill(task: Task, mask: Mask, wanted: Wanted) -> Mask:
    """Return the mask with cuts, or with the fills too that spare some of them.

    Where cuts are most of the cost, more sets of fills are tried, and fills after fills.
    """
    importance = task.margin.copy()
    task.told.enter(FIRST_SHARE)
    core, cuts = find_cuts(task, mask, importance)
    best = restore(task, core, mask, cuts, wanted)
    rank = task.rank(best, wanted)
    is_dear = lost(cuts) > WORTH_A_SEARCH * rank[1]
    left = MOST_STEPS if is_dear else 2
    for _ in range(ROUNDS if is_dear else 1):
        base, base_cuts, before = mask, cuts, rank
        left = begin_step(task, left)
        for fills in propose_fills(task, base, base_cuts, wanted, is_dear):
            left = begin_step(task, left)
            filled = base | fills
            core, its_cuts = find_cuts(task, filled, importance.copy())
            other = restore(task, core, filled, its_cuts, wanted)
            its = task.rank(other, wanted)
            if its < rank:
                best, rank = other, its
                mask, cuts = filled, its_cuts
        if rank[0] == before[0] and rank[1] > (1 - WORTH_A_ROUND) * before[1]:
            break
    return best


def begin_step(task: Task, left: int) -> int:
    """Tell that one of so many steps begins; return how many there are after it, at least one."""
    task.told.enter(1 / (left + 1))
    return max(left - 1, 1)


def cut_otherwise(task: Task, mask: Mask, wanted: Wanted) -> Iterator[Mask]:
    """Yield masks cut off other cores, where pieces that add several features are in the way.

    First with the cavities to be kept grown full and hollowed out again, the largest or all of
    them; then with cores grown in other orders; and last without single voxels.
    """
    cavities, sizes = find_cavities(task, mask)
    for number in dict.fromkeys((wanted[1], len(sizes))) if wanted[1] else ():
        largest = np.argsort(-sizes, kind="stable")[:number] + 1
        yield keep_cavities(task, mask, np.isin(cavities, largest), wanted)
    for importance in (-task.margin, np.arange(mask.size, dtype=np.float64).reshape(mask.shape)):
        core = grow_cores(task, mask, importance)
        yield restore(task, core, mask, task.pieces(core, mask), wanted)
    yield trim(task, mask, wanted)


def trim(task: Task, mask: Mask, wanted: Wanted) -> Mask:
    """Return the mask without single voxels that each end something too many, cheapest first."""
    numbers = task.count(mask)
    goal = (numbers.b0, *wanted)
    off = task.rank(mask, goal)[0]
    voxels = np.flatnonzero(mask)
    voxels = voxels[np.argsort(task.margin.ravel()[voxels], kind="stable")]
    for voxel in voxels[is_turning(task, mask, voxels)][: TURNS * min(off, 4)]:
        trimmed = mask.copy()
        trimmed.ravel()[voxel] = False
        its = task.rank(trimmed, goal)[0]
        if its < off:
            mask, off = trimmed, its
        if off == 0:
            break
    return mask


def find_cavities(task: Task, mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the label of each cavity, 0 elsewhere, and the sum of ``abs(margin)`` over each."""
    structure = neighbourhood(background_connectivity(task.foreground))
    outside_and_in = np.pad(~mask, 1, constant_values=True)
    label, count = ndimage.label(outside_and_in, structure)
    inner = label[(slice(1, -1),) * mask.ndim]
    # The margin comes first in scan order, so the outside has label 1.
    cavities = np.where(inner > 1, inner - 1, 0).astype(np.int32)
    enclosed = cavities > 0
    return cavities, total(cavities[enclosed], np.abs(task.margin[enclosed]), count - 1)


def keep_cavities(task: Task, mask: Mask, kept: Mask, wanted: Wanted) -> Mask:
    """Return a mask cut off a core that is grown from these cavities outwards, then hollowed."""
    filled = mask | kept
    shell = ndimage.binary_dilation(kept, np.ones((3,) * mask.ndim))
    core = grow_cores(task, filled, np.where(shell, task.margin.max() + 1, task.margin))
    hollows = task.pieces(core, core & ~kept)
    single = np.asarray(np.all(hollows.change == (0, 0, 1), axis=1))
    order = np.flatnonzero(single)[np.argsort(-hollows.cost[single], kind="stable")]
    single[order[wanted[1] :]] = False
    hollowed = core & ~hollows.union(single)
    whole = mask | hollowed
    return restore(task, hollowed, whole, task.pieces(hollowed, whole), wanted)


def restore(task: Task, core: Mask, mask: Mask, cuts: Pieces, wanted: Wanted) -> Mask:
    """Return the core with as many pieces as the wanted numbers allow, the dearest first."""
    kept = ~cuts.is_critical
    left = np.maximum(np.array(wanted) - task.count(core)[1:], 0)
    for piece in np.argsort(-cuts.cost, kind="stable"):
        adds = cuts.change[piece, 1:]
        if not kept[piece] and np.all(adds <= left):
            kept[piece] = True
            left -= adds
            if not left.any():
                break
    restored = core | cuts.union(kept)
    while left.any():
        grown = add_feature(task, restored, mask, left)
        if grown is None:
            break
        restored, left = grown
    return restored


def add_feature(
    task: Task, state: Mask, mask: Mask, left: NDArray[np.int64]
) -> tuple[Mask, NDArray[np.int64]] | None:
    """Add one voxel of the mask that adds loops or cavities, no more than are left, then grow.

    A voxel between two parts of the foreground closes a loop, one between two parts of the
    background a cavity, or else it ends something: what it does is counted.
    """
    before = np.array(task.count(state))
    voxels = np.flatnonzero(mask & ~state)
    voxels = voxels[np.argsort(-task.margin.ravel()[voxels], kind="stable")]
    for voxel in voxels[is_turning(task, state, voxels)][:TURNS]:
        turned = state.copy()
        turned.ravel()[voxel] = True
        adds = task.count(turned) - before
        if adds[0] == 0 and np.all(adds >= 0) and adds.any() and np.all(adds[1:] <= left):
            grown = deform(turned, mask, task.margin, True, task.foreground, task.heed)
            return grown, np.asarray(left - adds[1:], np.int64)
    return None


def is_turning(task: Task, state: Mask, voxels: NDArray[np.int64]) -> Mask:
    """Return which voxels meet more than one part of the foreground or of the background."""
    padded = with_margin(state)
    shape = [side - 2 for side in padded.shape]
    place = np.array(np.unravel_index(voxels, shape)) + 1
    flat = np.ravel_multi_index(tuple(place), padded.shape)
    plane, row = padded.shape[1] * padded.shape[2], padded.shape[2]
    found: Mask = meet_parts(padded.ravel(), flat, plane, row, task.foreground in (8, 26))
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def meet_parts(
    state: NDArray[np.uint8], voxels: NDArray[np.int64], plane: int, row: int, closed: bool
) -> NDArray[np.bool_]:
    """Return which voxels of a flat volume meet two parts of one side and one of the other."""
    found = np.zeros(len(voxels), np.bool_)
    for i, voxel in enumerate(voxels):
        near, far = count_parts(look_around(state, voxel, plane, row), closed)
        found[i] = near > 0 and far > 0 and near + far > 2
    return found

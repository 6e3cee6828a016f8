"""Cheapest paths between the components of a mask.

The one idea: a flood from all components at once, by cost, meets where a cheapest path between two
of them passes, and these paths hold a least spanning tree (Mehlhorn 1988,
doi:10.1016/0020-0190(88)90066-X). A component's flood ends where the way costs more than the
component weighs: it would rather be dropped than joined.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.grid import neighbourhood
from napari_toposeg.topology.mending.growing import in_space
from napari_toposeg.topology.mending.task import Task

# Costs of single voxels are counted in whole units, so that voxels wait in a ring of lists.
UNITS = 255
NOWHERE = -1
DONE = -2
STEPS_BETWEEN_LOOKS = 16
STEPS_BETWEEN_CALLS = 500_000
MOST_UNITS = 2**30
# Places in the counts of a flood: voxels that wait, the cost flooded so far, meetings found.
WAITING, FAR, MET = range(3)


@dataclass(frozen=True, eq=False)
class Bridges:
    """Paths between components: the two labels of each, its cost, and its voxels."""

    ends: NDArray[np.int64]
    cost: NDArray[np.float64]
    voxels: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.cost)


def find_bridges(
    task: Task, label: NDArray[np.int32], weight: NDArray[np.float64], sets: int
) -> Bridges:
    """Return a forest of cheap paths between components, none that is dearer than what it joins.

    ``weight`` is the sum of the margin over the component with label i + 1. No more paths are
    sought once only so many sets of components are worth a longer way.
    """
    free = task.may_add & (label == 0)
    if task.may_bridge is not None:
        free &= task.may_bridge
    dearest = -float(task.margin[free].min(initial=0))
    unit = dearest / (UNITS - 1) or 1.0
    price = 1 + np.clip(-task.margin[free] / unit, 0, UNITS - 1)
    owner = label.astype(np.int32)
    owner[free] = -price.astype(np.int32)
    owner = np.pad(in_space(owner), 1)
    limit = np.append(0, np.minimum(np.ceil(weight / unit), MOST_UNITS)).astype(np.int64)
    steps = offsets(owner.shape, task)
    came = np.full(owner.size, len(steps), np.uint8)
    meetings = np.empty((max(len(weight) - 1, 0), 4), np.int64)
    wave = start_wave(owner.ravel(), steps, len(limit))
    while flood(owner.ravel(), limit, steps, sets, came, meetings, *wave, STEPS_BETWEEN_CALLS):
        task.heed()
    task.heed()
    meetings = meetings[: wave[-1][MET]]
    paths = []
    inner = in_space(label)
    for one, other in meetings[:, 2:].tolist():
        path = np.array([*walk_back(one, steps, came), *walk_back(other, steps, came)], np.int64)
        place = np.array(np.unravel_index(path, owner.shape)) - 1
        paths.append(np.ravel_multi_index(tuple(place), inner.shape))
    margin = task.margin.ravel()
    cost = np.array([-margin[path].sum(dtype=np.float64) for path in paths])
    return Bridges(meetings[:, :2], cost, tuple(paths))


def offsets(shape: tuple[int, ...], task: Task) -> NDArray[np.int64]:
    """Return the steps in a flat volume to the neighbours that the foreground is joined with."""
    structure = neighbourhood(task.foreground)
    offset = np.argwhere(structure.reshape(-1, 3, 3)) - 1
    if structure.ndim == 2:
        offset[:, 0] = 0
    steps = offset @ np.array([shape[1] * shape[2], shape[2], 1])
    return np.asarray(steps[steps != 0])


def walk_back(voxel: int, steps: NDArray[np.int64], came: NDArray[np.uint8]) -> list[int]:
    """Return the voxels from here back to the component, which is not part of the way."""
    way = []
    while came[voxel] < len(steps):
        way.append(voxel)
        voxel -= int(steps[came[voxel]])
    return way


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_root(root: NDArray[np.int64], item: int) -> int:
    """Return the representative of a set, halving the way to it."""
    while root[item] != item:
        root[item] = root[root[item]]
        item = root[item]
    return item


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def start_wave(
    owner: NDArray[np.int32], steps: NDArray[np.int64], labels: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Return the state of a flood that has not begun: sets of labels, lists of voxels, counts."""
    following = np.full(owner.size, NOWHERE, np.int32)
    heads = np.full(UNITS + 1, NOWHERE, np.int32)
    counts = np.zeros(3, np.int64)
    for voxel in range(owner.size - 1, -1, -1):
        if owner[voxel] > 0 and is_open(owner, voxel, steps):
            following[voxel] = heads[0]
            heads[0] = voxel
            counts[WAITING] += 1
    return np.arange(labels), following, heads, counts


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def flood(
    owner: NDArray[np.int32],
    limit: NDArray[np.int64],
    steps: NDArray[np.int64],
    sets: int,
    came: NDArray[np.uint8],
    meetings: NDArray[np.int64],
    root: NDArray[np.int64],
    following: NDArray[np.int32],
    heads: NDArray[np.int32],
    counts: NDArray[np.int64],
    most: int,
) -> bool:
    """Flood on from all components until about so many voxels are done; False at the end.

    The cost of a way is that of the voxels that it enters, so the first to reach a voxel is its
    cheapest way. ``owner`` is -price where a flood may go, 0 where it may not, and becomes the
    component that reached a voxel; ``came`` is the number of the step by which it did. Rows (label,
    label, voxel, voxel) of ``meetings`` say where sets first met.
    """
    done = 0
    while counts[WAITING]:
        far = counts[FAR]
        if done >= most:
            return True
        if far % STEPS_BETWEEN_LOOKS == 0 and worth_it(limit, root, far) <= sets:
            break
        # Taken first, since a voxel of price above 0 never enters the list that is being read.
        voxel = heads[far % (UNITS + 1)]
        heads[far % (UNITS + 1)] = NOWHERE
        while voxel != NOWHERE:
            done += 1
            counts[WAITING] -= 1
            mine = owner[voxel]
            one = find_root(root, mine)
            for step in range(len(steps)):
                other = voxel + steps[step]
                its = owner[other]
                if its < 0:
                    reached = far - its
                    if reached > limit[one]:
                        continue
                    owner[other] = mine
                    came[other] = step
                    place = reached % (UNITS + 1)
                    following[other] = heads[place]
                    heads[place] = other
                    counts[WAITING] += 1
                elif its > 0 and its != mine and following[other] == DONE:
                    two = find_root(root, its)
                    if one != two:
                        met = counts[MET]
                        meetings[met, 0], meetings[met, 1] = mine, its
                        meetings[met, 2], meetings[met, 3] = voxel, other
                        counts[MET] += 1
                        limit[one] = min(limit[one] + limit[two], MOST_UNITS)
                        root[two] = one
            after = following[voxel]
            following[voxel] = DONE
            voxel = after
        counts[FAR] += 1
    return False


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_open(owner: NDArray[np.int32], voxel: int, steps: NDArray[np.int64]) -> bool:
    """Whether a flood can begin here."""
    closed = True
    for step in steps:
        closed = closed and owner[voxel + step] >= 0
    return not closed


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def worth_it(limit: NDArray[np.int64], root: NDArray[np.int64], far: int) -> int:
    """Return how many sets weigh more than the way flooded so far."""
    count = 0
    for item in range(1, len(root)):
        if root[item] == item and limit[item] > far:
            count += 1
    return count

"""Errors without a truth: what the cheapest repair to the wanted Betti numbers would change.

The one idea: an edit of a repair is an error as much as a difference from a truth is; what it
closes, cuts or drops says what was wrong. Where there are too many components, those that the
repair joins are listed too, so that each of them can be seen. No Qt here.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.plugin.topology.errors.found_defects import FoundDefects, join
from napari_toposeg.plugin.topology.errors.repairing import ClassEdit, Proposal, nearest_to_centre
from napari_toposeg.topology import Repair, betti_numbers
from napari_toposeg.topology.defects import name_kinds
from napari_toposeg.topology.grid import neighbourhood

APART = "apart"
"""Kind of a component that is one too many and that the repair joins to another."""
MOST_APART = 2000
"""So many components are listed for each class, the largest first."""


def defects_of_proposal(proposal: Proposal, voxel_mm3: float) -> FoundDefects:
    """Return the edits of a repair, and the components that are too many, as a list of errors."""
    shape = proposal.before.shape
    parts = [from_edits(list(proposal.edits), shape, voxel_mm3)] if proposal.edits else []
    for number, repair in proposal.found.repairs.items():
        if proposal.counted[number].b0 > repair.wanted.b0:
            mask = proposal.before == number
            parts.append(components_apart(mask, repair, number, voxel_mm3))
    return join(parts, shape, voxel_mm3)


def from_edits(edits: list[ClassEdit], shape: tuple[int, ...], voxel_mm3: float) -> FoundDefects:
    """Return edits as errors: what each would mend, said of the label map as it is."""
    adds = np.array([each.edit.adds for each in edits])
    change = np.array([each.edit.change for each in edits], np.int64)
    size = [len(each.edit.voxels) for each in edits]
    return FoundDefects(
        label=np.array([each.label for each in edits], np.int64),
        kind=name_kinds(~adds, change, np.zeros(len(edits), np.bool_)),
        adds=adds,
        change=change,
        cost=np.array([each.edit.cost for each in edits]),
        centre=np.array([each.centre for each in edits], np.int64),
        voxels=np.concatenate([each.edit.voxels for each in edits]),
        first=np.concatenate([[0], np.cumsum(size)]),
        shape=shape,
        voxel_mm3=voxel_mm3,
    )


def components_apart(
    mask: NDArray[np.bool_], repair: Repair, number: int, voxel_mm3: float
) -> FoundDefects:
    """Return the components of a class beyond as many of the largest as are wanted.

    Those that the repair drops are left out: its edits name them. What taking a component away
    would change and cost is what its row says.
    """
    label, count = ndimage.label(mask, neighbourhood(repair.task.foreground))
    size = np.bincount(label.ravel(), minlength=count + 1)[1:]
    stays = np.zeros(count, np.bool_)
    stays[np.unique(label[mask & repair.mask]) - 1] = True
    order = np.argsort(-size, kind="stable")[repair.wanted.b0 :]
    order = order[stays[order]][:MOST_APART]
    boxes = ndimage.find_objects(label)
    voxels, change, cost, centre = [], [], [], []
    margin = np.abs(repair.task.margin).ravel()
    for component in order.tolist():
        box = boxes[component]
        inside = label[box] == component + 1
        place = np.argwhere(inside) + [side.start for side in box]
        its = np.ravel_multi_index(tuple(place.T), mask.shape)
        voxels.append(its)
        change.append([-k for k in betti_numbers(inside, connectivity=repair.task.foreground)])
        cost.append(margin[its].sum(dtype=np.float64))
        centre.append(nearest_to_centre(place))
    lengths = [len(its) for its in voxels]
    return FoundDefects(
        label=np.full(len(order), number, np.int64),
        kind=np.full(len(order), APART),
        adds=np.zeros(len(order), np.bool_),
        change=np.array(change, np.int64).reshape(-1, 3),
        cost=np.array(cost, np.float64),
        centre=np.array(centre, np.int64).reshape(-1, 3),
        voxels=np.concatenate([*voxels, np.empty(0, np.int64)]),
        first=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        shape=mask.shape,
        voxel_mm3=voxel_mm3,
    )

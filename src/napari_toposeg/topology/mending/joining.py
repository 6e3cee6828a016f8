"""Which components of a mask to keep, to join and to drop, so that the wanted number is left.

The one idea: a bridge must be worth what it joins. On a forest of cheap bridges, from the leaves to
the heaviest component, what hangs on a bridge that costs more than it weighs is dropped; this is
the pruning step of the prize-collecting Steiner tree, and the best there is on a tree.

References
----------
Johnson, Minkoff, Phillips 2000 (strong pruning), doi:10.5555/338219.338637.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.topology.grid import Mask, neighbourhood
from napari_toposeg.topology.mending.bridges import Bridges, find_bridges
from napari_toposeg.topology.mending.task import Task, total

Chosen = tuple[set[int], set[int]]


def choose_components(task: Task, mask: Mask, wanted: int, keep_featured: bool = False) -> Mask:
    """Return a mask of the wanted number of components, given one with that many or more.

    Components with loops or cavities can be taken for heavier than any without.
    """
    structure = neighbourhood(task.foreground)
    label, count = ndimage.label(mask, structure)
    if count == wanted:
        return mask
    weight = total(label[mask], task.margin[mask], count)
    if keep_featured:
        pieces = task.pieces(np.zeros_like(mask), mask)
        featured = np.unique(
            label[pieces.union(np.asarray(np.any(pieces.change[:, 1:] != 0, axis=1)))]
        )
        weight[featured - 1] += weight.sum()
    task.heed()
    bridges = find_bridges(task, label, np.maximum(weight, 0), wanted)
    kept, used = prune(weight, bridges, wanted)
    chosen = select(label, np.array(sorted(kept), np.int64), count)
    for bridge in used:
        chosen.ravel()[bridges.voxels[bridge]] = True
    # A path may pass by a component that is to stay apart.
    if wanted > 1 and ndimage.label(chosen, structure)[1] != wanted:
        heaviest = np.argsort(-weight, kind="stable")[:wanted] + 1
        chosen = select(label, heaviest, count)
    return chosen


def select(label: NDArray[np.int32], kept: NDArray[np.int64], count: int) -> Mask:
    """Return the voxels with these labels."""
    is_kept = np.zeros(count + 1, np.bool_)
    is_kept[kept] = True
    return is_kept[label]


def prune(weight: NDArray[np.float64], bridges: Bridges, wanted: int) -> Chosen:
    """Return the labels to keep and the bridges to use, so that so many sets are left."""
    order, above, bridge_above = walk_trees(weight, bridges)
    worth = dict(zip(range(1, len(weight) + 1), weight.tolist(), strict=True))
    gains: list[tuple[float, int]] = []
    hangs: dict[int, list[int]] = {}
    for label in reversed(order):
        toll = bridges.cost[bridge_above[label]] if label in above else np.inf
        if label in above and worth[label] > toll:
            worth[above[label]] += worth[label] - toll
            hangs.setdefault(above[label], []).append(label)
            gains.append((float(toll), label))
        else:
            gains.append((worth[label], label))
    tops = choose_tops(gains, above, hangs, worth, wanted)
    kept, used = set(tops), set()
    pending = list(tops)
    while pending:
        for label in hangs.get(pending.pop(), []):
            if label not in kept:
                kept.add(label)
                used.add(bridge_above[label])
                pending.append(label)
    return kept, used


def walk_trees(
    weight: NDArray[np.float64], bridges: Bridges
) -> tuple[list[int], dict[int, int], dict[int, int]]:
    """Return labels from the root of each tree outwards, and what is above each, by which bridge.

    The root of a tree is its heaviest component.
    """
    beside: dict[int, list[tuple[int, int]]] = {}
    for bridge, (one, other) in enumerate(bridges.ends.tolist()):
        beside.setdefault(one, []).append((other, bridge))
        beside.setdefault(other, []).append((one, bridge))
    order: list[int] = []
    above: dict[int, int] = {}
    bridge_above: dict[int, int] = {}
    seen: set[int] = set()
    for root in (np.argsort(-weight, kind="stable") + 1).tolist():
        if root in seen:
            continue
        seen.add(root)
        place = len(order)
        order.append(root)
        while place < len(order):
            for other, bridge in beside.get(order[place], []):
                if other not in seen:
                    seen.add(other)
                    above[other], bridge_above[other] = order[place], bridge
                    order.append(other)
            place += 1
    return order, above, bridge_above


def choose_tops(
    gains: list[tuple[float, int]],
    above: dict[int, int],
    hangs: dict[int, list[int]],
    worth: dict[int, float],
    wanted: int,
) -> list[int]:
    """Return the top of each set to keep: where keeping it apart, or saving its bridge, gains most.

    A bridge is only saved inside of what is kept.
    """
    joined = {label for labels in hangs.values() for label in labels}
    tops = [max((label for label in worth if label not in joined), key=lambda k: (worth[k], -k))]
    waiting = sorted(gains, key=lambda gain: (-gain[0], gain[1]))
    while len(tops) < wanted:
        for place, (_, label) in enumerate(waiting):
            if label in tops:
                continue
            top = label
            while top in joined:
                top = above[top]
            if label not in joined or top in tops:
                tops.append(label)
                del waiting[place]
                break
    return tops

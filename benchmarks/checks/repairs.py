"""Repairs of random maps: counted, edit by edit, and how often loops and cavities are reached.

`check(count, seed)` must never fail. `python -m benchmarks.checks.repairs [COUNT]` also tells how
many of the wanted components, loops and cavities were reached on so many larger maps, and what
giving back voxels that can go spares on noisy trees of vessels.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.repairs import check, fields

from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import betti_numbers, repair

__all__ = ["check", "reach", "spared"]


def reach(count: int, seed: int = 0) -> Counter[str]:
    """Ask larger maps for what they have, for part of it and for more; count what is reached."""
    tally: Counter[str] = Counter()
    for field, connectivity in fields(count, seed):
        b0, b1, b2 = betti_numbers(field > 0.5, connectivity=connectivity)
        for kind, wanted in (
            ("one component", (1, 0, 0)),
            ("two components", (2, 0, 0)),
            ("half of the loops and cavities", (1, b1 // 2, b2 // 2)),
            ("a loop", (1, 1, 0)),
            ("a cavity", (1, 0, 1)),
            ("one component more", (b0 + 1, b1, b2)),
            ("one loop more", (b0, b1 + 1, b2)),
            ("one cavity more", (b0, b1, b2 + 1)),
            ("three loops and two cavities more", (1, b1 + 3, b2 + 2)),
        ):
            tally[f"{kind}: asked"] += 1
            tally[f"{kind}: reached"] += repair(field, wanted, connectivity=connectivity).reached
    return tally


def spared(trees: int, side: int = 64) -> Iterator[tuple[str, float, float]]:
    """Yield what a repair of noisy vessels to one piece costs without and with giving back.

    Once from a probability as a network gives it, once from a mask with 5 % of its voxels lost, of
    which each costs the same.
    """
    random = np.random.default_rng(0)
    for seed in range(trees):
        tree = vessel_tree((side,) * 3, seed=seed)
        hu = ndimage.gaussian_filter(tree.image.voxels.astype(np.float32), 0.4)
        yield "probability", *costs(1 / (1 + np.exp(-(hu + 450) / 80)))
        mask = (tree.truth.voxels > 0) & (random.random((side,) * 3) > 0.05)
        yield "mask", *costs(np.where(mask, 0.75, 0.25))


def costs(field: NDArray[np.floating]) -> tuple[float, float]:
    """Return the cost of a repair to (1, 0, 0) without and with giving back."""
    with patch("napari_toposeg.topology.mending.repairing.give_back", lambda task, mask: mask):
        without = repair(field, (1, 0, 0))
    found = repair(field, (1, 0, 0))
    assert without.reached and found.reached
    return without.cost, found.cost


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"{check(50 * count)} small maps repaired without a fault")
    for line, number in reach(count).items():
        print(f"{line} {number}")
    sums: dict[str, list[float]] = {}
    for kind, before, after in spared(max(count // 3, 1)):
        total = sums.setdefault(kind, [0.0, 0.0])
        total[0], total[1] = total[0] + before, total[1] + after
    for kind, (before, after) in sums.items():
        share = 1 - after / before
        print(f"giving back, {kind}: cost {before:.1f} without, {after:.1f} with, {share:.1%} less")

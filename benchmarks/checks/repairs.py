"""Repairs of random maps: counted, edit by edit, and how often loops and cavities are reached.

`check(count, seed)` must never fail. `python -m benchmarks.checks.repairs [COUNT]` also tells how
many of the wanted components, loops and cavities were reached on so many larger maps.
"""

import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.repairs import check, fields

from napari_toposeg.topology import betti_numbers, repair

__all__ = ["check", "reach"]


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


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"{check(50 * count)} small maps repaired without a fault")
    for line, number in reach(count).items():
        print(f"{line} {number}")

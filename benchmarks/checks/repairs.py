"""Repairs of random maps: counted, edit by edit, and how often loops and cavities are reached.

`check` must never fail. `python -m benchmarks.checks.repairs` also tells how many of the wanted
loops and cavities were reached on larger maps, and the cost against growing alone.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.repairs import fields, maps, room

from napari_toposeg.topology import Repair, betti_numbers, repair


def check(count: int, seed: int = 0) -> int:
    """Repair so many maps to (n, 0, 0) and to part of what they have; raise at the first fault."""
    random = np.random.default_rng(seed)
    for number, (field, connectivity) in enumerate(maps(count, seed)):
        where = f"seed {seed}, case {number}, shape {field.shape}, connectivity {connectivity}"
        components = 1 if random.random() < 0.6 else int(random.integers(2, 6))
        found = repair(field, (components, 0, 0), connectivity=connectivity)
        fits = components <= room(field.shape, connectivity)
        assert found.reached == fits, f"{where}: {components} wanted, {found.reason}"
        check_edits(found, field, connectivity, random, where)
        numbers = betti_numbers(field > 0.5, connectivity=connectivity)
        if numbers.b0:
            wanted = (
                numbers.b0,
                int(random.integers(numbers.b1 + 1)),
                int(random.integers(numbers.b2 + 1)),
            )
            found = repair(field, wanted, connectivity=connectivity)
            assert found.reached, f"{where}: {wanted} of {numbers}, {found.reason}"
            check_edits(found, field, connectivity, random, where)
    return count


def check_edits(
    found: Repair, field: np.ndarray, connectivity: int, random: np.random.Generator, where: str
) -> None:
    """Compare numbers, costs and changes of edits with the masks themselves."""
    start = field > 0.5
    before = np.array(betti_numbers(start, connectivity=connectivity))
    assert found.betti == betti_numbers(found.mask, connectivity=connectivity), where
    cost = np.abs(field - 0.5)[start != found.mask].sum()
    assert np.isclose(found.cost, cost), f"{where}: cost {found.cost} is not {cost}"
    assert np.array_equal(found.with_edits([True] * len(found.edits)).mask, found.mask), where
    for place in random.permutation(len(found.edits))[:3]:
        alone = found.with_edits(np.arange(len(found.edits)) == place)
        edit = alone.edits[place]
        assert np.array_equal(np.flatnonzero(alone.mask != start), edit.voxels), where
        assert (alone.mask.ravel()[edit.voxels] == edit.adds).all(), where
        assert tuple(before + edit.change) == alone.betti, f"{where}: {edit.change}"


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

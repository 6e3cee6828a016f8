"""Betti numbers and Euler characteristic of random masks against GUDHI, in four connectivities."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.betti import by_persistence, cases

from napari_toposeg.topology import betti_numbers, euler_characteristic


def check(count: int, seed: int = 0) -> int:
    """Compare so many masks; raise AssertionError at the first that differs."""
    for number, (mask, connectivity) in enumerate(cases(count, seed)):
        where = f"seed {seed}, case {number}, shape {mask.shape}, connectivity {connectivity}"
        expected = by_persistence(mask, connectivity)
        found = betti_numbers(mask, connectivity=connectivity)
        assert found == expected, f"{where}: {found} is not {expected}"
        chi = euler_characteristic(mask, connectivity=connectivity)
        assert chi == expected[0] - expected[1] + expected[2], f"{where}: chi {chi}"
    return count

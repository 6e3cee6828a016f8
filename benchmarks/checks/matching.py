"""Betti matching of random pairs against matrices of all cells, in both constructions."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.matching import as_voxels, cases, match, told_apart

from napari_toposeg.topology import match_barcodes


def check(count: int, seed: int = 0) -> int:
    """Compare so many pairs of images; raise AssertionError at the first that differs."""
    for number, (prediction, truth, construction, superlevel) in enumerate(cases(count, seed)):
        where = (
            f"seed {seed}, case {number}, shape {truth.shape}, {construction}, "
            f"{'super' if superlevel else 'sub'}level"
        )
        choices = {"construction": construction, "superlevel": superlevel}
        expected = match(prediction, truth, **choices)
        found = as_voxels(match_barcodes(prediction, truth, **choices), truth.ndim)
        assert told_apart(found, truth) == told_apart(expected, truth), where
    return count

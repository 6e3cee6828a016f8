"""Defects of random masks against flipping each error component, in four connectivities."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.defects import by_flipping, cases

from napari_toposeg.topology import find_defects


def check(count: int, seed: int = 0) -> int:
    """Compare so many pairs of masks; raise AssertionError at the first that differs."""
    for number, (prediction, truth, connectivity) in enumerate(cases(count, seed)):
        where = f"seed {seed}, case {number}, shape {truth.shape}, connectivity {connectivity}"
        defects = find_defects(prediction, truth, connectivity=connectivity)
        values = zip(defects.size.tolist(), map(tuple, defects.change.tolist()), strict=True)
        found = dict(zip(first_voxels(defects.labels), values, strict=True))
        assert found == by_flipping(prediction, truth, connectivity), where
        quiet = np.isin(defects.kind, ["harmless", "compensated"])
        assert (defects.is_critical == ~quiet).all(), where
    return count


def first_voxels(labels: np.ndarray) -> list[tuple[int, ...]]:
    """Return the first voxel of each label 1, 2, ..."""
    flat = labels.ravel()
    numbers, places = np.unique(flat, return_index=True)
    voxels = np.stack(np.unravel_index(places[numbers > 0], labels.shape), axis=1)
    return [tuple(voxel) for voxel in voxels.tolist()]

"""Label maps are told from scans by a few whole numbers, and surely by a name besides."""

from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.io.label_maps import is_label_map, looks_like_labels
from napari_toposeg.volume import Volume

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 14, (20, 20, 20))


def volume(voxels: np.ndarray, modality: str = "unknown") -> Volume:
    return Volume(voxels, np.eye(4), modality=modality)


@pytest.mark.parametrize(
    ("voxels", "alike"),
    [
        (LABELS.astype(np.uint8), True),
        (LABELS.astype(np.float64), True),
        (LABELS > 6, True),
        (LABELS.astype(np.int16) - 1, False),
        (LABELS / 2, False),
        (np.zeros((20, 20, 20), np.uint8), False),
        (RANDOM.integers(0, 256, (20, 20, 20)).astype(np.uint8), False),
    ],
    ids=["whole", "whole in floats", "mask", "negative", "halves", "constant", "8-bit scan"],
)
def test_a_few_whole_numbers_look_like_labels(voxels: np.ndarray, alike: bool) -> None:
    assert looks_like_labels(voxels) == alike


def test_values_between_those_looked_at_first_count_too() -> None:
    voxels = np.zeros((16, 16, 16))
    voxels[3, 3, 3] = 0.5
    assert not looks_like_labels(voxels)


@pytest.mark.parametrize(
    ("path", "certain"),
    [
        ("scans/case.nii.gz", False),
        ("scans/case_seg.nii.gz", True),
        ("scans/lung-mask.nrrd", True),
        ("data/labelsTr/case.nii.gz", True),
        ("data/segments/case.nii.gz", False),
    ],
)
def test_a_name_makes_it_certain(path: str, certain: bool) -> None:
    assert is_label_map(volume(LABELS), Path(path)) == certain


def test_a_scan_is_none_whatever_its_name() -> None:
    assert not is_label_map(volume(RANDOM.normal(0, 99, (20, 20, 20))), Path("x_mask.nii.gz"))


def test_a_header_that_says_so_is_believed() -> None:
    assert is_label_map(volume(LABELS, "label"), Path("scans/case"))

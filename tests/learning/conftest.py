"""Tiny networks, volumes and runs for the tests of the learning floor."""

from pathlib import Path

import pytest
import torch
from tests.learning.small_runs import SMALL, oblique_scan

from napari_toposeg.config import PretrainConfig
from napari_toposeg.volume import Volume


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def scan() -> Volume:
    """A CT-like ball on an anisotropic, oblique grid."""
    return oblique_scan()


@pytest.fixture
def scans(tmp_path: Path, scan: Volume) -> Path:
    """A folder with one small scan."""
    from napari_toposeg.io import write_volume

    folder = tmp_path / "scans"
    folder.mkdir()
    write_volume(scan, folder / "scan.nii.gz")
    return folder


@pytest.fixture
def small_run(scans: Path, tmp_path: Path) -> PretrainConfig:
    """The settings of a pretraining run that takes a second."""
    return PretrainConfig.create(data=(scans,), output=tmp_path / "run", **SMALL)

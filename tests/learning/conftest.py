"""Tiny networks, volumes and runs for the tests of the learning floor."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from napari_toposeg.config import PretrainConfig
from napari_toposeg.phantoms import ball
from napari_toposeg.volume import Volume


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def scan() -> Volume:
    """A CT-like ball on an anisotropic, oblique grid."""
    image = ball((20, 24, 28), spacing=(2.0, 1.5, 1.5), seed=1).image
    turn = np.eye(4)
    turn[:3, :3] = nib.eulerangles.euler2mat(0.2, 0.1, 0.05)
    return Volume(image.voxels, turn @ image.affine, modality="CT", name="scan")


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
    return PretrainConfig.create(
        data=(scans,),
        output=tmp_path / "run",
        network="vit",
        size="nano",
        patch=6,
        crop=(12, 12, 12),
        spacing=(2.0, 2.0, 2.0),
        batch=2,
        steps=6,
        every=2,
        topology_block=12,
        threads=1,
        device="cpu",
        previews=False,
    )

"""Every real volume opens, is segmented, and is written back on its own grid."""

import os
from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.progress import finish

FOLDER = Path(os.environ.get("NAPARI_TOPOSEG_DATA", "absent"))
READABLE = (".nii.gz", ".nrrd")
VOLUMES = sorted(
    str(path.relative_to(FOLDER))
    for path in FOLDER.glob("**/*")
    if path.name.endswith(READABLE) and "hippocampus" not in path.parts
)
SERIES = ["chest_ct/ct-64_dicom"] if FOLDER.is_dir() else []
EVERY_TENTH_HIPPOCAMPUS = sorted(
    str(path.relative_to(FOLDER)) for path in FOLDER.glob("hippocampus/*/*.nii.gz")
)[::10]


@pytest.fixture(scope="session")
def coarse_model(tmp_path_factory) -> Path:
    """The shipped hippocampus network at 6 mm, so that large scans take a second, not a minute."""
    import torch

    from napari_toposeg.learning.checkpoints import load_model, save_checkpoint

    torch.set_num_threads(1)
    model = load_model("hippocampus-mr")
    card = model.card.model_copy(update={"spacing": (6.0, 6.0, 6.0)})
    path = tmp_path_factory.mktemp("model") / "coarse.safetensors"
    save_checkpoint(path, model.network.state_dict(), card)
    return path


@pytest.mark.parametrize("name", [*VOLUMES, *SERIES, *EVERY_TENTH_HIPPOCAMPUS] or ["absent"])
def test_a_real_volume_is_segmented_and_written_back_on_its_own_grid(
    name, data_folder, coarse_model, tmp_path
):
    from napari_toposeg.learning.predict import segment

    scan = read_volume(data_folder / name)
    result = finish(segment(scan, coarse_model, device="cpu", overlap=0.0))
    again = read_volume(write_volume(result.labels, tmp_path / "labels.nii.gz"))
    np.testing.assert_array_equal(again.voxels, result.labels.voxels)
    assert again.shape == scan.shape
    assert again.orientation == scan.orientation
    extent = np.array([*scan.shape[::-1], 1.0])
    np.testing.assert_allclose(again.affine @ extent, scan.affine @ extent, atol=1e-2)

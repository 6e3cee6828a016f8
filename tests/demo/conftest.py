"""Small untrained models, a phantom analysed with them, and a scan on an awkward grid."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.cli import main


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Put small untrained models into a store: the demo's own work needs no trained ones."""
    import torch

    from napari_toposeg.config import NetworkConfig
    from napari_toposeg.learning.cards import Card
    from napari_toposeg.learning.checkpoints import save_checkpoint
    from napari_toposeg.learning.networks import build

    store = tmp_path_factory.mktemp("models")
    network = NetworkConfig(size="nano", patch=6)
    torch.manual_seed(0)
    for name, task, modality, classes in (
        ("rebuilder", "reconstruct", "CT", ()),
        ("segmenter", "segment", "CT", ("vessel",)),
        ("segmenter-mr", "segment", "MR", ("left", "right")),
    ):
        card = Card(
            name=name,
            task=task,
            network=network,
            crop=(24, 24, 24),
            spacing=(4.0, 4.0, 4.0),
            modality=modality,
            classes=classes,
            mask_ratio=0.6 if task == "reconstruct" else None,
        )
        weights = build(network, task=task, classes=len(classes)).state_dict()
        save_checkpoint(store / f"{name}.safetensors", weights, card)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_TOPOSEG_MODELS", str(store))
        yield SimpleNamespace(
            words=["--model", "rebuilder", "--segment-model", "segmenter", "--device", "cpu"]
        )


@pytest.fixture(scope="module")
def vessels(models: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a headless demo on the phantom."""
    folder = tmp_path_factory.mktemp("vessels")
    words = ["demo", "--case", "vessels", "--headless", "--output", str(folder)]
    assert main([*words, *models.words]) == 0
    return folder


@pytest.fixture
def oblique(tmp_path: Path) -> Path:
    """Write a scan whose axes are turned, flipped, and oblique."""
    turn = nib.eulerangles.euler2mat(0.2, 0.1, -0.15)
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.array([[0, 3.0, 0], [0, 0, -2.0], [-2.5, 0, 0]])
    affine[:3, 3] = 10, -20, 30
    voxels = np.random.default_rng(0).normal(100, 20, (20, 24, 28)).astype(np.float32)
    path = tmp_path / "oblique.nii.gz"
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path

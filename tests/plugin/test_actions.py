"""The buttons' functions as a notebook calls them, with the models that ship."""

import numpy as np
import pytest

from napari_toposeg.io import read_volume
from napari_toposeg.learning.cards import list_models
from napari_toposeg.phantoms import make
from napari_toposeg.plugin.actions import (
    open_case,
    reconstruct_layer,
    save_layer,
    segment_layer,
)
from napari_toposeg.plugin.canvas.layers import add_volume, same_grid


@pytest.fixture(autouse=True)
def only_shipped_models(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "models"))


def shipped(task: str) -> str:
    return next(card.name for card in list_models() if card.task == task)


def test_reconstruct_layer_hides_and_rebuilds_on_the_scans_grid(viewer_model):
    scan = add_volume(viewer_model, make("torus", shape=(32, 32, 32)).image, "image")
    result, kept = reconstruct_layer(viewer_model, scan, shipped("reconstruct"), seed=3)
    assert all(same_grid(scan, layer) for layer in viewer_model.layers)
    assert len(viewer_model.layers) == 4
    hidden = result.hidden.voxels.astype(bool)
    assert 0.3 < hidden.mean() < 0.9
    np.testing.assert_array_equal(result.residual.voxels[~hidden], 0)
    assert kept.scan.b0 >= 1


def test_segment_layer_labels_the_scans_grid_and_is_saved_on_it(viewer_model, tmp_path):
    scan = add_volume(viewer_model, make("vessel_tree", shape=(32, 32, 32)).image, "image")
    result, table = segment_layer(viewer_model, scan, shipped("segment"), overlap=0.0)
    labels = viewer_model.layers[-1]
    assert same_grid(scan, labels)
    assert [row.name for row in table] == list(result.classes)
    written = save_layer(labels, tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(read_volume(written, modality="label").voxels, labels.data)


def test_a_real_scan_opens_in_a_viewer(viewer_model, data_folder):
    folder = data_folder / "hippocampus" / "images"
    layer = open_case(viewer_model, min(folder.iterdir()))
    assert layer.data.ndim == 3

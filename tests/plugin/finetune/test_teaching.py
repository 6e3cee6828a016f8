"""A fine-tuning as one call: few slices are refused, a model is kept and can be listed."""

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import list_models
from napari_toposeg.phantoms import make
from napari_toposeg.plugin.actions import finetune_layer, new_annotation
from napari_toposeg.plugin.canvas.layers import add_volume


@pytest.fixture
def painted(viewer_model, tmp_path, monkeypatch):
    """A small scan and an annotation of four slices of it."""
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "models"))
    phantom = make("vessel_tree", shape=(32, 32, 32))
    scan = add_volume(viewer_model, phantom.image, "image")
    annotation = new_annotation(viewer_model, scan, ("vessel",))
    for index in (8, 14, 20, 26):
        annotation.data[index] = np.where(phantom.truth.voxels[index] > 0, 1, 255)
    return scan, annotation


def test_a_training_of_a_few_steps_keeps_a_model_under_its_name(painted):
    card = finetune_layer(*painted, "vessels-ct", "taught", steps=2)
    assert card.classes == ("vessel",)
    assert "taught" in {each.name for each in list_models()}
    with pytest.raises(InvalidConfig, match="taught"):
        finetune_layer(*painted, "vessels-ct", "taught", steps=2)


def test_nothing_painted_is_said_before_anything_is_made(painted):
    scan, annotation = painted
    annotation.data[:] = 0
    with pytest.raises(InvalidConfig):
        finetune_layer(scan, annotation, "vessels-ct", "taught", steps=2)
    assert "taught" not in {each.name for each in list_models()}

"""Which model is offered for which scan."""

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.widgets.pickers import ModelPicker
from napari_toposeg.volume import Volume


@pytest.fixture
def session(qtbot):
    session = Session(ViewerModel())
    yield session
    session.close()


def show(session: Session, modality: str) -> None:
    scan = Volume(np.zeros((4, 4, 4)), np.eye(4), modality)
    session.image_layer = add_volume(session.viewer, scan, "image")


@pytest.mark.parametrize(("modality", "name"), [("CT", "vessels-ct"), ("MR", "hippocampus-mr")])
def test_the_model_made_for_the_kind_of_scan_is_suggested(session, qtbot, modality, name):
    picker = ModelPicker(session, "segment")
    qtbot.addWidget(picker)
    picker.refresh()
    show(session, modality)
    assert picker.model == name


def test_training_starts_from_a_pretrained_model(session, qtbot):
    picker = ModelPicker(session, scratch=True)
    qtbot.addWidget(picker)
    picker.refresh()
    show(session, "CT")
    assert picker.model == "topomae-ct"


def test_a_model_chosen_by_hand_stays(session, qtbot):
    picker = ModelPicker(session, "segment")
    qtbot.addWidget(picker)
    picker.refresh()
    picker.choose("hippocampus-mr")
    show(session, "CT")
    assert picker.model == "hippocampus-mr"


@pytest.fixture
def with_encoder(make_card, monkeypatch):
    cards = [
        make_card("encoder", "encode"),
        make_card("rebuilder", "reconstruct"),
        make_card("segmenter"),
    ]
    monkeypatch.setattr("napari_toposeg.learning.cards.list_models", lambda: tuple(cards))
    return cards


@pytest.mark.parametrize(
    ("task", "name", "why"),
    [("reconstruct", "rebuilder", "no decoder"), ("segment", "segmenter", "any classes")],
)
def test_a_model_that_only_encodes_is_listed_with_the_reason(
    session, qtbot, with_encoder, task, name, why
):
    picker = ModelPicker(session, task)
    qtbot.addWidget(picker)
    picker.refresh()
    assert picker.model == name
    entry = picker.findText("encoder (encodes only)")
    assert why in picker.itemData(entry, Qt.ItemDataRole.ToolTipRole)
    flags = picker.itemData(entry, Qt.ItemDataRole.UserRole - 1)
    assert not flags & Qt.ItemFlag.ItemIsEnabled.value
    picker.choose("encoder (encodes only)")
    assert picker.model == name


def test_with_an_encoder_alone_there_is_no_model_to_segment_with(session, qtbot, with_encoder):
    del with_encoder[1:]
    picker = ModelPicker(session, "segment")
    qtbot.addWidget(picker)
    picker.refresh()
    assert picker.model is None
    with pytest.raises(InvalidCheckpoint, match="no model"):
        picker.require()


def test_training_may_start_from_an_encoder(session, qtbot, with_encoder):
    picker = ModelPicker(session, scratch=True)
    qtbot.addWidget(picker)
    picker.refresh()
    picker.choose("encoder")
    assert picker.require() == "encoder"
    picker.choose("from scratch")
    assert picker.require() == "none"

"""Which model is offered for which scan."""

import numpy as np
import pytest
from napari.components import ViewerModel

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

"""The dialog for a phantom of one's own, and what it draws."""

import json

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QDialog, QDialogButtonBox

from napari_toposeg.phantoms import NAMES, make
from napari_toposeg.plugin.actions import make_phantom
from napari_toposeg.plugin.case.phantom_dialog import KINDS, ask_for_phantom, phantom_dialog
from napari_toposeg.plugin.remembered import choices_file
from napari_toposeg.plugin.samples import PhantomWish
from napari_toposeg.topology import betti_numbers


@pytest.fixture
def answering(qtbot):
    """Fills in the dialog when it comes up and presses one of its buttons."""

    def answer(button, **values):
        def act():
            dialog = QApplication.activeModalWidget()
            assert isinstance(dialog, QDialog)
            for name, value in values.items():
                dialog._magic_widget[name].value = value
            press = dialog.findChild(QDialogButtonBox).button(button)
            qtbot.mouseClick(press, Qt.MouseButton.LeftButton)

        QTimer.singleShot(200, act)

    return answer


OK, CANCEL = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.Cancel


def test_every_phantom_is_offered_with_its_betti_numbers(qtbot):
    dialog = phantom_dialog()
    qtbot.addWidget(dialog.native)
    assert set(dialog["kind"].choices) == set(NAMES)
    for name in set(NAMES) - {"vessel_tree"}:
        betti = tuple(make(name).betti)
        assert f"b = {betti}" in KINDS[name]


def test_trees_are_asked_for_with_vessels_alone(qtbot):
    dialog = phantom_dialog()
    qtbot.addWidget(dialog.native)
    assert dialog["trees"].enabled
    dialog["kind"].value = "torus"
    assert not dialog["trees"].enabled
    dialog["kind"].value = "vessel_tree"
    assert dialog["trees"].enabled


def test_the_phantom_that_was_asked_for_is_drawn_with_its_truth(dock, qtbot, answering):
    answering(OK, kind="vessel_tree", trees=3, edge=40, voxel=0.5, noise=0.0, seed=7)
    with qtbot.waitSignal(dock.session.job_ended, timeout=20_000):
        job = dock.case.make_phantom()
    assert job is not None
    image, truth = dock.session.viewer.layers
    assert image.data.shape == truth.data.shape == (40, 40, 40)
    assert tuple(betti_numbers(np.asarray(truth.data) > 0)) == (3, 0, 0)
    assert dock.session.volume_of(image).spacing == pytest.approx((0.5, 0.5, 0.5))
    assert dock.session.image_layer == image
    again = make("vessel_tree", shape=(40,) * 3, spacing=(0.5,) * 3, trees=3, noise=0.0, seed=7)
    np.testing.assert_array_equal(image.data, again.image.voxels)


def test_a_notebook_makes_the_same(viewer_model):
    image, truth = make_phantom(viewer_model, "torus", edge=32, noise=0.0)
    np.testing.assert_array_equal(
        image.data, make("torus", shape=(32,) * 3, noise=0.0).image.voxels
    )
    assert tuple(betti_numbers(np.asarray(truth.data) > 0)) == (1, 1, 0)


def test_leaving_the_dialog_draws_nothing(dock, answering):
    answering(CANCEL, kind="torus")
    assert dock.case.make_phantom() is None
    assert not dock.session.viewer.layers
    assert not dock.session.busy


def test_the_last_answer_stands_there_the_next_time(dock, answering):
    answering(OK, kind="torus", edge=33, noise=5.0)
    assert ask_for_phantom(dock) == PhantomWish(kind="torus", edge=33, noise=5.0)
    answering(OK, seed=4)
    assert ask_for_phantom(dock) == PhantomWish(kind="torus", edge=33, noise=5.0, seed=4)


def test_what_cannot_be_asked_for_is_not_recalled(dock, answering):
    kept = {"phantom.kind": "klein_bottle", "phantom.edge": 9999, "phantom.seed": "x"}
    choices_file().parent.mkdir(parents=True, exist_ok=True)
    choices_file().write_text(json.dumps(kept | {"phantom.noise": 12.0}))
    answering(OK)
    assert ask_for_phantom(dock) == PhantomWish(noise=12.0)


def test_more_trees_than_fit_are_a_clear_error(dock, qtbot, answering):
    told = []
    notification_manager.notification_ready.connect(told.append)
    answering(OK, kind="vessel_tree", trees=40, edge=16)
    try:
        with qtbot.waitSignal(dock.session.job_ended, timeout=20_000):
            dock.case.make_phantom()
        qtbot.waitUntil(lambda: bool(told), timeout=5_000)
    finally:
        notification_manager.notification_ready.disconnect(told.append)
    assert "do not fit" in told[0].message
    assert not dock.session.viewer.layers

"""What can go wrong in the real window: errors and lack of memory in a training, layers that go."""

from pathlib import Path

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QDialog, QFileDialog, QMenu, QPushButton
from tests.plugin.finetune.balls import annotated
from tests.plugin.looking import pages

from napari_toposeg.learning.cards import list_models
from napari_toposeg.plugin.settings import PLUGIN

pytestmark = pytest.mark.gl


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """An empty store of models."""
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store" / "models"))
    return tmp_path / "store"


@pytest.fixture
def window(make_napari_viewer, monkeypatch):
    """A real viewer with the dock, as a user opens it."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
    return viewer, dock


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What napari was asked to show to the person; its own pictures of it would outlive a test."""
    texts: list[str] = []
    monkeypatch.setattr("napari_toposeg.plugin.session.show_error", texts.append)
    monkeypatch.setattr(
        notification_manager, "receive_error", lambda kind, error, trace: texts.append(repr(error))
    )
    return texts


def names() -> set[str]:
    return {card.name for card in list_models()}


def until_over(qtbot, dock) -> None:
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=120_000)


def fails(monkeypatch, when, error) -> None:
    """Let a training's step fail where its batch or its number says so."""
    from napari_toposeg.learning.finetuning import Segmentation

    true_losses = Segmentation.losses

    def losses(self, network, batch, step):
        if when(batch, step):
            raise error
        return true_losses(self, network, batch, step)

    monkeypatch.setattr(Segmentation, "losses", losses)


def test_an_error_in_a_training_is_shown_its_best_is_kept_and_the_next_one_trains(
    window, qtbot, monkeypatch, told
) -> None:
    viewer, dock = window
    panel = annotated(dock)
    panel.steps.setValue(40)
    panel.name.setText("mine")
    with monkeypatch.context() as here:
        fails(here, lambda _, step: step == 30, ZeroDivisionError("a mistake of ours"))
        panel.start_button.click()
        until_over(qtbot, dock)
    assert told == ["ZeroDivisionError('a mistake of ours')"]
    assert "a mistake of ours" in panel.summary.text() and "Kept as mine" in panel.summary.text()
    assert "mine" in names() and "mine-2" not in names()
    panel.steps.setValue(2)
    panel.start_button.click()
    until_over(qtbot, dock)
    assert {"mine", "mine-2"} <= names()
    assert len(told) == 1
    assert viewer.screenshot(flash=False)[..., :3].std() > 5


def test_out_of_memory_offers_a_smaller_training_which_trains(
    window, qtbot, monkeypatch, told
) -> None:
    import torch

    _, dock = window
    panel = annotated(dock)
    panel.steps.setValue(2)
    panel.name.setText("mine")
    assert panel.smaller_button.isHidden()
    fails(
        monkeypatch,
        lambda batch, _: len(batch["image"]) > 1,
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB."),
    )
    panel.start_button.click()
    until_over(qtbot, dock)
    assert len(told) == 1 and "out of memory" in told[0] and "smaller batch" in told[0]
    assert panel.smaller_button.isVisible() and "1 at a time" in panel.smaller_button.text()
    panel.smaller_button.click()
    until_over(qtbot, dock)
    assert len(told) == 1
    assert "mine" in names() and "mine-2" not in names()


def test_the_image_that_is_trained_on_can_be_removed_in_mid_training(window, qtbot, told) -> None:
    viewer, dock = window
    panel = annotated(dock)
    panel.steps.setValue(400)
    panel.name.setText("mine")
    panel.start_button.click()
    qtbot.waitUntil(lambda: len(panel.curves.steps) > 2, timeout=120_000)
    viewer.layers.remove("ball")
    trained = len(panel.curves.steps)
    qtbot.waitUntil(lambda: len(panel.curves.steps) > trained + 3, timeout=120_000)
    folder = panel.keeper.folder
    qtbot.waitUntil(lambda: (folder / "best.safetensors").is_file(), timeout=120_000)
    panel.stop_button.click()
    until_over(qtbot, dock)
    assert "mine" in names() and "mine-2" not in names()
    assert told == []


def test_without_a_layer_every_button_can_be_pressed_and_what_is_missing_is_said(
    window, qtbot, monkeypatch, told
) -> None:
    viewer, dock = window
    for ask in ("getOpenFileName", "getSaveFileName", "getOpenFileNames"):
        monkeypatch.setattr(QFileDialog, ask, lambda *_, **__: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: "")
    for kind in (QDialog, QMenu):
        monkeypatch.setattr(kind, "exec", lambda *_: QDialog.DialogCode.Rejected)
    pressed = []
    for page in pages(dock):
        for button in dock.tabs.currentWidget().findChildren(QPushButton):
            if button.isVisible() and button.isEnabled():
                button.click()
                until_over(qtbot, dock)
                pressed.append((page, button.text()))
        main = dock._main_button()
        assert main is None or not main.isEnabled()
    assert len(pressed) > 10
    assert told and all("open a scan or a sample" in text for text in told)
    assert "open a scan or a sample" in dock.picker.currentText()
    assert dock.isVisible() and not viewer.layers

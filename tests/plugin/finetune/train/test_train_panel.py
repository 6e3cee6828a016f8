"""What can go wrong while a model trains: memory, errors, layers that go, windows that close."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtWidgets import QMainWindow
from tests.plugin.finetune.balls import annotated

from napari_toposeg.errors import InvalidConfig, ToposegError
from napari_toposeg.learning.cards import list_models
from napari_toposeg.plugin.canvas.marks import layer_with
from napari_toposeg.plugin.finetune.train import panel as train_panel
from napari_toposeg.plugin.finetune.train.cut_off import FACTS
from napari_toposeg.plugin.finetune.train.model_layers import PREVIEW
from napari_toposeg.progress import Step


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """An empty store of models."""
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store" / "models"))
    return tmp_path / "store"


@pytest.fixture
def panel(dock):
    """The Train page with a painted scan."""
    return annotated(dock)


@pytest.fixture
def shown(dock, monkeypatch) -> list[BaseException]:
    """Errors that were shown to the person."""
    errors: list[BaseException] = []
    monkeypatch.setattr(
        "napari_toposeg.plugin.session.show_error", lambda text: errors.append(ToposegError(text))
    )
    monkeypatch.setattr(
        "napari_toposeg.plugin.session.notification_manager",
        SimpleNamespace(receive_error=lambda kind, error, trace: errors.append(error)),
    )
    return errors


def until_over(qtbot, dock) -> None:
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=60_000)


def names() -> set[str]:
    return {card.name for card in list_models()}


def forever(image, labels, annotation, config, look=None) -> Iterator[Step]:
    """A training that writes its first checkpoint and then goes on and on."""
    for step in range(1, 10**6):
        labels_here = None
        if look is not None and look.region is not None:
            shape = [part.stop - part.start for part in look.region]
            origin = np.array([part.start for part in look.region])
            labels_here = {"live": np.ones(shape, np.uint8), "origin": origin}
        time.sleep(0.005)
        yield Step(step, 10**6, losses={"loss": 1.0}, preview=labels_here)


def test_out_of_memory_is_explained_and_a_smaller_run_is_offered_and_works(
    panel, dock, qtbot, monkeypatch, shown
) -> None:
    import torch

    from napari_toposeg.learning.finetuning import Segmentation

    true_losses = Segmentation.losses

    def losses(self, network, batch, step):
        if len(batch["image"]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")
        return true_losses(self, network, batch, step)

    monkeypatch.setattr(Segmentation, "losses", losses)
    panel.steps.setValue(2)
    panel.name.setText("mine")
    panel.start()
    until_over(qtbot, dock)
    assert "out of memory" in str(shown[0]) and "smaller batch" in str(shown[0])
    assert "out of memory" in panel.summary.text()
    assert panel.smaller_button.isVisible()
    assert "1 at a time" in panel.smaller_button.text()
    panel.smaller_button.click()
    assert panel.smaller_button.isHidden()
    until_over(qtbot, dock)
    assert len(shown) == 1
    assert "mine" in names()


def test_when_the_batch_is_one_smaller_crops_are_offered(panel, dock, qtbot, monkeypatch, shown):
    import torch

    from napari_toposeg.learning.finetuning import Segmentation

    def losses(self, network, batch, step):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    monkeypatch.setattr(Segmentation, "losses", losses)
    panel.start()
    until_over(qtbot, dock)
    panel.smaller_button.click()
    until_over(qtbot, dock)
    assert "12 x 12 x 12" in panel.smaller_button.text()
    panel.smaller_button.click()
    until_over(qtbot, dock)
    assert panel.smaller_button.isHidden()
    assert len(shown) == 3


def test_an_error_of_ours_is_shown_and_the_page_can_be_used_again(
    panel, dock, qtbot, monkeypatch, shown
) -> None:
    def failing(image, labels, annotation, config, look=None) -> Iterator[Step]:
        yield Step(1, 9, losses={"loss": 1.0})
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(train_panel, "finetune_run", failing)
    panel.start()
    until_over(qtbot, dock)
    assert isinstance(shown[0], ZeroDivisionError)
    assert "a mistake of ours" in panel.summary.text()
    assert panel.start_button.isEnabled()
    assert panel.smaller_button.isHidden()


def test_without_a_layer_nothing_can_be_started_and_it_is_said_why(dock, shown) -> None:
    dock.show_tab("Fine-tune")
    dock.finetune.pages.setCurrentIndex(1)
    panel = dock.finetune.train
    assert not panel.start_button.isEnabled()
    assert not panel.after.compare_button.isEnabled()
    with pytest.raises(InvalidConfig, match="no annotation layer"):
        panel.start()
    panel.after.flip()
    panel.pause()
    panel.stop()
    assert not dock.session.busy


def test_layers_that_go_in_mid_run_and_another_image_do_not_disturb_it(
    panel, dock, qtbot, monkeypatch, shown
) -> None:
    monkeypatch.setattr(train_panel, "finetune_run", forever)
    viewer = dock.session.viewer
    panel.start()
    qtbot.waitUntil(lambda: layer_with(viewer, PREVIEW) is not None)
    viewer.add_image(np.zeros((5, 6, 7)), name="other")
    dock.session.image_layer = viewer.layers["other"]
    for layer in [each for each in viewer.layers if each.name != "other"]:
        viewer.layers.remove(layer)
    before = len(panel.curves.steps)
    qtbot.waitUntil(lambda: len(panel.curves.steps) > before + 5)
    assert panel.progress.live.look.region is None
    assert layer_with(viewer, PREVIEW) is None
    panel.stop()
    until_over(qtbot, dock)
    assert not shown


def test_a_preview_that_is_removed_is_not_drawn_again(panel, dock, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(train_panel, "finetune_run", forever)
    viewer = dock.session.viewer
    panel.start()
    qtbot.waitUntil(lambda: layer_with(viewer, PREVIEW) is not None)
    viewer.layers.remove(layer_with(viewer, PREVIEW))
    qtbot.waitUntil(lambda: not panel.live.isChecked())
    before = len(panel.curves.steps)
    qtbot.waitUntil(lambda: len(panel.curves.steps) > before + 5)
    assert layer_with(viewer, PREVIEW) is None
    panel.live.setChecked(True)
    qtbot.waitUntil(lambda: layer_with(viewer, PREVIEW) is not None)
    panel.stop()
    until_over(qtbot, dock)
    assert not layer_with(viewer, PREVIEW).visible


def test_the_form_makes_room_while_a_model_trains(panel, dock, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(train_panel, "finetune_run", forever)
    assert panel.steps.isVisible()
    panel.start()
    assert not panel.steps.isVisible()
    panel.stop()
    until_over(qtbot, dock)
    assert panel.steps.isVisible()


@pytest.fixture
def window(dock, qtbot) -> Iterator[QMainWindow]:
    """A main window around the dock."""
    window = QMainWindow()
    window.setCentralWidget(dock)
    window.show()
    yield window
    dock.setParent(None)
    window.deleteLater()


def test_closing_asks_and_going_on_goes_on(panel, dock, qtbot, monkeypatch, window) -> None:
    monkeypatch.setattr(train_panel, "finetune_run", forever)
    panel.guard.watch()
    panel.start()
    qtbot.waitUntil(lambda: len(panel.curves.steps) > 2)
    assert not window.close()
    assert panel.guard.box is not None and window.isVisible()
    panel.guard.buttons["go on"].click()
    before = len(panel.curves.steps)
    qtbot.waitUntil(lambda: len(panel.curves.steps) > before + 2)
    assert panel.guard.box is None
    panel.stop()
    until_over(qtbot, dock)
    assert window.close()


@pytest.mark.parametrize(("answer", "kept"), [("keep", True), ("discard", False)])
def test_closing_keeps_or_discards_as_it_is_answered(
    panel, dock, qtbot, window, store, answer, kept
) -> None:
    panel.steps.setValue(400)
    panel.name.setText("mine")
    panel.guard.watch()
    panel.start()
    folder = panel.keeper.folder
    qtbot.waitUntil(lambda: (folder / "last.safetensors").is_file(), timeout=60_000)
    assert not window.close()
    panel.guard.buttons[answer].click()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    assert ("mine" in names()) is kept
    assert not folder.exists()


def test_a_window_that_does_not_ask_keeps_the_best_as_it_goes(panel, dock, qtbot) -> None:
    panel.steps.setValue(400)
    panel.name.setText("mine")
    panel.start()
    folder = panel.keeper.folder
    qtbot.waitUntil(lambda: (folder / "last.safetensors").is_file(), timeout=60_000)
    dock.session.close()
    assert "mine" in names()
    assert not folder.exists()


def test_a_training_that_was_cut_off_is_offered_kept_and_discarded(panel, dock, store) -> None:
    for name in ("first", "second"):
        folder = store / "runs" / name
        folder.mkdir(parents=True)
        source = next(Path(train_panel.__file__).parents[3].glob("models/vessels-ct*"))
        (folder / "best.safetensors").write_bytes(source.read_bytes())
        facts = {"name": name, "steps": 60, "scan": "", "process": 1, "process_began": 0.0}
        facts["began"] = "2026-01-02T03:04:05+00:00" if name == "first" else "2026-01-03"
        (folder / FACTS).write_text(json.dumps(facts))
    panel._offer()
    assert panel.cut_off.isVisible() and "second" in panel.cut_off.text.text()
    panel.cut_off.keep_button.click()
    assert "second" in names()
    assert "first" in panel.cut_off.text.text()
    panel.cut_off.discard_button.click()
    assert panel.cut_off.isHidden()
    assert "first" not in names()
    assert not any((store / "runs").iterdir())


def test_what_the_form_says_becomes_the_settings(panel, dock, tmp_path) -> None:
    panel.best.setCurrentIndex(1)
    config = panel._form.config("mine", tmp_path, classes=("ball",), wanted={1: (1, 0, 0)}, seed=3)
    assert config.betti_weight == 0.25
    assert config.wanted == (1, 1, 0, 0)
    assert config.classes == ("ball",) and config.seed == 3
    panel.best.setCurrentIndex(0)
    config = panel._form.config("m", tmp_path, classes=("ball",), wanted={1: (1, 0, 0)}, seed=3)
    assert config.betti_weight == 0 and config.wanted is None


def test_the_time_is_told_before_the_start(panel) -> None:
    assert "to choose the best" in panel.summary.text()
    assert "Roughly" in panel.summary.text()

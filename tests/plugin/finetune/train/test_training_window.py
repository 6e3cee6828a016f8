"""A training in the real window: scrubbed, paused, cancelled, closed, killed, and two at once."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer
from tests.plugin.finetune.balls import annotated

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.cards import list_models
from napari_toposeg.plugin.canvas.marks import layer_with
from napari_toposeg.plugin.finetune.annotate.annotations import read_annotation
from napari_toposeg.plugin.finetune.train.model_layers import PREVIEW
from napari_toposeg.plugin.finetune.train.run import finetune_run
from napari_toposeg.plugin.settings import PLUGIN

pytestmark = pytest.mark.gl

STEPS, EVERY = 8, 2

KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from napari.components import ViewerModel
from napari_toposeg.config import FinetuneConfig
from napari_toposeg.plugin.canvas.layers import layer_to_volume
from napari_toposeg.plugin.finetune.annotate.annotations import read_annotation
from napari_toposeg.plugin.finetune.train.run import finetune_run
from tests.plugin.finetune.balls import ball_scan

image, labels = ball_scan()
layer = ViewerModel().add_image(image, name="ball", units=("mm",) * 3)
config = FinetuneConfig(checkpoint="none", output=Path(sys.argv[1]), name="mine", steps=8, every=2,
                        device="cpu", threads=1, previews=False, classes=("class 1",))
run = finetune_run(layer_to_volume(layer), labels, read_annotation(labels), config)
for step in run:
    if step.step == 5 and step.losses:
        print("at step 5", flush=True)
        time.sleep(600)
"""


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """An empty store of models."""
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store" / "models"))
    return tmp_path / "store"


@pytest.fixture
def open_window(make_napari_viewer, monkeypatch):
    """Opens real viewers with a dock."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")

    def open_one():
        viewer = make_napari_viewer(show=True)
        _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
        return viewer, dock

    return open_one


def names() -> set[str]:
    return {card.name for card in list_models()}


def test_a_training_is_paused_cancelled_and_kept_while_the_canvas_is_scrubbed(
    open_window, qtbot
) -> None:
    viewer, dock = open_window()
    panel = annotated(dock)
    panel.steps.setValue(400)
    panel.name.setText("mine")
    turns: list[float] = []

    def scrub() -> None:
        viewer.dims.set_current_step(0, len(turns) % 24)
        turns.append(time.monotonic())

    timer = QTimer()
    timer.timeout.connect(scrub)
    timer.start(20)
    panel.start_button.click()
    folder = panel.keeper.folder
    qtbot.waitUntil(lambda: len(panel.curves.steps) > 2, timeout=60_000)
    panel.pause_button.click()
    qtbot.waitUntil(lambda: panel.pause_button.text() == "Resume")
    qtbot.wait(300)
    held = len(panel.curves.steps)
    qtbot.wait(300)
    assert len(panel.curves.steps) == held
    panel.pause_button.click()
    qtbot.waitUntil(lambda: (folder / "best.safetensors").is_file(), timeout=60_000)
    qtbot.waitUntil(lambda: layer_with(viewer, PREVIEW) is not None, timeout=60_000)
    panel.stop_button.click()
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=20_000)
    timer.stop()
    assert "mine" in names()
    assert not folder.exists()
    assert len(turns) > 20
    gaps = 1000 * np.diff(turns)
    print(
        f"tick while training: median {np.median(gaps):.0f} ms, 95 % {np.percentile(gaps, 95):.0f}"
    )


def test_closing_the_window_in_mid_training_asks_and_keeps_the_best(open_window, qtbot) -> None:
    _, dock = open_window()
    panel = annotated(dock)
    panel.steps.setValue(400)
    panel.name.setText("mine")
    panel.start_button.click()
    folder, window = panel.keeper.folder, dock.window()
    # The fixture closes the viewer once more.
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.waitUntil(lambda: (folder / "best.safetensors").is_file(), timeout=60_000)
    window.close()
    assert window.isVisible() and panel.guard.box.isVisible()
    panel.guard.buttons["go on"].click()
    steps = len(panel.curves.steps)
    qtbot.waitUntil(lambda: len(panel.curves.steps) > steps, timeout=20_000)
    window.close()
    panel.guard.buttons["keep"].click()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    assert "mine" in names()
    assert not folder.exists()


def test_a_killed_training_is_offered_at_the_next_start_and_ends_with_the_same_numbers(
    open_window, qtbot, store, tmp_path
) -> None:
    folder = store / "runs" / "mine-1"
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "at step 5\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    _, dock = open_window()
    panel = annotated(dock)
    qtbot.waitUntil(panel.cut_off.isVisible)
    assert "step 4 of 8" in panel.cut_off.text.text()
    labels = np.array(dock.finetune.annotate.layer.data)
    panel.cut_off.resume_button.click()
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=60_000)
    assert "mine" in names()
    assert panel.cut_off.isHidden()
    assert panel.curves.steps == [5, 6, 7, 8]
    image = dock.session.volume_of(dock.session.image_layer)
    config = FinetuneConfig(
        checkpoint="none",
        output=tmp_path / "whole",
        name="whole",
        steps=STEPS,
        every=EVERY,
        device="cpu",
        threads=1,
        previews=False,
        classes=("class 1",),
    )
    whole = [s for s in finetune_run(image, labels, read_annotation(labels), config) if s.losses]
    assert [step.losses["loss"] for step in whole[4:]] == panel.curves.losses
    assert [step.metrics["dice"] for step in whole if step.metrics][-1] == panel.curves.dice[-1]


def test_two_windows_train_at_once_and_keep_a_model_each(open_window, qtbot) -> None:
    docks = [open_window()[1] for _ in range(2)]
    panels = [annotated(dock) for dock in docks]
    for panel in panels:
        panel.steps.setValue(3)
        panel.name.setText("mine")
        panel.start_button.click()
    assert all(dock.session.busy for dock in docks)
    qtbot.waitUntil(lambda: not any(dock.session.busy for dock in docks), timeout=90_000)
    assert {"mine", "mine-2"} <= names()
    assert all(panel.curves.steps == [1, 2, 3] for panel in panels)

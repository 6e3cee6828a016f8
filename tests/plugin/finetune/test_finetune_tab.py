"""The Fine-tune tab: annotation, start, pause, stop, discard, and a model that can be picked."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_toposeg.config import LossName
from napari_toposeg.errors import InvalidCheckpoint, InvalidConfig
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND, read_annotation
from napari_toposeg.plugin.finetune.tab import FinetuneTab
from napari_toposeg.plugin.finetune.train import after_view
from napari_toposeg.plugin.finetune.train import panel as train_panel_module
from napari_toposeg.plugin.finetune.train import run as finetune_run_module
from napari_toposeg.plugin.finetune.train.run import annotated_cases, free_name
from napari_toposeg.plugin.session import Session
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

SHAPE = (12, 20, 24)


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """The user's store of models, empty."""
    folder = tmp_path / "store" / "models"
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(folder))
    return folder


@pytest.fixture
def registered(monkeypatch) -> dict[str, bytes]:
    """Models by name, in place of the store, whose files need a network."""
    from napari_toposeg.learning import cards, model_store

    models: dict[str, bytes] = {}

    def register(path: Path, name: str) -> cards.Card:
        models[name] = Path(path).read_bytes()
        return cards.Card.model_construct(name=name, task="segment")

    def listed() -> tuple[cards.Card, ...]:
        known = ["topomae-ct", *models]
        return tuple(
            cards.Card.model_construct(name=n, task="segment", intended_use="") for n in known
        )

    monkeypatch.setattr(model_store, "move_model", register)
    monkeypatch.setattr(cards, "list_models", listed)
    return models


@pytest.fixture
def session() -> Session:
    viewer = ViewerModel()
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    viewer.add_image(image, name="scan", scale=(2, 1, 1), units=("mm",) * 3)
    return Session(viewer)


@pytest.fixture
def tab(session, qtbot, registered) -> Iterator[FinetuneTab]:
    tab = FinetuneTab(session)
    qtbot.addWidget(tab)
    tab.show()
    tab.train.model.refresh()
    tab.train.after.at_end.setChecked(False)
    yield tab
    session.close()
    assert session.job is None or session.job.join(20)


def paint(tab: FinetuneTab, slices=(1, 3, 5, 7, 9)) -> None:
    """Paint a square of class 1 on complete slices."""
    layer = tab.annotate.layer or tab.annotate.make_layer()
    layer.data[list(slices)] = BACKGROUND
    layer.data[list(slices), 5:9, 5:9] = 1
    layer.refresh()
    tab.annotate.read()


class FakeRun:
    """Stands for the training: Steps with checkpoints, as slow as the test wants."""

    def __init__(self, steps: int = 6) -> None:
        self.steps = steps
        self.go = threading.Semaphore(0)
        self.closed = False
        self.configs: list = []
        self.labels = None

    def __call__(self, image, labels, annotation, config, look=None) -> Iterator[Step]:
        self.labels = labels
        self.configs.append(config)
        config.output.mkdir(parents=True)
        try:
            for step in range(1, self.steps + 1):
                self.go.acquire(timeout=10)
                yield self.step(step, config)
        finally:
            self.closed = True

    def step(self, step: int, config) -> Step:
        if step % 3:
            return Step(step, self.steps, losses={"loss": 1 / step})
        (config.output / "best.safetensors").write_bytes(b"weights of step %d" % step)
        truth = np.zeros((8, 8), int)
        truth[2:4, 2:4] = 1
        judged = SimpleNamespace(image=np.eye(8), truth=truth, prediction=truth)
        return Step(
            step,
            self.steps,
            losses={"loss": 1 / step},
            metrics={
                "dice": 0.5,
                "betti error": 1.5,
                "dice vessel": 0.5,
                "betti error vessel": 1.5,
            },
            slices=(judged, judged),
        )

    def release(self, steps: int) -> None:
        self.go.release(steps)


@pytest.fixture
def fake(monkeypatch, tab) -> Iterator[FakeRun]:
    run = FakeRun()
    monkeypatch.setattr(train_panel_module, "finetune_run", run)
    yield run
    run.release(100)


def until_step(qtbot, tab: FinetuneTab, step: int) -> None:
    qtbot.waitUntil(lambda: bool(tab.train.curves.steps) and tab.train.curves.steps[-1] >= step)


def until_over(qtbot, session: Session) -> None:
    qtbot.waitUntil(lambda: not session.busy)


def test_training_draws_the_curves_and_leaves_a_model_to_pick(
    tab, session, fake, registered, qtbot
) -> None:
    paint(tab)
    tab.train.steps.setValue(6)
    tab.train.name.setText("mine")
    tab.train.start()
    fake.release(6)
    with qtbot.waitSignal(session.models_changed):
        until_over(qtbot, session)
    assert tab.train.curves.steps == [1, 2, 3, 4, 5, 6]
    assert tab.train.curves.dice == [0.5, 0.5]
    assert tab.train.curves.betti == [1.5, 1.5]
    assert not tab.train.progress.slices.pictures[0].pixmap().isNull()
    assert registered == {"mine": b"weights of step 6"}
    assert tab.train.model.findText("mine") >= 0
    assert tab.train.name.text() == "mine-2"
    told = tab.train.summary.text()
    assert told.startswith("Kept as mine: pick it in Segment") and told.endswith("Best Dice 0.500.")
    assert "napari-toposeg predict --model mine" in told
    assert not fake.configs[0].output.exists()


def test_the_loss_that_is_chosen_is_trained_with(tab, fake, session, qtbot) -> None:
    paint(tab)
    loss = tab.train.loss
    assert {loss.itemData(row) for row in range(loss.count())} == set(get_args(LossName))
    assert all(loss.itemData(row, Qt.ItemDataRole.ToolTipRole) for row in range(loss.count()))
    assert loss.currentData() == "dice-ce"
    loss.setCurrentIndex(loss.findData("critical-voxel"))
    tab.train.start()
    qtbot.waitUntil(lambda: bool(fake.configs))
    assert fake.configs[0].loss == "critical-voxel"


def test_what_is_painted_during_the_training_does_not_change_it(tab, fake, qtbot, session) -> None:
    paint(tab)
    tab.train.start()
    qtbot.waitUntil(lambda: fake.labels is not None)
    tab.annotate.layer.data[:] = 2
    assert set(np.unique(fake.labels)) == {0, 1, BACKGROUND}


def test_stop_keeps_the_best_so_far_within_a_second(tab, session, fake, registered, qtbot) -> None:
    paint(tab)
    tab.train.name.setText("mine")
    tab.train.start()
    fake.release(4)
    until_step(qtbot, tab, 4)
    tab.train.stop()
    fake.release(1)
    qtbot.waitUntil(lambda: not session.busy, timeout=1000)
    assert fake.closed
    assert registered == {"mine": b"weights of step 3"}


def test_discard_keeps_nothing(tab, session, fake, registered, qtbot) -> None:
    paint(tab)
    tab.train.start()
    fake.release(4)
    until_step(qtbot, tab, 4)
    tab.train.discard()
    fake.release(1)
    until_over(qtbot, session)
    assert registered == {}
    assert not fake.configs[0].output.exists()


def test_cancel_before_the_first_checkpoint_says_that_there_is_no_model(
    tab, session, fake, registered, qtbot
) -> None:
    paint(tab)
    tab.train.start()
    session.job.cancel()
    fake.release(1)
    until_over(qtbot, session)
    assert registered == {}
    assert "no model to keep" in tab.train.summary.text()


def test_the_best_model_outlives_a_failure(
    tab, session, fake, registered, qtbot, monkeypatch
) -> None:
    monkeypatch.setattr(session, "show_error", lambda error: None)

    def failing(image, labels, annotation, config, look=None) -> Iterator[Step]:
        config.output.mkdir(parents=True)
        yield fake.step(3, config)
        raise RuntimeError("CUDA ran away")

    monkeypatch.setattr(train_panel_module, "finetune_run", failing)
    paint(tab)
    tab.train.name.setText("mine")
    tab.train.start()
    until_over(qtbot, session)
    assert registered == {"mine": b"weights of step 3"}


def test_pause_stops_the_steps_and_resume_goes_on(tab, session, fake, qtbot) -> None:
    paint(tab)
    tab.train.start()
    fake.release(2)
    until_step(qtbot, tab, 2)
    tab.train.pause()
    assert tab.train.pause_button.text() == "Resume"
    fake.release(1)
    until_step(qtbot, tab, 3)  # the Step that was being made
    fake.release(1)
    qtbot.wait(50)
    assert tab.train.curves.steps == [1, 2, 3]
    tab.train.pause()
    assert tab.train.pause_button.text() == "Pause"
    until_step(qtbot, tab, 4)


def test_buttons_follow_the_job(tab, session, fake, qtbot) -> None:
    paint(tab)
    running = (tab.train.pause_button, tab.train.stop_button, tab.train.discard_button)
    assert not any(button.isEnabled() for button in running)
    tab.train.start()
    assert all(button.isEnabled() for button in running)
    assert not tab.train.start_button.isEnabled()
    tab.train.stop()
    assert not any(button.isEnabled() for button in running)
    fake.release(1)
    until_over(qtbot, session)
    assert tab.train.start_button.isEnabled()


def test_a_name_that_is_taken_is_refused(tab, fake) -> None:
    paint(tab)
    tab.train.name.setText("topomae-ct")
    with pytest.raises(InvalidCheckpoint, match="ships with the program"):
        tab.train.start()


def test_closing_the_session_stops_the_training_silently(tab, session, fake, qtbot) -> None:
    paint(tab)
    tab.train.start()
    fake.release(1)
    until_step(qtbot, tab, 1)
    fake.release(1)
    session.close()
    assert session.job.join(20)
    assert fake.closed


def test_a_free_name_is_found(registered) -> None:
    assert free_name("my-model") == "my-model"
    registered |= {"my-model": b"", "my-model-2": b"", "scan-2024": b""}
    assert free_name("my-model") == "my-model-3"
    assert free_name("my-model-2") == "my-model-3"
    assert free_name("my-model-7") == "my-model-7"
    assert free_name("scan-2024") == "scan-2024-2"


def test_no_torch_is_imported_to_build_the_tab() -> None:
    import subprocess

    code = (
        "import sys, napari_toposeg.plugin.finetune.tab, napari_toposeg.plugin.topology.tab;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cases_share_the_image_and_split_the_labels() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[[1, 3, 5, 7]] = BACKGROUND
    labels[[1, 3, 5, 7], 4:8, 4:8] = 1
    annotation = read_annotation(labels)
    image = Volume(np.zeros(SHAPE, np.float32), np.diag([-1, -1, 2, 1]), modality="CT", name="a")
    train, kept = annotated_cases(image, labels, annotation)
    assert (train.role, kept.role) == ("train", "validation")
    assert train.annotated and kept.annotated
    assert train.image is image
    np.testing.assert_array_equal(np.maximum(train.labels.voxels, kept.labels.voxels), labels)
    assert not ((train.labels.voxels > 0) & (kept.labels.voxels > 0)).any()


def test_an_annotation_without_background_is_refused_before_the_network_is_loaded() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 2, 2] = 1
    image = Volume(np.zeros(SHAPE, np.float32), np.eye(4))
    run = finetune_run_module.finetune_run(image, labels, read_annotation(labels), None)
    with pytest.raises(InvalidConfig, match="background"):
        next(run)


def test_what_is_compared_is_the_scan_of_the_training(session, tab, fake, qtbot, monkeypatch):
    """Whatever image is chosen when it ends; on another scan nothing is judged."""
    asked = []

    def compare_run(image, models, region, **rest):
        asked.append((image.name, rest["labels"], rest["annotation"]))
        return SimpleNamespace(region=region, after=SimpleNamespace(dice=()))
        yield

    view = tab.train.after
    monkeypatch.setattr(after_view.before_after, "compare_run", compare_run)
    monkeypatch.setattr(after_view.before_after, "rows", lambda _: ())
    monkeypatch.setattr(after_view, "show_sides", lambda *_: None)
    monkeypatch.setattr(view.before, "require", lambda: "before")
    monkeypatch.setattr(view, "_region", lambda _: (slice(0, 4),) * 3)
    paint(tab)
    tab.train.start()
    painted = np.array(tab.annotate.layer.data)
    tab.annotate.layer.data[:] = 0
    scan = session.image_layer
    other = session.viewer.add_image(
        np.ones(SHAPE, np.float32), name="other", scale=(2, 1, 1), units=("mm",) * 3
    )
    session.image_layer = other
    fake.release(6)
    qtbot.waitUntil(lambda: not session.busy, timeout=20_000)
    view.compare(scan)
    qtbot.waitUntil(lambda: not session.busy, timeout=20_000)
    (name, labels, annotation) = asked[-1]
    assert name == "scan" and annotation is not None
    np.testing.assert_array_equal(labels, painted)
    view.compare()
    qtbot.waitUntil(lambda: not session.busy, timeout=20_000)
    assert asked[-1] == ("other", None, None)
    assert "another scan" in view.note.text()

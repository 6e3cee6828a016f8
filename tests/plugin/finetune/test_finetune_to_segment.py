"""A real, tiny training from painted slices to a model that Segment offers and that segments."""

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.progress import Step, finish

STEPS = 6


@pytest.fixture
def store(tmp_path, monkeypatch) -> Path:
    """An empty store of models."""
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store" / "models"))
    return tmp_path / "store"


@pytest.fixture
def dock(store, qtbot):
    """The dock with a bright ball of 24 voxels across in noise, five slices of it painted."""
    z, y, x = np.indices((24, 24, 24)) - 12
    ball = z**2 + y**2 + x**2 < 49
    image = 100 * ball + np.random.default_rng(0).normal(0, 10, ball.shape)
    viewer = ViewerModel()
    viewer.add_image(image.astype(np.float32), name="ball", units=("mm",) * 3)
    dock = TopoSegDock(viewer)
    qtbot.addWidget(dock)
    dock.show()
    dock.show_tab("Fine-tune")
    layer = dock.finetune.annotate.make_layer()
    slices = [8, 10, 12, 14, 16]
    layer.data[slices] = np.where(ball[slices], 1, BACKGROUND)
    dock.finetune.annotate.name_classes(["ball"])
    yield dock
    dock.session.close()
    assert dock.session.job is None or dock.session.job.join(20)


def train(dock: TopoSegDock, steps: int) -> list[Step]:
    """Start a training from scratch and return the list that its Steps are put into."""
    panel = dock.finetune.train
    panel.model.refresh()
    panel.model.setCurrentText("from scratch")
    panel.steps.setValue(steps)
    panel.name.setText("ball-model")
    panel.start()
    seen: list[Step] = []
    dock.session.job.stepped.connect(seen.append)
    return seen


def test_painted_slices_become_a_model_that_segment_offers(dock, store, qtbot) -> None:
    from napari_toposeg.learning.cards import load_card

    steps = train(dock, STEPS)
    with qtbot.waitSignal(dock.session.models_changed, timeout=60_000):
        pass
    panel = dock.finetune.train
    assert panel.curves.steps == list(range(1, STEPS + 1))
    assert panel.curves.validated
    assert len(panel.progress.slices.slices) == 1
    assert np.isfinite(panel.curves.betti).all()
    assert np.isfinite(panel.curves.losses).all()
    card = load_card("ball-model")
    assert (card.task, card.classes) == ("segment", ("ball",))
    dock.segment.model.refresh()
    assert dock.segment.model.findText("ball-model") >= 0
    assert not list((store / "runs").iterdir())
    assert steps[-1].step == STEPS

    from napari_toposeg.learning.predict import segment

    volume = dock.session.volume_of(dock.session.image_layer)
    result = finish(segment(volume, "ball-model", device="cpu"))
    assert result.labels.shape == volume.shape


def test_cancel_answers_within_a_second_and_keeps_the_best(dock, store, qtbot) -> None:
    from napari_toposeg.learning.cards import list_models

    steps = train(dock, 40)
    qtbot.waitUntil(lambda: any(step.checkpoint for step in steps), timeout=60_000)
    dock.finetune.train.stop()
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=1000)
    assert len(dock.finetune.train.curves.steps) < 40
    assert "ball-model" in {card.name for card in list_models()}
    assert not any((store / "runs").iterdir())

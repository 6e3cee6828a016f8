"""What a training that is stopped writes, and what is made of it."""

import json
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from tests.plugin.finetune.balls import ball_scan

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.cards import list_models, read_header
from napari_toposeg.learning.checkpoints import load_model, read_tensors
from napari_toposeg.plugin.finetune.annotate.annotations import read_annotation
from napari_toposeg.plugin.finetune.annotate.kept_annotations import fingerprint
from napari_toposeg.plugin.finetune.train.cut_off import FACTS
from napari_toposeg.plugin.finetune.train.run import BEST, LAST, finetune_run, keep_best
from napari_toposeg.volume import Volume


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """An empty store of models."""
    monkeypatch.setenv("NAPARI_TOPOSEG_MODELS", str(tmp_path / "store" / "models"))
    return tmp_path / "store"


def small_config(folder: Path, *, every: int) -> FinetuneConfig:
    return FinetuneConfig(
        checkpoint="none",
        output=folder,
        name="mine",
        size="nano",
        crop=(12, 12, 12),
        steps=8,
        every=every,
        device="cpu",
        threads=1,
        previews=False,
        classes=("class 1",),
    )


def stop(folder: Path, *, every: int, after: int) -> None:
    """Stop a training in the step after one."""
    voxels, labels = ball_scan()
    image = Volume(voxels, np.diag([-1.0, -1, 1, 1]), name="ball")
    run = finetune_run(image, labels, read_annotation(labels), small_config(folder, every=every))
    while not (step := next(run)).losses or step.step < after:
        pass
    assert not next(run).losses
    run.close()


def test_a_stopped_training_with_a_best_model_writes_no_more_and_that_model_is_kept(
    store,
) -> None:
    folder = store / "runs" / "mine-1"
    stop(folder, every=2, after=3)
    assert read_header(folder / LAST)["step"] == "2"
    best = read_tensors(folder / BEST)
    assert keep_best(folder, "mine").name == "mine"
    kept = load_model("mine").network.state_dict()
    assert all(kept[name].equal(best[name]) for name in best)
    assert not folder.exists()


def test_a_training_stopped_before_there_is_a_best_model_keeps_its_last_step(store) -> None:
    folder = store / "runs" / "mine-1"
    stop(folder, every=8, after=3)
    assert not (folder / BEST).exists()
    assert read_header(folder / LAST)["step"] == "3"
    keep_best(folder, "mine")
    assert [card.name for card in list_models() if card.name == "mine"] == ["mine"]


def test_a_training_on_a_scan_that_is_read_as_needed_is_known_again(store) -> None:
    """Its voxels are not in memory when it is looked for at the next start."""
    voxels, labels = ball_scan()
    image = Volume(da.from_array(voxels, chunks=8), np.diag([-1.0, -1, 1, 1]), name="ball")
    folder = store / "runs" / "mine-1"
    run = finetune_run(image, labels, read_annotation(labels), small_config(folder, every=2))
    while not next(run).losses:
        pass
    run.close()
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    assert facts["scan"] == fingerprint(image)

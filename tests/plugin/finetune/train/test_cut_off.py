"""What a killed training leaves is found, gone on with on its own scan, and never taken early."""

import json
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidCheckpoint, ShapeMismatch
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND, read_annotation
from napari_toposeg.plugin.finetune.annotate.kept_annotations import fingerprint
from napari_toposeg.plugin.finetune.train.cut_off import (
    FACTS,
    LABELS,
    SETTINGS,
    cut_off_trainings,
    is_alive,
    note_training,
    training_of,
)
from napari_toposeg.volume import Volume

SHAPE = (12, 10, 9)


@pytest.fixture
def image() -> Volume:
    voxels = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    return Volume(voxels, np.eye(4), name="Jane Doe")


@pytest.fixture
def folder(tmp_path, image) -> Path:
    """A run's folder with all but a checkpoint."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[::2] = BACKGROUND
    labels[::2, 2:5, 2:5] = 1
    folder = tmp_path / "runs" / "mine-1"
    config = FinetuneConfig(checkpoint="none", output=folder, name="mine", steps=60)
    note_training(folder, fingerprint(image), labels, read_annotation(labels, seed=3), config)
    config.to_toml(folder / SETTINGS)
    return folder


def save(folder: Path, name: str, step: int) -> None:
    """Write a checkpoint's file with its header."""
    header = json.dumps({"__metadata__": {"step": str(step)}}).encode()
    (folder / name).write_bytes(len(header).to_bytes(8, "little") + header)


def kill(folder: Path) -> None:
    """Let the run belong to a process that is no more."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    facts["process_began"] -= 1000
    (folder / FACTS).write_text(json.dumps(facts))


def test_a_training_of_a_living_process_is_not_offered(folder) -> None:
    save(folder, "last.safetensors", 20)
    assert cut_off_trainings(folder.parent) == ()


def test_a_killed_training_is_offered_with_the_step_of_its_newest_checkpoint(folder) -> None:
    save(folder, "best.safetensors", 10)
    save(folder, "last.safetensors", 20)
    kill(folder)
    (found,) = cut_off_trainings(folder.parent)
    assert (found.name, found.step, found.steps) == ("mine", 20, 60)


def test_a_training_without_a_checkpoint_or_with_a_damaged_one_is_not_offered(folder) -> None:
    kill(folder)
    assert cut_off_trainings(folder.parent) == ()
    (folder / "last.safetensors").write_bytes(b"half of it")
    assert cut_off_trainings(folder.parent) == ()
    (folder.parent / "of another program").mkdir()
    assert cut_off_trainings(folder.parent) == ()


def test_it_goes_on_with_the_same_labels_split_and_settings(folder, image) -> None:
    save(folder, "last.safetensors", 20)
    kill(folder)
    (found,) = cut_off_trainings(folder.parent)
    labels, annotation, config = training_of(found, image)
    known = read_annotation(labels, seed=3)
    assert (annotation.train, annotation.validation) == (known.train, known.validation)
    assert (annotation.voxels, annotation.background) == (known.voxels, known.background)
    assert not annotation.faults
    assert config.resume and config.output == folder and config.steps == 60


def test_it_does_not_go_on_with_another_scan(folder, image) -> None:
    save(folder, "last.safetensors", 20)
    kill(folder)
    (found,) = cut_off_trainings(folder.parent)
    with pytest.raises(ShapeMismatch, match="another scan"):
        training_of(found, image.with_voxels(image.voxels + 1))
    (folder / LABELS).write_bytes(b"torn")
    with pytest.raises(InvalidCheckpoint, match="damaged"):
        training_of(found, image)


def test_nothing_of_the_patient_is_written(folder) -> None:
    assert b"Doe" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_process_that_took_the_number_of_another_is_not_that_one() -> None:
    me = psutil.Process()
    assert is_alive(me.pid, me.create_time())
    assert not is_alive(me.pid, me.create_time() - 100)

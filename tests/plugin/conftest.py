"""Fixtures of the plugin's tests: a viewer without a canvas, small volumes, made-up runs."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import numpy as np
import pytest

# Preferences of the person who runs the tests must not change them, nor be changed.
os.environ["NAPARI_CONFIG"] = ""

from napari.components import ViewerModel
from napari.utils import resize_dask_cache
from tests.plugin.lazy_arrays import Counted

from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume, from_file_order

Run = Generator[Step, None, Any]


@pytest.fixture(autouse=True)
def annotations_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where annotations are kept: no person's folder."""
    folder = tmp_path / "annotations"
    monkeypatch.setenv("NAPARI_TOPOSEG_ANNOTATIONS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def choices_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where choices are remembered: no person's file."""
    file = tmp_path / "settings" / "choices.json"
    monkeypatch.setenv("NAPARI_TOPOSEG_CHOICES", str(file))
    return file


@pytest.fixture(autouse=True)
def sessions_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sessions are kept: no person's folder."""
    folder = tmp_path / "sessions"
    monkeypatch.setenv("NAPARI_TOPOSEG_SESSIONS", str(folder))
    return folder


@pytest.fixture
def viewer_model(qapp: Any) -> ViewerModel:
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def dock(viewer_model: ViewerModel, qtbot: Any) -> Iterator[TopoSegDock]:
    """The dock on a viewer without a window, shown."""
    made = TopoSegDock(viewer_model)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.session.close()
    if made.session.job is not None:
        assert made.session.job.join(20), "a job outlived its test"


@pytest.fixture
def oblique() -> Volume:
    """A flipped, anisotropic MR, turned by 20 degrees about the body's long axis."""
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ np.diag([-0.8, 1.1, -3.0, 1.0])
    affine[:3, 3] = 12.5, -40, 77
    stored = np.random.default_rng(0).normal(100, 20, (14, 12, 10)).astype(np.float32)
    return from_file_order(stored, affine, modality="MR", name="oblique")


@pytest.fixture
def ct() -> Volume:
    """A small CT whose axes lie along the patient's, 4 x 1.5 x 1.5 mm."""
    voxels = np.random.default_rng(1).integers(-100, 1500, (10, 12, 14)).astype(np.int16)
    affine = np.diag([-1.5, -1.5, 4.0, 1.0])
    affine[:3, 3] = 90, 80, -300
    return Volume(voxels, affine, modality="CT", name="thorax")


@pytest.fixture
def count_to() -> Callable[..., Callable[[], Run]]:
    """Makes a run of some Steps and a result."""

    def make(total: int, result: Any = "done", **fields: Any) -> Callable[[], Run]:
        def run() -> Run:
            for number in range(1, total + 1):
                yield Step(number, total, **fields)
            return result

        return run

    return make


@pytest.fixture
def make_card() -> Callable[..., SimpleNamespace]:
    """Makes a model's card with what the dock reads of it."""

    def make(name: str = "model", task: str = "segment", **changes: Any) -> SimpleNamespace:
        facts = {
            "name": name,
            "task": task,
            "crop": (48, 48, 48),
            "spacing": (1.0, 1.0, 1.0),
            "modality": "CT",
            "classes": ("vessel",),
            "intended_use": "Research use only.",
            "network": SimpleNamespace(hidden_cube=6),
        }
        does = "segments" if task == "segment" else "rebuilds"
        return SimpleNamespace(**(facts | {"does": does} | changes))

    return make


@pytest.fixture
def models(monkeypatch, make_card):
    """Two models, listed without torch."""
    cards = [make_card("topomae-ct", "reconstruct"), make_card("vessels-ct", "segment")]
    monkeypatch.setattr("napari_toposeg.learning.cards.list_models", lambda: tuple(cards))
    return cards


@pytest.fixture
def ring() -> Volume:
    """A square ring in a box of air: one component, one loop."""
    voxels = np.full((10, 16, 16), -1000, np.int16)
    voxels[4:6, 3:13, 3:13] = 500
    voxels[4:6, 6:10, 6:10] = -1000
    return Volume(voxels, np.diag([-1.0, -1, 1, 1]), modality="CT", name="ring")


@pytest.fixture
def count_chunks() -> Iterator[type[Counted]]:
    """Makes dask arrays that note which chunks are computed, in the thread that asks for them."""
    # What napari remembers of chunks would not be computed again.
    resize_dask_cache(0)
    with dask.config.set(scheduler="synchronous"):
        yield Counted
    resize_dask_cache()

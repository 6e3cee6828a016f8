"""The live preview keeps to its share of the time, and to what a person looks at."""

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.canvas.marks import layer_with
from napari_toposeg.plugin.finetune.train import live
from napari_toposeg.plugin.finetune.train.live import LIVE, Budget, Look, with_previews
from napari_toposeg.plugin.finetune.train.model_layers import (
    PREVIEW,
    flip,
    part_in_view,
    show_part,
    slice_region,
)
from napari_toposeg.plugin.finetune.train.part import grown, window_of
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

IMAGE = Volume(np.zeros((10, 40, 40), np.float32), np.eye(4))
REGION = (slice(2, 3), slice(0, 8), slice(4, 9))


def validations():
    """Four steps, each with a checkpoint."""
    for step in range(1, 5):
        yield Step(step, 4, losses={"loss": 1.0}, checkpoint=Path("last"))
    return "done"


@pytest.fixture
def previews(monkeypatch) -> list:
    """Regions that were previewed."""
    asked: list = []

    def preview(step, image, region, last, scale, device):
        asked.append(region)
        yield Step(step.step, step.total, preview={LIVE: np.ones((1, 1, 1), np.uint8)})

    monkeypatch.setattr(live, "preview_of", preview)
    monkeypatch.setattr(live, "scale_of", lambda image, last: object())
    return asked


def collect(run) -> list[Step]:
    steps = []
    while True:
        try:
            steps.append(next(run))
        except StopIteration as stop:
            assert stop.value == "done"
            return steps


def test_no_preview_is_made_where_nobody_looks(previews) -> None:
    steps = collect(with_previews(validations(), IMAGE, Look(), Path("last"), "cpu"))
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert not previews


def test_a_preview_follows_a_validation_and_stays_within_its_share(previews, monkeypatch) -> None:
    clock = iter([0.0, *np.arange(10, 1000, 2.0)])
    monkeypatch.setattr(live, "perf_counter", lambda: next(clock))
    steps = collect(with_previews(validations(), IMAGE, Look(REGION), Path("last"), "cpu"))
    assert previews[0] == REGION
    assert len(previews) < 4
    assert [s.step for s in steps if s.preview is None] == [1, 2, 3, 4]


def test_the_budget_is_a_tenth_of_the_time() -> None:
    budget = Budget(began=0.0)
    assert budget.allows(1.0)
    budget.took(2.0)
    assert not budget.allows(39.0)
    assert budget.allows(41.0)


def test_the_part_of_the_slice_in_view_is_one_slice_thick() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((10, 100, 100)), scale=(3, 1, 1), translate=(50, 0, 0))
    viewer.dims.set_point(0, 50 + 3 * 4)
    region = slice_region(viewer, layer, 20.0)
    assert region[0] == slice(4, 5)
    assert all(part.stop - part.start == 35 for part in region[1:])
    viewer.dims.order = (2, 0, 1)
    viewer.dims.set_point(2, 7)
    assert slice_region(viewer, layer, 20.0)[2] == slice(7, 8)


def test_outside_of_the_layer_nothing_is_previewed() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((10, 20, 20)))
    viewer.scene.camera.center = (0, 500, 500)
    assert slice_region(viewer, layer, 5.0) is None


def test_a_preview_lies_where_it_was_predicted_and_is_filled_anew() -> None:
    viewer = ViewerModel()
    scan = viewer.add_image(np.zeros((10, 20, 20)), scale=(3, 1, 2), translate=(5, 6, 7))
    for origin in ((4, 3, 2), (5, 3, 2)):
        labels = np.ones((1, 4, 4), np.uint8)
        show_part(
            viewer, scan, labels, np.array(origin), role=PREVIEW, name="live", classes=2, contour=1
        )
    drawn = layer_with(viewer, PREVIEW)
    assert len(viewer.layers) == 2
    np.testing.assert_allclose(drawn.translate, (5 + 15, 6 + 3, 7 + 4))
    assert viewer.layers.selection.active == scan


def test_the_box_of_a_comparison_is_a_few_windows_of_the_model_wide() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((100, 200, 200)), scale=(2, 1, 1))
    viewer.dims.set_point(0, 100)
    box = part_in_view(viewer, layer, (24, 48, 48), (2.0, 1.0, 1.0))
    assert [part.stop - part.start for part in box] == [42, 84, 84]


def test_nothing_is_flipped_where_there_are_no_two() -> None:
    assert flip(ViewerModel()) is None


def test_a_box_grows_to_a_window_within_the_scan() -> None:
    assert grown(REGION, IMAGE, (4, 8, 60)) == (slice(1, 5), slice(0, 8), slice(0, 40))
    card = type("Card", (), {"crop": (8, 48, 48), "spacing": (2.0, 1.0, 1.5)})
    assert window_of(card, IMAGE) == (16, 48, 72)

"""The chosen feature as a layer: on its voxels, in the background, at most one."""

import threading

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.canvas.marks import FEATURE, layer_with
from napari_toposeg.plugin.topology.diagram.excerpt import take_excerpt
from napari_toposeg.plugin.topology.diagram.feature_layer import (
    Feature,
    FeatureDrawer,
    feature_run,
    find_feature,
    show_feature,
)
from napari_toposeg.plugin.topology.diagram.features import Features
from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram, run_persistence
from napari_toposeg.progress import finish

SCALE, TRANSLATE = (2.0, 1.0, 0.5), (100.0, -7.0, 3.0)


def two_bars() -> np.ndarray:
    """Return a long bright bar and a shorter, darker one."""
    image = np.zeros((9, 16, 20), np.float32)
    image[4, 4, 2:18] = 1.0
    image[6, 12, 5:11] = 0.7
    return image


@pytest.fixture
def viewer(qapp) -> ViewerModel:
    return ViewerModel()


def younger(found) -> int:
    return int(np.flatnonzero((found.diagram.dimension == 0) & (found.diagram.death_voxel >= 0))[0])


def voxels_in_world(layer) -> np.ndarray:
    return np.array([layer.data_to_world(voxel) for voxel in np.argwhere(np.asarray(layer.data))])


def test_a_feature_lies_on_its_voxels(viewer):
    image = two_bars()
    layer = viewer.add_image(image, scale=SCALE, translate=TRANSLATE)
    found = finish(run_persistence(take_excerpt(image, "whole")))
    shown = show_feature(viewer, layer, find_feature(found, younger(found)))
    there = np.argwhere(image == np.float32(0.7)) * SCALE + TRANSLATE
    np.testing.assert_allclose(voxels_in_world(shown), there)
    assert shown.data.size == 6


def test_of_a_region_and_of_a_slice_too(viewer):
    image = two_bars()
    layer = viewer.add_image(image, scale=SCALE, translate=TRANSLATE)
    there = np.argwhere(image == np.float32(0.7)) * SCALE + TRANSLATE
    region = take_excerpt(image, "region", centre=(5, 8, 8), most=1700)
    assert region.offset != (0, 0, 0)
    for excerpt in (region, take_excerpt(image, "slice", centre=(6, 0, 0), axis=0)):
        found = finish(run_persistence(excerpt))
        rows = range(len(found.diagram))
        places = [
            voxels_in_world(show_feature(viewer, layer, find_feature(found, row))) for row in rows
        ]
        assert any(each.shape == there.shape and np.allclose(each, there) for each in places)


def test_in_a_coarser_copy_it_covers_its_blocks(viewer):
    image = np.zeros((8, 8, 8), np.float32)
    image[2:4, 2:4, 4:8] = 1.0
    layer = viewer.add_image(image, scale=SCALE, translate=TRANSLATE)
    found = finish(run_persistence(take_excerpt(image, "coarse", most=64)))
    assert found.excerpt.step == (2, 2, 2)
    shown = show_feature(viewer, layer, find_feature(found, 0))
    assert shown.data.shape == (1, 1, 2)
    np.testing.assert_allclose(shown.scale, np.array(SCALE) * 2)
    np.testing.assert_allclose(
        shown.translate, np.array(TRANSLATE) + np.array([2.5, 2.5, 4.5]) * SCALE
    )


def test_the_feature_chosen_last_is_the_one_shown(viewer, qtbot):
    image = two_bars()
    layer = viewer.add_image(image, name="scan")
    found = finish(run_persistence(take_excerpt(image, "whole")))
    features, drawer = Features.of(found), FeatureDrawer(viewer)
    row = younger(found)
    for each in (row, 1 - row, row):
        drawer.draw(layer, features, np.array([each]))
    qtbot.waitUntil(lambda: layer_with(viewer, FEATURE) is not None, timeout=20_000)
    qtbot.wait(300)
    assert [np.asarray(each.data).sum() for each in viewer.layers if each is not layer] == [6]
    assert viewer.layers.selection.active is layer
    drawer.clear()
    assert layer_with(viewer, FEATURE) is None


def test_a_layer_removed_meanwhile_gets_no_feature(viewer, qtbot, monkeypatch):
    removed = threading.Event()

    def find_late(found: LayerDiagram, row: int) -> Feature:
        assert removed.wait(20)
        return find_feature(found, row)

    monkeypatch.setattr(f"{FeatureDrawer.__module__}.find_feature", find_late)
    image = two_bars()
    layer = viewer.add_image(image)
    found = finish(run_persistence(take_excerpt(image, "whole")))
    features, drawer = Features.of(found), FeatureDrawer(viewer)
    drawer.draw(layer, features, np.array([younger(found)]))
    qtbot.waitUntil(lambda: drawer.job.running, timeout=20_000)
    viewer.layers.remove(layer)
    removed.set()
    qtbot.waitUntil(lambda: not drawer.job.running, timeout=20_000)
    assert not viewer.layers


def test_several_features_are_one_layer_the_small_ones_over_the_large(viewer):
    image = two_bars()
    image[4, 4, 8] = 0.5
    layer = viewer.add_image(image, scale=SCALE, translate=TRANSLATE)
    found = finish(run_persistence(take_excerpt(image, "whole")))
    rows = np.arange(len(found.diagram))
    shown = show_feature(viewer, layer, finish(feature_run(Features.of(found), rows)))
    there = {tuple(place) for place in np.round(voxels_in_world(shown), 6)}
    bars = np.argwhere(image == np.float32(0.7)) * SCALE + TRANSLATE
    assert {tuple(place) for place in np.round(bars, 6)} <= there
    assert list(shown.features["feature"]) == ["none", "component", "loop", "cavity"]

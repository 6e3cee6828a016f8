"""Errors and repairs on any viewer, without the dock."""

import sys
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

sys.path.append(str(Path(__file__).parent))

from tests.plugin.topology.label_maps import two_bars

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.plugin.canvas.marks import DEFECTS, layer_with
from napari_toposeg.plugin.topology.errors.finding import compare_layers, list_classes, repair_layer
from napari_toposeg.topology import betti_numbers


@pytest.fixture
def viewer() -> ViewerModel:
    made = ViewerModel()
    for name, labels in zip(("prediction", "truth"), two_bars(), strict=True):
        made.add_labels(labels, name=name, scale=(2, 1, 1), units=("mm",) * 3)
    return made


def test_layers_are_compared_and_the_errors_are_drawn(viewer):
    result = compare_layers(viewer, viewer.layers["prediction"], viewer.layers["truth"])
    assert sorted(result.defects.kind) == ["merges", "splits", "spurious"]
    assert result.defects.voxel_mm3 == 2
    overlay = layer_with(viewer, DEFECTS)
    prediction, truth = two_bars()
    np.testing.assert_array_equal(overlay.data > 0, prediction != truth)


def test_a_layer_is_held_against_wanted_numbers(viewer):
    labels = viewer.layers["prediction"]
    result = compare_layers(viewer, labels, wanted={1: (2, 0, 0)})
    assert result.numbers[0].error == (1, 0, 0)
    assert set(result.defects.kind) >= {"spurious"}
    with pytest.raises(InvalidConfig, match="one of them"):
        compare_layers(viewer, labels, viewer.layers["truth"], wanted={1: (1, 0, 0)})


def test_a_layer_is_repaired_in_one_stroke_that_can_be_undone(viewer):
    labels = viewer.layers["prediction"]
    done = repair_layer(viewer, labels, {1: (1, 0, 0)})
    assert tuple(betti_numbers(np.asarray(labels.data))) == (1, 0, 0)
    assert list(done.number_rows()) == [("label 1", 3, 0, 0, 1, 0, 0, 1, 0, 0, True)]
    rows = list(done.rows({1: "bar"}))
    assert {row[2] for row in rows} == {"joins", "is taken away"}
    assert [row[4] * 2 for row in rows] == [row[5] for row in rows]
    labels.undo()
    np.testing.assert_array_equal(labels.data, two_bars()[0])


def test_a_probability_leads_the_repair(viewer):
    sure = np.where(two_bars()[0] > 0, 0.9, 0.1)
    sure[8, 1, 1] = 0.501
    layer = viewer.add_image(sure, name="probability")
    done = repair_layer(viewer, viewer.layers["prediction"], {1: (1, 0, 0)}, layer)
    speck = next(each for each in done.edits if not each.edit.adds)
    assert speck.edit.cost == pytest.approx(0.001, rel=0.1)


def test_what_does_not_fit_is_refused(viewer):
    small = viewer.add_image(np.zeros((2, 2, 2)))
    with pytest.raises(ShapeMismatch, match="probability"):
        repair_layer(viewer, viewer.layers["prediction"], {1: (1, 0, 0)}, small)
    gone = viewer.layers.pop(1)
    with pytest.raises(InvalidConfig, match="not in the viewer"):
        repair_layer(viewer, gone, {1: (1, 0, 0)})


def test_a_notebook_can_do_the_same_with_what_is_not_in_memory(viewer, count_chunks):
    prediction, truth = (count_chunks(labels, (4, 6, 10)).array for labels in two_bars())
    place = {"scale": (2, 1, 1), "units": ("mm",) * 3}
    lazy, other = (viewer.add_labels(array, **place) for array in (prediction, truth))
    assert list_classes(lazy) == {1: int((two_bars()[0] == 1).sum())}
    expected = compare_layers(viewer, viewer.layers["prediction"], viewer.layers["truth"])
    assert list(compare_layers(viewer, lazy, other).rows()) == list(expected.rows())
    done = repair_layer(viewer, lazy, {1: (1, 0, 0)})
    made = viewer.layers[f"{lazy.name} repaired"]
    np.testing.assert_array_equal(made.data, done.labels)
    assert tuple(betti_numbers(np.asarray(made.data))) == (1, 0, 0)
    assert lazy.data is prediction

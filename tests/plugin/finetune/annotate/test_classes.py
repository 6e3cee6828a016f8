"""Classes live in a layer's features and colours, and in JSON, and come back from both."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.finetune.annotate.annotation_layer import annotation_of, set_classes
from napari_toposeg.plugin.finetune.annotate.classes import (
    PaintedClass,
    as_classes,
    classes_of_layer,
    from_plain,
    plain_class,
    to_plain,
)

CLASSES = (PaintedClass("airway", (1, 0, 0), "#123456"), PaintedClass("wall", None, "#ABCDEF"))


@pytest.fixture
def layer(qapp):
    return ViewerModel().add_labels(np.zeros((4, 5, 6), np.uint8))


def test_classes_come_back_from_a_layer(layer):
    set_classes(layer, CLASSES)
    assert classes_of_layer(layer) == CLASSES
    assert classes_of_layer(layer, 3) == (*CLASSES, plain_class(3))


def test_a_layer_without_names_has_as_many_classes_as_are_asked_for(layer):
    found = classes_of_layer(layer, 2)
    assert classes_of_layer(layer) == ()
    assert [each.name for each in found] == ["class 1", "class 2"]
    assert found[0].colour != found[1].colour


def test_another_programs_columns_do_no_harm(layer):
    layer.features = {"class": ["none", "bone"], "wanted": ["yes", "no"]}
    assert [(each.name, each.wanted) for each in classes_of_layer(layer)] == [("bone", None)]


def test_classes_come_back_from_json_and_names_from_an_older_release():
    assert from_plain(to_plain(CLASSES)) == CLASSES
    assert from_plain(["vessel"]) == as_classes(["vessel"])


def test_a_label_map_becomes_an_annotation_with_its_colours(qapp):
    viewer = ViewerModel()
    voxels = np.zeros((4, 5, 6), np.uint8)
    voxels[1] = 2
    mask = viewer.add_labels(voxels)
    set_classes(mask, CLASSES)
    made = annotation_of(viewer, mask, voxels)
    assert classes_of_layer(made) == CLASSES
    assert set(np.unique(made.data)) == {2, 255}

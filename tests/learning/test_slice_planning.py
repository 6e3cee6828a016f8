"""What a fine-tuning on a few slices leaves open: its rate and its crop."""

import numpy as np
import pytest
from tests.learning.test_runs import finetuning

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.labelled import sliced_axis
from napari_toposeg.learning.places import IGNORED
from napari_toposeg.learning.planning import plan_slice_crop, plan_teacher, rate_of


def test_a_model_that_segments_already_is_trained_gently():
    network = NetworkConfig(name="resenc-unet")
    assert rate_of(network, "segment") < rate_of(NetworkConfig(name="vit"), None)
    assert rate_of(network, "segment") < rate_of(network, "segment", taught=True) < 1e-3
    assert rate_of(network, "reconstruct") > rate_of(NetworkConfig(name="vit"), "reconstruct")


def test_a_crop_for_slices_is_thin_across_them():
    assert plan_slice_crop((48, 48, 48), 1, (8, 8, 8)) == (32, 16, 32)
    assert plan_slice_crop((8, 40, 24), 0, (8, 8, 8)) == (8, 32, 24)
    assert plan_slice_crop((64, 64, 64), 2, (32, 32, 32)) == (32, 32, 32)


def painted(*slices):
    """An example of which some slices across y are labelled."""
    target = np.full((6, 8, 10), IGNORED, np.int16)
    target[:, list(slices)] = 0
    return Example("painted", np.zeros((6, 8, 10), np.float32), target)


def test_slices_are_seen_where_they_are_few_in_every_volume():
    assert sliced_axis([painted(1), painted(2, 5)]) == 1
    assert sliced_axis([painted(1), painted(*range(8))]) is None


@pytest.mark.parametrize(
    ("task", "sliced", "given", "settled"),
    [
        ("segment", True, {}, (0.95, 1.0)),
        ("segment", False, {}, (0.0, 0.0)),
        ("reconstruct", True, {}, (0.0, 0.0)),
        (None, False, {"teacher_weight": 2.0}, (0.99, 2.0)),
        ("segment", True, {"average": 0.0}, (0.0, 0.0)),
        ("segment", True, {"average": 0.5, "teacher_weight": 0.0}, (0.5, 0.0)),
    ],
)
def test_a_model_that_segments_is_held_to_what_it_knows_between_slices(
    tmp_path, task, sliced, given, settled
):
    config = plan_teacher(finetuning(tmp_path, **given), task, sliced=sliced)
    assert (config.average, config.teacher_weight) == settled

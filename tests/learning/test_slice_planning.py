"""What a fine-tuning on a few slices leaves open: its rate and its crop."""

import numpy as np

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.labelled import sliced_axis
from napari_toposeg.learning.places import IGNORED
from napari_toposeg.learning.planning import plan_slice_crop, rate_of


def test_a_model_that_segments_already_is_trained_gently():
    network = NetworkConfig(name="resenc-unet")
    assert rate_of(network, "segment") < rate_of(NetworkConfig(name="vit"), None)
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

"""Annotations in files: what nobody painted counts nowhere."""

import numpy as np
import pytest
from tests.learning.test_runs import ball_case, finetuning

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import write_volume
from napari_toposeg.learning.cases import BACKGROUND
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.labelled_files import read_labelled_folders
from napari_toposeg.learning.places import IGNORED
from napari_toposeg.progress import finish


@pytest.fixture
def folders(tmp_path):
    """A ball of which every fourth slice is painted, on its own spacing."""
    case = ball_case(1)
    labels = np.zeros(case.labels.shape, np.uint8)
    labels[1::4] = np.where(case.labels.voxels[1::4] > 0, 1, BACKGROUND)
    write_volume(case.image, tmp_path / "images" / "ball.nii.gz")
    write_volume(case.labels.with_voxels(labels), tmp_path / "labels" / "ball.nii.gz")
    return tmp_path


def run_on(folders, **settings):
    return finetuning(
        folders / "model", images=folders / "images", labels=folders / "labels", **settings
    )


def test_unpainted_voxels_have_no_class_and_255_is_background(folders):
    data = read_labelled_folders(run_on(folders, annotated=True), None)
    target, truth = data.training[0].target, ball_case(1).labels.voxels
    assert data.classes == 1 and data.sliced_axis == 0
    assert (np.delete(target, np.s_[1::4], axis=0) == IGNORED).all()
    assert np.array_equal(target[1::4], truth[1::4])


def test_a_model_is_trained_on_them(folders):
    steps = list(finetune(run_on(folders, annotated=True, steps=2)))
    assert all(np.isfinite(step.losses["loss"]) for step in steps if step.losses)


def test_read_as_whole_label_maps_they_have_too_many_classes(folders):
    with pytest.raises(InvalidConfig, match="whole numbers from 0 to 254"):
        finish(finetune(run_on(folders)))

"""Judging slices: what counts as an error of topology, and what may choose the best model."""

import numpy as np
import pytest
import torch

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig, OutOfMemory
from napari_toposeg.learning.devices import memory_errors_explained
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.finetuning import evaluation_of
from napari_toposeg.learning.judging import judge, places_to_judge, slice_axis
from napari_toposeg.learning.planning import smaller

SHAPE = (5, 16, 16)


def painted(index: int = 2, axis: int = 0) -> Example:
    """One slice with a ring of class 1, all else unlabelled."""
    target = np.full(SHAPE if axis == 0 else SHAPE[::-1], -1, np.int16)
    plane = np.zeros((16, 16), np.int16)
    plane[4:12, 4:12] = 1
    plane[6:10, 6:10] = 0
    np.moveaxis(target, axis, 0)[index] = plane
    return Example("scan", np.zeros(target.shape, np.float32), target)


def test_a_filled_ring_is_one_loop_wrong_and_its_dice_is_high() -> None:
    case = painted()
    found = np.zeros(SHAPE, np.int64)
    found[2, 4:12, 4:12] = 1
    judgement = judge([case], [found], 1)
    assert judgement.betti_error.tolist() == [1.0]
    assert judgement.topological_error.tolist() == [0.5]  # one of two features, (1, 1)
    assert judgement.dice[0] == pytest.approx(2 * 48 / (48 + 64))


def test_what_is_found_beside_the_painted_slice_is_no_error() -> None:
    case = painted()
    found = np.where(case.target == 1, 1, 0)
    found[0, ::3, ::3] = 1
    judgement = judge([case], [found], 1)
    assert judgement.betti_error.tolist() == [0.0]
    assert judgement.dice.tolist() == [1.0]
    assert len(judgement.slices) == 1


def test_diagonal_voxels_are_joined_in_a_slice() -> None:
    target = np.full(SHAPE, -1, np.int16)
    target[1] = 0
    target[1, 3, 3] = target[1, 4, 4] = 1
    found = np.where(target == 1, 1, 0)
    found[1, 3, 4] = 1
    judged = judge([Example("scan", np.zeros(SHAPE, np.float32), target)], [found], 1)
    assert judged.betti_error.tolist() == [0.0]


@pytest.mark.parametrize("axis", [0, 2])
def test_slices_are_found_across_the_axis_they_were_painted_on(axis: int) -> None:
    assert slice_axis(painted(axis=axis).target) == axis


def test_wanted_numbers_take_the_place_of_those_of_the_slices() -> None:
    case = painted()
    found = np.where(case.target == 1, 1, 0)
    assert judge([case], [found], 1, {1: (1, 1, 0)}).topological_error.tolist() == [0.0]
    assert judge([case], [found], 1, {1: (2, 0, 0)}).topological_error.tolist() == [2 / 3]
    in_parts = judge([case, case], [found, found], 1, {1: (2, 0, 0)})
    assert in_parts.topological_error.tolist() == [0.0]


def test_the_boxes_to_judge_lie_where_the_labels_are() -> None:
    target = np.full((40, 60, 60), -1, np.int16)
    target[20] = 0
    assert places_to_judge(target, (8, 80, 80), seed=0) == [
        (slice(17, 25), slice(0, 60), slice(0, 60))
    ]


def test_dice_alone_scores_unless_topology_is_given_a_weight() -> None:
    case = painted()
    found = np.zeros(SHAPE, np.int64)
    found[2, 4:12, 4:12] = 1
    judged = [judge([case], [found], 1)]
    alone, joined = (evaluation_of(judged, ("ring",), weight, {}) for weight in (0.0, 0.2))
    assert alone.score == alone.metrics["dice"]
    assert joined.score == pytest.approx(alone.score - 0.2 * 0.5)
    assert alone.metrics["betti error ring"] == alone.metrics["betti error"] == 1.0


def test_wanted_numbers_come_in_fours() -> None:
    config = FinetuneConfig.create(checkpoint="none", output="run", wanted=(1, 1, 0, 0, 2, 3, 4, 5))
    assert config.wanted_by_class == {1: (1, 0, 0), 2: (3, 4, 5)}
    with pytest.raises(InvalidConfig, match="four numbers"):
        FinetuneConfig.create(checkpoint="none", output="run", wanted=(1, 1, 0))


def test_the_batch_is_halved_before_the_crop_until_nothing_is_left() -> None:
    config = FinetuneConfig.create(checkpoint="none", output="run", batch=4)
    crop, multiple = (48, 48, 24), (12, 12, 12)
    assert smaller(config, crop, multiple) == {"batch": 2}
    config = config.model_copy(update={"batch": 1})
    assert smaller(config, crop, multiple) == {"crop": (24, 24, 24)}
    assert smaller(config, (24, 24, 24), multiple) == {}


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("CUDA error: out of memory"),
        MemoryError("Unable to allocate 9 GiB for an array"),
    ],
)
def test_every_kind_of_full_memory_is_explained(error: BaseException) -> None:
    with pytest.raises(OutOfMemory, match="smaller batch or crop"), memory_errors_explained():
        raise error


def test_other_errors_of_the_device_are_not_taken_for_a_full_memory() -> None:
    with pytest.raises(RuntimeError, match="illegal"), memory_errors_explained():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

"""Which model is chosen, what is said of it, and on how many voxels diagrams are computed."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from napari_toposeg.demo.analysis import MOST_VOXELS, bounded_copy, choose_model
from napari_toposeg.demo.pictures import busiest
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import misfit
from napari_toposeg.volume import Volume


def scan_of(modality: str) -> Volume:
    """Return a small scan of a kind."""
    return Volume(np.zeros((4, 4, 4)), np.eye(4), modality=modality)


def test_a_model_is_chosen_by_the_kind_of_scan(models: SimpleNamespace) -> None:
    assert choose_model("segment", scan_of("MR"), None).modality == "MR"
    assert choose_model("segment", scan_of("CT"), None).modality == "CT"
    assert choose_model("segment", scan_of("CT"), "segmenter-mr").name == "segmenter-mr"


def test_a_model_of_another_task_is_refused(models: SimpleNamespace) -> None:
    with pytest.raises(InvalidCheckpoint, match="to reconstruct, not to segment"):
        choose_model("segment", scan_of("CT"), "rebuilder")


def test_a_model_outside_of_its_kind_is_said_plainly(models: SimpleNamespace) -> None:
    card = choose_model("reconstruct", scan_of("MR"), "rebuilder")
    assert "outside of what it was trained for" in str(misfit(card, "MR"))
    assert misfit(card, "CT") is None


def test_diagrams_are_computed_on_bounded_copies() -> None:
    slab = Volume(np.zeros((16, 300, 300), np.float32), np.diag([-0.7, -0.7, 2.5, 1.0]))
    copy = bounded_copy(slab)
    assert copy.voxels.size <= MOST_VOXELS
    assert copy.shape[0] == slab.shape[0], "thick slices are kept, fine pixels are not"
    np.testing.assert_allclose(
        np.multiply(copy.shape, copy.spacing), np.multiply(slab.shape, slab.spacing), rtol=0.05
    )
    small = scan_of("CT")
    assert bounded_copy(small) is small


def test_slices_pass_through_what_was_found() -> None:
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[2, 3, 5] = 1
    assert busiest(replace(scan_of("label"), voxels=labels)) == (2, 3, 5)
    assert busiest(replace(scan_of("label"), voxels=0 * labels)) == (4, 4, 4)

"""What is known before a run: windows, memory, and whether a model fits a scan."""

from functools import partial

import pytest

from napari_toposeg.plugin.beforehand import (
    count_windows,
    expected_bytes,
    memory_text,
    model_shape,
    spacing_misfit,
    warnings,
)


@pytest.mark.parametrize("shape", [(36, 50, 20), (13, 36, 100), (5, 5, 5)])
def test_windows_that_keep_to_patches_are_counted_as_the_network_visits_them(shape):
    from napari_toposeg.learning.windows import places, strides

    crop, patch = (36, 36, 36), 6
    padded = tuple(size + -size % patch for size in shape)
    there = places(padded, crop, strides(crop, 0.5, multiple=patch))
    assert count_windows(shape, (3,) * 3, crop, (3,) * 3, 0.5, patch) == len(there)


def test_a_scan_is_as_large_at_the_models_spacing_as_it_is_in_mm():
    assert model_shape((16, 512, 512), (2.5, 0.7, 0.7), (3.0, 3.0, 3.0)) == (13, 119, 119)


def test_a_larger_scan_takes_more_memory(make_card):
    card = make_card()
    small, large = (expected_bytes((size,) * 3, (1.0,) * 3, card, channels=2) for size in (64, 256))
    assert large > small > 0
    assert memory_text(2.5 * 2**30) == "2.5 GB"
    assert memory_text(300 * 2**20) == "300 MB"


def test_voxels_much_larger_or_smaller_than_the_models_are_told():
    assert "interpolated" in spacing_misfit((1.0, 1.0, 1.0), (5.0, 1.0, 1.0))
    assert "does not see" in spacing_misfit((3.0, 3.0, 3.0), (2.5, 0.7, 0.7))
    assert spacing_misfit((1.0, 1.0, 1.0), (1.2, 0.8, 0.8)) == ""


def test_kind_and_voxel_size_are_both_told(make_card):
    told = warnings(make_card("vessels-ct"), "MR", (5.0, 1.0, 1.0))
    assert "trained on CT" in told[0] and "5 × 1 × 1 mm" in told[1]
    assert warnings(make_card(), "CT", (1.0, 1.0, 1.0)) == ()


def test_windows_are_counted_on_the_models_grid():
    count = partial(count_windows, crop=(48, 48, 48), model_spacing=(1, 1, 1))
    assert count((48, 48, 48), (1, 1, 1), overlap=0.5) == 1
    assert count((24, 48, 48), (2, 1, 1), overlap=0.5) == 1
    assert count((72, 48, 48), (1, 1, 1), overlap=0.5) == 2
    assert count((96, 96, 96), (1, 1, 1), overlap=0) == 8
    assert count((10, 10, 10), (1, 1, 1), overlap=0.5) == 1


@pytest.mark.parametrize("shape", [(24, 24, 24), (50, 35, 25), (15, 100, 48)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_windows_are_counted_as_the_network_visits_them(shape, overlap):
    import torch

    from napari_toposeg.learning.windows import slide, strides

    crop = (24, 18, 12)
    run = slide(
        torch.zeros((1, 1, *shape)),
        crop,
        lambda window: window,
        stride=strides(crop, overlap),
        message="segmenting",
    )
    assert count_windows(shape, (1, 1, 1), crop, (1, 1, 1), overlap) == len(list(run))

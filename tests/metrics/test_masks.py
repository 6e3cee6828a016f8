"""Metrics of two masks against their definitions, and against MONAI, scikit-image and scipy."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import hausdorff_distance

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.metrics import (
    assd,
    betti_errors,
    cldice,
    dice,
    hausdorff95,
    surface_dice,
)
from napari_toposeg.metrics.surface import surface, surface_distances
from napari_toposeg.topology import betti_numbers

SPACINGS = [(1.0, 1.0, 1.0), (2.5, 0.8, 1.1)]


def blobs(seed: int, shape=(14, 16, 18)) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.7)
    return field > np.quantile(field, 0.75)


def bar(length: int) -> np.ndarray:
    mask = np.zeros((7, 7, 24), bool)
    mask[2:5, 2:5, 2 : 2 + length] = True
    return mask


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    return blobs(0), blobs(0) ^ (blobs(1) & blobs(2))


def test_dice_of_half_an_overlap():
    assert dice([[1, 1, 0, 0]], [[0, 1, 1, 0]]) == 0.5
    assert dice([[1, 1]], [[1, 1]]) == 1
    assert dice([[1, 0]], [[0, 1]]) == 0


def test_dice_is_monais(pair):
    import torch
    from monai.metrics import compute_dice

    tensors = [torch.as_tensor(mask[None, None].astype(np.float32)) for mask in pair]
    assert dice(*pair) == pytest.approx(float(compute_dice(*tensors)), abs=1e-6)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@pytest.mark.parametrize("spacing", SPACINGS)
def test_surface_metrics_are_monais(pair, spacing):
    import torch
    from monai.metrics import (
        compute_average_surface_distance,
        compute_hausdorff_distance,
        compute_surface_dice,
    )

    a, b = (torch.as_tensor(mask[None, None].astype(np.float32)) for mask in pair)
    hd95 = compute_hausdorff_distance(a, b, percentile=95, spacing=spacing)
    assert hausdorff95(*pair, spacing) == pytest.approx(float(hd95), abs=1e-4)
    average = compute_average_surface_distance(a, b, symmetric=True, spacing=spacing)
    assert assd(*pair, spacing) == pytest.approx(float(average), abs=1e-4)
    for tolerance in (0.9, 2.0):
        share = compute_surface_dice(a, b, [tolerance], spacing=spacing)
        assert surface_dice(*pair, spacing, tolerance) == pytest.approx(float(share), abs=1e-6)


def test_largest_surface_distance_is_scikit_images(pair):
    distances = surface_distances(*pair, (1, 1, 1))
    expected = hausdorff_distance(surface(pair[0]), surface(pair[1]))
    assert max(map(np.max, distances)) == pytest.approx(expected)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_surface_distances_are_those_of_a_distance_transform(pair, spacing):
    to_truth, to_prediction = surface_distances(*pair, spacing)
    here, there = surface(pair[0]), surface(pair[1])
    transform = ndimage.distance_transform_edt(~there, sampling=spacing)
    assert to_truth == pytest.approx(transform[here])
    transform = ndimage.distance_transform_edt(~here, sampling=spacing)
    assert to_prediction == pytest.approx(transform[there])


def test_shift_by_two_slices_is_two_slices_in_mm():
    mask = np.zeros((12, 8, 8), bool)
    mask[2:6, 2:6, 2:6] = True
    shifted = np.roll(mask, 2, axis=0)
    assert hausdorff95(mask, shifted, (3.0, 1.0, 1.0)) == pytest.approx(6)
    assert surface_dice(mask, shifted, (3.0, 1.0, 1.0), 6.0) == 1
    assert surface_dice(mask, shifted, (3.0, 1.0, 1.0), 0.0) < 0.5


def test_hausdorff_is_symmetric_and_grows_with_the_error():
    values = [hausdorff95(bar(20), bar(20 - cut), (1, 1, 1)) for cut in range(0, 9, 2)]
    assert values[0] == 0
    assert np.all(np.diff(values) > 0)
    assert hausdorff95(bar(12), bar(20), (1, 1, 1)) == values[4]


def test_metrics_of_a_plane_are_those_of_its_one_slice():
    flat = [blobs(seed)[7] for seed in (0, 3)]
    deep = [mask[None] for mask in flat]
    assert dice(*flat) == dice(*deep)
    assert cldice(*flat) == pytest.approx(cldice(*flat))
    assert betti_errors(*flat) == betti_errors(*deep)


def test_cldice_counts_the_length_that_is_covered():
    whole, half = bar(20), bar(10)
    assert cldice(whole, whole) == 1
    assert cldice(half, whole) == pytest.approx(2 * 0.5 / 1.5, abs=0.06)
    thick = ndimage.binary_dilation(whole)
    assert cldice(thick, whole) > 0.9 > dice(thick, whole)


def test_betti_errors_are_absolute_differences():
    ring = np.zeros((7, 7, 7), bool)
    ring[3, 1:6, 1:6] = True
    ring[3, 3, 3] = False
    two = ring.copy()
    two[0, 0, 0] = True
    filled = ring.copy()
    filled[3, 3, 3] = True
    assert betti_errors(two, ring) == (1, 0, 0)
    assert betti_errors(filled, two) == betti_errors(two, filled) == (1, 1, 0)
    noise = np.random.default_rng(0).random((6, 6, 6)) < 0.4
    expected = np.abs(np.subtract(betti_numbers(noise, connectivity=6), (1, 1, 0)))
    assert betti_errors(noise, ring[:6, :6, :6] | ring[:6, :6, :6], 6) == tuple(expected)


def test_two_empty_masks_agree():
    empty = np.zeros((4, 5, 6))
    assert dice(empty, empty) == cldice(empty, empty) == 1
    assert hausdorff95(empty, empty, (1, 1, 1)) == assd(empty, empty, (1, 1, 1)) == 0
    assert surface_dice(empty, empty, (1, 1, 1), 1) == 1
    assert betti_errors(empty, empty) == (0, 0, 0)


@pytest.mark.parametrize("swap", [False, True])
def test_an_empty_and_a_filled_mask_do_not_agree(swap):
    pair = [np.zeros((4, 5, 6)), np.ones((4, 5, 6))][:: -1 if swap else 1]
    assert dice(*pair) == cldice(*pair) == 0
    assert hausdorff95(*pair, (1, 1, 1)) == assd(*pair, (1, 1, 1)) == np.inf
    assert surface_dice(*pair, (1, 1, 1), 100) == 0
    assert betti_errors(*pair) == (1, 0, 0)


def test_what_does_not_fit_is_refused():
    small, large = np.ones((2, 2, 2)), np.ones((2, 2, 3))
    for metric in (dice, cldice, betti_errors):
        with pytest.raises(ShapeMismatch, match="resample"):
            metric(small, large)
    for metric in (hausdorff95, assd):
        with pytest.raises(ShapeMismatch):
            metric(small, large, (1, 1, 1))
    with pytest.raises(InvalidConfig, match="spacing"):
        hausdorff95(small, small, (1, 1))
    with pytest.raises(InvalidConfig, match="tolerance"):
        surface_dice(small, small, (1, 1, 1), -1)

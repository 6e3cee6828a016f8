"""The two routes to Betti numbers, and defects against brute force, on real label maps."""

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from napari_toposeg.topology import betti_numbers, find_defects, persistence


@pytest.fixture
def masks(data_folder):
    """Hippocampi of four patients, as masks."""
    files = sorted((data_folder / "hippocampus").rglob("*label*/*.nii.gz"))[:4]
    if not files:
        pytest.skip("the hippocampus label maps are not in NAPARI_TOPOSEG_DATA")
    return [np.asarray(nib.load(file).dataobj).T > 0 for file in files]


@pytest.mark.parametrize(("connectivity", "construction"), [(26, "T"), (6, "V")])
def test_labelling_and_persistence_agree(masks, connectivity, construction):
    for mask in masks:
        padded = np.pad(mask, 1)
        bars = persistence(padded, superlevel=True, construction=construction)
        alive = (bars.birth == 1) & (bars.death < 1)
        counts = np.bincount(bars.dimension[alive], minlength=3)
        assert betti_numbers(mask, connectivity=connectivity) == tuple(counts)


def test_defects_are_those_found_by_flipping(masks):
    random = np.random.default_rng(0)
    truth = masks[0]
    rough = ndimage.gaussian_filter(random.standard_normal(truth.shape), 1)
    outline = ndimage.binary_dilation(truth) ^ ndimage.binary_erosion(truth, iterations=2)
    prediction = truth ^ (outline & (rough > np.quantile(rough, 0.8)))
    defects = find_defects(prediction, truth)
    assert defects.is_critical.sum() > 3
    before = betti_numbers(prediction)
    for number, change in enumerate(defects.change.tolist(), start=1):
        after = betti_numbers(prediction ^ (defects.labels == number))
        assert np.subtract(after, before).tolist() == change

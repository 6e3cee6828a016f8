"""Metrics of real label maps against MONAI's and scikit-image's, with voxels of unequal edges."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import hausdorff_distance
from skimage.morphology import skeletonize

from napari_toposeg.io import list_cases, read_volume
from napari_toposeg.metrics import (
    CATALOGUE,
    cldice,
    defect_counts,
    dice,
    measure_case,
    measure_exactness,
)
from napari_toposeg.metrics.surface import surface
from napari_toposeg.topology import largest_and_filled
from napari_toposeg.volume import Volume

SPACING = (3.0, 0.7, 1.2)
AFFINE = np.diag([*SPACING[::-1], 1.0])


@pytest.fixture(scope="module")
def pairs(data_folder):
    """Return label maps of three patients, each with one whose classes are blurred by noise."""
    files = list(list_cases(data_folder / "hippocampus" / "labels").values())[:3]
    random = np.random.default_rng(0)
    pairs = []
    for file in files:
        truth = read_volume(file, modality="label").voxels.astype(np.uint8)
        maps = [
            ndimage.gaussian_filter((truth == label) + random.normal(0, 1.0, truth.shape), 1)
            for label in range(3)
        ]
        pairs.append((np.argmax(maps, axis=0).astype(np.uint8), truth))
    return pairs


def as_volumes(pair):
    return [Volume(voxels, AFFINE, modality="label") for voxels in pair]


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
def test_overlap_and_surfaces_are_monais(pairs):
    import torch
    from monai.metrics import (
        compute_average_surface_distance,
        compute_dice,
        compute_hausdorff_distance,
        compute_surface_dice,
    )

    for pair in pairs:
        ours = measure_case(*as_volumes(pair), tolerance=1.5, parts=("dice", "surface"))
        a, b = (
            torch.as_tensor(np.stack([labels == label for label in range(3)]))[None].float()
            for labels in pair
        )
        theirs = {
            "dice": compute_dice(a, b, include_background=False),
            "hausdorff95": compute_hausdorff_distance(a, b, percentile=95, spacing=SPACING),
            "assd": compute_average_surface_distance(a, b, symmetric=True, spacing=SPACING),
            "surface_dice": compute_surface_dice(a, b, [1.5, 1.5], spacing=SPACING),
        }
        for number, measured in enumerate(ours.values()):
            for name, values in theirs.items():
                assert measured[name] == pytest.approx(float(values[0, number]), abs=2e-4), name


def test_largest_distance_and_skeletons_are_scikit_images(pairs):
    for found, truth in pairs:
        a, b = found == 1, truth == 1
        measured = measure_case(*(Volume(m.astype(np.uint8), np.eye(4)) for m in (a, b)))["1"]
        assert measured["hausdorff95"] <= hausdorff_distance(surface(a), surface(b))
        precision = (skeletonize(a) > 0)[b].sum() / (skeletonize(a) > 0).sum()
        recall = (skeletonize(b) > 0)[a].sum() / (skeletonize(b) > 0).sum()
        assert cldice(a, b) == pytest.approx(2 * precision * recall / (precision + recall))


def test_empty_masks_are_monais_where_it_says_a_number():
    import torch
    from monai.metrics import compute_dice

    empty, full = np.zeros((4, 4, 4)), np.ones((4, 4, 4))
    for pair in ((empty, empty), (empty, full), (full, empty)):
        a, b = (torch.as_tensor(mask)[None, None] for mask in pair)
        assert dice(*pair) == float(compute_dice(a, b, ignore_empty=False))


def test_the_plain_repair_leaves_no_spurious_piece(pairs):
    before, after = (
        [defect_counts(mend(found) == 1, truth == 1)["spurious"] for found, truth in pairs]
        for mend in (np.asarray, largest_and_filled)
    )
    assert sum(before) > 0 == sum(after)


def test_a_truth_against_itself_is_perfect_in_every_metric(pairs):
    for _, truth in pairs:
        same = as_volumes((truth, truth))
        for measured in measure_case(*same).values():
            best = {m.name: float(m.higher_is_better) for m in CATALOGUE}
            assert measured == best
        assert measure_exactness(*same) == 1


def test_mirroring_a_case_changes_no_metric_but_the_skeletons(pairs):
    """Thinning visits voxels in an order, so that skeletons are not mirror images."""
    parts = ("dice", "surface", "betti", "defects")
    for pair in pairs:
        mirrored = tuple(labels[:, ::-1, ::-1].copy() for labels in pair)
        first, second = (measure_case(*as_volumes(each), parts=parts) for each in (pair, mirrored))
        for label, measured in first.items():
            assert second[label] == pytest.approx(measured)

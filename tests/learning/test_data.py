import numpy as np
import pytest
import torch

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.learning.augment import Augmentation
from napari_toposeg.learning.baselines import interpolated, mean_error
from napari_toposeg.learning.cases import Case, read_labelled, target_of
from napari_toposeg.learning.crops import axes_of, crop_at, draw_labelled, draw_unlabelled
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.losses.overlap import IGNORED
from napari_toposeg.learning.model_grid import prepare_case
from napari_toposeg.learning.normalisation import Normalisation, normalisation_for
from napari_toposeg.learning.phantom_cases import phantom_case
from napari_toposeg.volume import Volume


def numbered(shape=(5, 6, 7)) -> Example:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Example("numbered", values, (values.astype(np.int16) % 3))


def test_ct_keeps_its_absolute_scale():
    scale = normalisation_for(np.array([-3000.0, 0.0, 500.0]), "CT")
    np.testing.assert_allclose(scale.apply(np.array([-1000.0, 0.0, 1000.0])), [0.0, 0.5, 1.0])


def test_normalisation_is_undone_within_its_range():
    scale = Normalisation(-50.0, 70.0)
    values = np.linspace(-50, 70, 9, dtype=np.float32)
    np.testing.assert_allclose(scale.invert(scale.apply(values)), values, atol=1e-4)


def test_a_constant_mr_image_becomes_zero():
    voxels = np.full((2, 2, 2), 7.0)
    assert normalisation_for(voxels, "MR").apply(voxels).max() == 0.0


def test_a_crop_that_reaches_beyond_the_volume_is_padded_and_unlabelled_there():
    crop = crop_at(numbered(), (-1, 0, 4), (4, 4, 4))
    assert not crop.inside[0].any()
    assert crop.inside[1:, :, :3].all()
    assert not crop.inside[:, :, 3].any()
    assert (crop.target[~crop.inside] == IGNORED).all()
    assert crop.image[1, 0, 0] == numbered().image[0, 0, 4]


def test_labelled_crops_hold_labelled_voxels():
    target = np.full((30, 30, 30), IGNORED, np.int16)
    target[20, 5:9, 5:9] = 1
    example = Example("one slice", np.zeros((30, 30, 30), np.float32), target)
    for seed in range(20):
        crop = draw_labelled(example, (12, 12, 12), np.random.default_rng(seed), flips=(0, 1, 2))
        assert (crop.target == 1).any()


def test_unlabelled_crops_avoid_air():
    image = np.zeros((40, 12, 12), np.float32)
    image[30:] = np.random.default_rng(0).random((10, 12, 12))
    crops = [
        draw_unlabelled(Example("lung", image), (12, 12, 12), np.random.default_rng(s))
        for s in range(30)
    ]
    assert np.mean([crop.image.std() > 0.02 for crop in crops]) > 0.7


def test_crops_are_mirrored_along_the_axes_named():
    example = Example("scan", np.random.default_rng(0).random((20, 20, 20), np.float32))
    sides = [
        np.sign(
            np.diag(
                draw_unlabelled(example, (8, 8, 8), np.random.default_rng(s), flips=flips).place[
                    :, :3
                ]
            )
        )
        for flips in ((), axes_of("yx"))
        for s in range(40)
    ]
    upright, mirrored = np.array(sides[:40]), np.array(sides[40:])
    assert (upright == 1).all() and (mirrored[:, 0] == 1).all()
    assert len(np.unique(mirrored, axis=0)) == 4


def test_annotation_zero_is_unlabelled_and_255_is_background(scan):
    labels = np.zeros(scan.shape, np.uint8)
    labels[3, :4], labels[3, 4:] = 255, 2
    target = target_of(Case("slice", scan, scan.with_voxels(labels), annotated=True))
    assert set(np.unique(target[3])) == {0, 2}
    assert (np.delete(target, 3, axis=0) == IGNORED).all()


def test_image_and_labels_of_other_shape_are_refused(scan):
    labels = Volume(np.zeros((3, 3, 3), np.uint8), np.eye(4))
    with pytest.raises(ShapeMismatch, match=r"case 'odd'.*resample"):
        prepare_case(Case("odd", scan, labels), (2.0, 2.0, 2.0))


def test_a_named_case_without_labels_is_an_error(scans):
    with pytest.raises(InvalidConfig, match="lack an image or labels"):
        read_labelled(scans, scans, ["scan", "absent"], "train")


def test_phantom_cases_are_the_same_for_the_same_seed():
    first, again = (phantom_case(5, (2.0, 2.0, 2.0), "train") for _ in range(2))
    np.testing.assert_array_equal(first.image.voxels, again.image.voxels)


def test_harmonic_fill_restores_a_ramp():
    ramp = torch.linspace(0, 1, 24)[None, None, None, None].expand(1, 1, 24, 24, 24).contiguous()
    hidden = torch.zeros_like(ramp, dtype=torch.bool)
    hidden[..., 8:16, 8:16, 8:16] = True
    assert (interpolated(ramp, hidden) - ramp)[hidden].abs().max() < 0.03


def test_mean_error_is_the_variance_about_the_visible_mean():
    image = torch.tensor([0.0, 0.0, 1.0, 3.0]).view(1, 1, 1, 1, 4).repeat(1, 1, 2, 2, 1)
    hidden = torch.tensor([[False, True]])
    assert mean_error(image, torch.ones_like(image, dtype=torch.bool), hidden, 2) == 5.0


def test_augmentation_of_share_zero_changes_nothing():
    image, target = torch.rand(2, 1, 8, 9, 10), torch.randint(0, 3, (2, 8, 9, 10))
    augmentation = Augmentation(share=0.0)
    turns = augmentation.draw_turns(0, 1, range(2), image.shape[2:])
    turned, labels = augmentation.turn(image, target, turns)
    changed = augmentation.relight(turned, 0, 1, range(2))
    torch.testing.assert_close(changed, image, atol=1e-5, rtol=0)
    assert torch.equal(labels, target)


def test_turned_labels_stay_on_the_turned_image():
    image = torch.zeros(4, 1, 20, 24, 28)
    image[:, :, 6:14, 8:18, 9:20] = 1.0
    augmentation = Augmentation(share=1.0)
    turns = augmentation.draw_turns(2, 1, range(4), image.shape[2:])
    turned, labels = augmentation.turn(image, image[:, 0].long(), turns)
    assert not torch.equal(labels, image[:, 0].long())
    known = labels != IGNORED
    assert ((turned[:, 0] > 0.5) == (labels == 1))[known].float().mean() > 0.97

"""Volume <-> layer: nothing moves, whatever the grid."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from napari.layers import Image, Labels, Layer

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.canvas.contrast import contrast_limits
from napari_toposeg.plugin.canvas.layers import (
    KEY,
    data_to_volume,
    is_image,
    label_voxels,
    layer_to_volume,
    same_grid,
    volume_to_layer_data,
)
from napari_toposeg.plugin.canvas.placing import placement, upright_affine
from napari_toposeg.volume import Volume, from_file_order, to_file_order

ORIENTATIONS = [
    "".join(pair[sign] for pair, sign in zip(axes, signs, strict=True))
    for axes in permutations(("RL", "AP", "SI"))
    for signs in product((0, 1), repeat=3)
]


def stored_as(codes: str) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine of a file with these axis codes and another spacing along each axis."""
    affine = np.zeros((4, 4))
    affine[:, 3] = 7, -11, 13, 1
    for axis, (world, sign) in enumerate(nib.orientations.axcodes2ornt(codes)):
        affine[int(world), axis] = sign * (0.5, 1.25, 3.0)[axis]
    return np.arange(60, dtype=np.int16).reshape(3, 4, 5), affine


def layer_of(volume: Volume, kind: str = "image") -> Layer:
    return Layer.create(*volume_to_layer_data(volume, kind))


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_every_orientation_comes_back_with_the_same_voxels_at_the_same_millimetres(codes):
    voxels, affine = stored_as(codes)
    volume = from_file_order(voxels, affine)
    back, back_affine = to_file_order(layer_to_volume(layer_of(volume)))
    np.testing.assert_array_equal(back, voxels)
    np.testing.assert_allclose(back_affine, affine, atol=1e-9)


@pytest.mark.parametrize("codes", ORIENTATIONS[::7])
def test_a_voxel_is_drawn_where_it_lies_in_the_patient(codes):
    volume = from_file_order(*stored_as(codes))
    layer = layer_of(volume)
    index = (1, 2, 1)
    right, anterior, superior = nib.affines.apply_affine(volume.affine, index[::-1])
    np.testing.assert_allclose(layer.data_to_world(index), (superior, -anterior, -right))


def test_an_oblique_grid_keeps_its_affine_and_is_drawn_about_its_centre(oblique):
    layer = layer_of(oblique)
    assert oblique.obliquity == pytest.approx(20, abs=0.1)
    np.testing.assert_array_equal(layer_to_volume(layer).affine, oblique.affine)
    middle = (np.array(oblique.shape) - 1) / 2
    right, anterior, superior = nib.affines.apply_affine(oblique.affine, middle[::-1])
    np.testing.assert_allclose(layer.data_to_world(middle), (superior, -anterior, -right))


def test_layers_are_in_millimetres_along_named_axes(ct):
    for kind in ("image", "labels", "probability", "residual"):
        layer = layer_of(Volume(np.ones((2, 3, 4), np.uint8), ct.affine), kind)
        assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
        assert tuple(layer.axis_labels) == ("z", "y", "x")
        np.testing.assert_allclose(layer.scale, (4, 1.5, 1.5))


def test_metadata_holds_geometry_and_nothing_else(ct):
    layer = layer_of(ct)
    assert set(layer.metadata) == {KEY}
    assert set(layer.metadata[KEY]) == {"affine", "orientation", "modality", "name", "notes"}


def test_a_layer_that_was_given_another_scale_is_taken_as_it_is_shown(oblique):
    layer = layer_of(oblique)
    layer.scale = (2, 2, 2)
    volume = layer_to_volume(layer)
    assert volume.spacing == pytest.approx((2, 2, 2))
    assert volume.obliquity == pytest.approx(0, abs=1e-6)


def test_a_plain_layer_lies_along_the_patients_axes():
    volume = layer_to_volume(Image(np.zeros((2, 3, 4)), scale=(3, 2, 1), translate=(10, 20, 30)))
    assert volume.spacing == (3, 2, 1)
    assert nib.aff2axcodes(volume.affine) == ("L", "P", "S")
    np.testing.assert_allclose(volume.affine[:3, 3], (-30, -20, 10))


def test_labels_painted_over_an_oblique_scan_are_as_oblique(oblique):
    scan = layer_of(oblique)
    painted = Labels(np.zeros(oblique.shape, int), scale=scan.scale, translate=scan.translate)
    assert same_grid(painted, scan)
    volume = layer_to_volume(painted, like=scan)
    np.testing.assert_array_equal(volume.affine, oblique.affine)
    assert volume.orientation == oblique.orientation
    assert volume.modality == "label"


def test_a_scan_elsewhere_lends_no_affine(oblique):
    scan = layer_of(oblique)
    painted = Labels(np.zeros(oblique.shape, int), scale=scan.scale)
    assert layer_to_volume(painted, like=scan).obliquity == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("unit", "spacing"), [("um", 0.001), ("cm", 10.0), ("mm", 1.0), ("pixel", 1.0)]
)
def test_other_units_become_millimetres(unit, spacing):
    layer = Image(np.zeros((2, 2, 2)), units=(unit,) * 3)
    assert layer_to_volume(layer).spacing == pytest.approx((spacing,) * 3)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Image(np.zeros((4, 5))), "2 axes"),
        (Image(np.zeros((2, 3, 4, 5))), "4 axes"),
        (Image(np.zeros((4, 5, 6, 3), np.uint8), rgb=True), "colours"),
        (Image(np.zeros((2, 3, 4)), rotate=(0, 0, 30)), "rotated"),
        (Image(np.zeros((2, 3, 4)), affine=np.diag([2.0, 1, 1, 1])), "affine"),
    ],
)
def test_what_is_not_one_upright_volume_is_refused_with_a_reason(layer, words):
    with pytest.raises(InvalidVolume, match=words):
        layer_to_volume(layer)


def test_only_scalar_volumes_are_offered_as_scans():
    assert is_image(Image(np.zeros((2, 3, 4))))
    assert not is_image(Image(np.zeros((3, 4))))
    assert not is_image(Image(np.zeros((4, 5, 6, 3), np.uint8), rgb=True))
    assert not is_image(Labels(np.zeros((2, 3, 4), int)))


def test_whole_floats_become_labels_and_fractions_do_not():
    assert label_voxels(np.array([0.0, 2.0])).dtype == np.int32
    assert label_voxels(np.array([True])).dtype == np.uint8
    with pytest.raises(InvalidVolume, match="fractions"):
        label_voxels(np.array([0.5]))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("label", [-(2.0**31), 2.0**31 - 128, 2.0**31, 3e9, -3e9, 2.0**62])
def test_large_float_labels_stay_what_they_are(kind, label):
    labels = label_voxels(np.array([0, label], kind))
    assert labels.dtype == (np.int32 if -(2**31) <= label < 2**31 else np.int64)
    assert labels.tolist() == [0, int(label)]


@pytest.mark.parametrize("label", [2.0**63, -(2.0**64), np.inf])
def test_float_labels_that_no_whole_number_holds_are_refused(label):
    with pytest.raises(InvalidVolume, match="64 bits"):
        label_voxels(np.array([0, label]))


def test_ct_is_shown_in_a_window_that_suits_it(ct):
    assert contrast_limits(ct) == (-160.0, 240.0)
    lungs = ct.with_voxels(np.full(ct.shape, -850, np.int16))
    assert contrast_limits(lungs) == (-1350.0, 150.0)


def test_a_constant_volume_still_has_two_contrast_limits(ct):
    low, high = contrast_limits(ct.with_voxels(np.full(ct.shape, 7.0), modality="MR"))
    assert low < high


def test_upright_affine_and_placement_are_inverse():
    affine = upright_affine((3, 2, 1), (10, 20, 30))
    np.testing.assert_allclose(placement(affine, (5, 6, 7)), (10, 20, 30))


def test_a_writers_tuple_is_understood(oblique):
    data, attributes, _ = layer_of(oblique).as_layer_data_tuple()
    np.testing.assert_array_equal(
        data_to_volume(data, attributes, labels=False).affine, oblique.affine
    )

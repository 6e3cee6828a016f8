"""Regions: what is cut out lies where it lay."""

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.canvas.regions import box_region, crop_volume, view_region


def test_a_cut_out_part_keeps_its_place_in_the_patient(oblique):
    part = crop_volume(oblique, (slice(2, 8), slice(3, 9), slice(1, 5)))
    assert part.shape == (6, 6, 4)
    np.testing.assert_array_equal(part.voxels[0, 0, 0], oblique.voxels[2, 3, 1])
    np.testing.assert_allclose(
        nib.affines.apply_affine(part.affine, (0, 0, 0)),
        nib.affines.apply_affine(oblique.affine, (1, 3, 2)),
    )


def test_a_box_is_as_long_in_mm_along_every_axis(viewer_model, ct):
    layer = add_volume(viewer_model, ct, "image")
    point = layer.data_to_world((5, 6, 7))
    viewer_model.dims.set_point(range(3), point)
    viewer_model.scene.camera.center = point
    z, y, x = box_region(viewer_model, layer, 12)
    assert (z.stop - z.start) * 4 == 12
    assert (y.stop - y.start) * 1.5 == 12
    assert z.start <= 5 < z.stop
    assert y.start <= 6 < y.stop
    assert x.start <= 7 < x.stop


def test_a_box_is_cut_at_the_border(viewer_model, ct):
    layer = add_volume(viewer_model, ct, "image")
    point = layer.data_to_world((0, 0, 0))
    viewer_model.dims.set_point(range(3), point)
    viewer_model.scene.camera.center = point
    assert all(axis.start == 0 for axis in box_region(viewer_model, layer, 12))


def test_a_box_outside_of_the_image_is_an_error(viewer_model, ct):
    layer = add_volume(viewer_model, ct, "image")
    viewer_model.scene.camera.center = (0, 1e5, 1e5)
    with pytest.raises(InvalidVolume, match="outside"):
        box_region(viewer_model, layer, 12)


def test_the_view_is_cut_along_the_axes_that_are_seen(viewer_model, ct):
    layer = add_volume(viewer_model, ct, "image")
    layer.corner_pixels = np.array([[5, 2, 3], [5, 7, 9]])
    assert view_region(viewer_model, layer) == (slice(0, 10), slice(2, 8), slice(3, 10))
    viewer_model.dims.ndisplay = 3
    assert view_region(viewer_model, layer) == (slice(0, 10), slice(0, 12), slice(0, 14))


def test_what_is_seen_of_a_pyramid_is_told_in_its_finest_voxels(viewer_model):
    scan = np.zeros((10, 40, 60), np.float32)
    layer = viewer_model.add_image([scan, scan[:, ::2, ::2]], multiscale=True)
    layer.data_level, layer.corner_pixels = 1, np.array([[5, 2, 3], [5, 7, 29]])
    assert view_region(viewer_model, layer) == (slice(0, 10), slice(4, 16), slice(6, 60))


def test_a_pyramid_is_a_scan_like_any_other(dock):
    """As OME-Zarr readers give it."""
    scan = np.random.default_rng(0).normal(size=(10, 24, 28)).astype(np.float32)
    layer = dock.session.viewer.add_image(
        [scan, scan[:, ::2, ::2]], multiscale=True, units=("mm",) * 3
    )
    assert dock.session.image_layer == layer
    for name in ("Reconstruct", "Segment", "Topology", "Fine-tune", "Case"):
        dock.show_tab(name)
    assert dock.case.shape.text().startswith("10 × 24 × 28 voxels")
    np.testing.assert_array_equal(dock.session.volume_of(layer).voxels, scan)


def test_a_region_becomes_a_layer_and_is_chosen(dock, oblique, qtbot):
    scan = add_volume(dock.session.viewer, oblique, "image")
    scan.corner_pixels = np.array([[0, 2, 3], [0, 7, 8]])
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.case.crop_button.click()
    cut = dock.session.image_layer
    assert cut != scan
    assert cut.data.shape == (oblique.shape[0], 6, 6)
    np.testing.assert_allclose(
        layer_to_volume(cut).affine,
        crop_volume(oblique, (slice(0, 10), slice(2, 8), slice(3, 9))).affine,
    )

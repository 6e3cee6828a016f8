"""Planes and linked views, on viewers without a window."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.linked_view import CROSS, LinkedView
from napari_toposeg.plugin.canvas.planes import next_plane, plane_of, set_plane


@pytest.fixture
def scan(viewer_model, ct):
    return add_volume(viewer_model, ct, "image")


@pytest.fixture
def coronal(viewer_model, scan):
    view = LinkedView(viewer_model, "coronal")
    yield view
    view.close()


def layer_names(view):
    return [layer.name for layer in view.model.layers if layer.name != CROSS]


def test_the_three_planes_follow_each_other_through_one_point(viewer_model, scan):
    world = scan.data_to_world((4, 5, 6))
    viewer_model.dims.set_point(range(3), world)
    seen = []
    for _ in range(4):
        seen.append(plane_of(viewer_model))
        next_plane(viewer_model)
        np.testing.assert_allclose(viewer_model.dims.point, world)
    assert seen == ["axial", "coronal", "sagittal", "axial"]


@pytest.mark.parametrize(
    ("plane", "rows", "up"), [("axial", 1, "down"), ("coronal", 0, "up"), ("sagittal", 0, "up")]
)
def test_the_head_is_up_and_the_front_is_up_or_left(viewer_model, scan, plane, rows, up):
    """Rows of a coronal or sagittal slice run along z, which grows to the head."""
    set_plane(viewer_model, plane)
    assert viewer_model.dims.displayed[0] == rows
    assert viewer_model.scene.camera.orientation2d == (up, "right")


def test_3d_is_no_plane(viewer_model, scan):
    viewer_model.dims.ndisplay = 3
    assert plane_of(viewer_model) is None


def test_a_linked_view_shares_the_voxels(coronal, scan):
    (copy,) = (layer for layer in coronal.model.layers if layer.name != CROSS)
    assert copy.data is scan.data
    assert coronal.model.dims.order == (1, 0, 2)


def test_a_linked_view_follows_the_point_and_leads_it(coronal, viewer_model, scan):
    world = np.asarray(scan.data_to_world((2, 7, 3)))
    viewer_model.dims.set_point(range(3), world)
    np.testing.assert_allclose(coronal.model.dims.point, world)
    other = np.asarray(scan.data_to_world((2, 4, 3)))
    coronal.model.dims.set_point(1, other[1])
    np.testing.assert_allclose(viewer_model.dims.point, other)


def test_its_slider_has_as_many_steps_as_the_scan_has_slices(coronal, scan):
    assert coronal.model.dims.nsteps == scan.data.shape


def test_what_a_click_leads_to_is_in_the_middle_of_the_window(coronal, viewer_model, scan):
    world = np.asarray(scan.data_to_world((3, 8, 9)))
    coronal.go_to(world)
    np.testing.assert_allclose(viewer_model.dims.point, world)
    np.testing.assert_allclose(viewer_model.scene.camera.center[-2:], world[1:])


def test_contrast_and_visibility_are_followed(coronal, scan):
    (copy,) = (layer for layer in coronal.model.layers if layer.name != CROSS)
    scan.contrast_limits = (-450, 1050)
    scan.visible = False
    assert tuple(copy.contrast_limits) == (-450, 1050)
    assert not copy.visible


def test_a_stroke_is_seen_in_the_linked_view(coronal, viewer_model, scan):
    labels = viewer_model.add_labels(
        np.zeros(scan.data.shape, np.uint8), scale=scan.scale, translate=scan.translate
    )
    (copy,) = (layer for layer in coronal.model.layers if layer.name == labels.name)
    viewer_model.dims.set_point(range(3), scan.data_to_world((3, 8, 9)))
    labels.paint((3, 8, 9), 1)
    coronal.refresh()
    assert copy.data is labels.data
    assert (np.asarray(copy._slice.image.raw) == 1).any()


def test_points_are_followed(coronal, viewer_model, scan):
    points = viewer_model.add_points(
        np.array([[1.0, 2, 3]]), scale=scan.scale, translate=scan.translate, name="marks"
    )
    (copy,) = (layer for layer in coronal.model.layers if layer.name == "marks")
    points.data = np.array([[4.0, 5, 6], [1, 1, 1]])
    np.testing.assert_allclose(copy.data, points.data)


def test_layers_that_come_go_and_change_places_are_followed(coronal, viewer_model, scan, oblique):
    other = add_volume(viewer_model, oblique, "image")
    assert layer_names(coronal) == ["thorax", "oblique"]
    viewer_model.layers.move(1, 0)
    assert layer_names(coronal) == ["oblique", "thorax"]
    viewer_model.layers.remove(other)
    assert layer_names(coronal) == ["thorax"]
    viewer_model.layers.clear()
    assert layer_names(coronal) == []


def test_a_closed_view_follows_nothing_and_leaves_no_callback(viewer_model, scan):
    def callbacks():
        emitters = (
            viewer_model.layers.events.inserted,
            viewer_model.dims.events.point,
            scan.events.contrast_limits,
            scan.events.data,
            scan.events.set_data,
        )
        return [len(emitter.callbacks) for emitter in emitters]

    before = callbacks()
    view = LinkedView(viewer_model, "sagittal")
    assert callbacks() != before
    view.close()
    assert callbacks() == before
    assert len(view.model.layers) == 0


def test_an_empty_viewer_has_empty_views():
    view = LinkedView(ViewerModel(), "sagittal")
    assert len(view.model.layers) == 0
    view.close()

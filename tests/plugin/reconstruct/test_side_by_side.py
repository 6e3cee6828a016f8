"""Layers side by side: linked while it lasts, and everything as before afterwards."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.plugin.reconstruct.side_by_side import SideBySide, columns


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def layers(viewer):
    names = ("scan", "hidden", "rebuilt", "residual", "labels")
    images = [viewer.add_image(np.ones((4, 5, 6)), name=name) for name in names[:4]]
    images[3].visible = False
    return [*images, viewer.add_labels(np.ones((4, 5, 6), int), name=names[4])]


def test_only_these_layers_are_shown_each_in_its_own_field(viewer, layers):
    SideBySide(viewer).show(layers[:3], layers[3:4])
    assert [layer.visible for layer in layers] == [True] * 4 + [False]
    assert viewer.canvas.grid.enabled
    assert viewer.canvas.grid.actual_shape(viewer.layers) == (2, 2)


def test_contrast_goes_together_where_layers_show_one_quantity(viewer, layers):
    grid = SideBySide(viewer)
    grid.show(layers[:3], layers[3:4])
    layers[1].contrast_limits = (0.25, 0.75)
    assert tuple(layers[0].contrast_limits) == tuple(layers[2].contrast_limits) == (0.25, 0.75)
    assert tuple(layers[3].contrast_limits) != (0.25, 0.75)
    layers[3].opacity = 0.5
    assert [layer.opacity for layer in layers[:4]] == [0.5] * 4
    grid.end()
    layers[1].contrast_limits = (0.1, 0.2)
    assert tuple(layers[0].contrast_limits) == (0.25, 0.75)


def test_ending_puts_back_what_was_visible_and_the_grid(viewer, layers):
    viewer.canvas.grid.stride = 2
    zoom = viewer.scene.camera.zoom
    grid = SideBySide(viewer)
    grid.show(layers[:3], layers[3:4])
    assert viewer.scene.camera.zoom == pytest.approx(zoom / 2)
    grid.end()
    assert [layer.visible for layer in layers] == [True, True, True, False, True]
    assert not viewer.canvas.grid.enabled
    assert viewer.canvas.grid.stride == 2
    assert viewer.scene.camera.zoom == pytest.approx(zoom)


def test_a_layer_removed_meanwhile_is_no_error(viewer, layers):
    grid = SideBySide(viewer)
    grid.show(layers[:3], layers[3:4])
    viewer.layers.remove(layers[1])
    grid.end()
    assert [layer.visible for layer in viewer.layers] == [True, True, False, True]
    layers[0].contrast_limits = (0.1, 0.2)
    assert not grid.on


def test_showing_twice_remembers_the_first_state(viewer, layers):
    grid = SideBySide(viewer)
    grid.show(layers[:2])
    grid.show(layers[:3], layers[3:4])
    grid.end()
    assert [layer.visible for layer in layers] == [True, True, True, False, True]


def test_links_of_a_person_stay(viewer, layers):
    from napari.experimental import link_layers

    link_layers([layers[0], layers[4]], ["opacity"])
    grid = SideBySide(viewer)
    grid.show(layers[:3])
    grid.end()
    layers[0].opacity = 0.3
    assert layers[4].opacity == pytest.approx(0.3)


def test_four_fields_are_two_columns():
    assert [columns(count) for count in (1, 2, 3, 4, 5)] == [1, 2, 2, 2, 3]

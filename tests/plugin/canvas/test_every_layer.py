"""Units, scale and place of every layer that the plugin adds."""

import ast
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel

from napari_toposeg import plugin
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import (
    DEFECTS,
    EDITS,
    PAIR,
    mark_here,
    points_on,
    show_codes,
)
from napari_toposeg.plugin.canvas.regions import draw_region
from napari_toposeg.plugin.canvas.saving import save_layer
from napari_toposeg.plugin.finetune.annotate.annotation_layer import new_annotation
from napari_toposeg.volume import from_file_order

PLUGIN = Path(plugin.__file__).parent
NEEDED = {"scale", "translate", "units", "axis_labels"}
KINDS = ("image", "labels", "points", "shapes", "vectors", "surface", "tracks")


def calls():
    """Every call in the plugin that adds a layer, with the names of what it is given."""
    for path in sorted(PLUGIN.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {f"add_{kind}" for kind in KINDS}
            ):
                place = f"{path.relative_to(PLUGIN).as_posix()}:{node.lineno}"
                names = {word.arg for word in node.keywords if word.arg}
                rest = [ast.unparse(word.value) for word in node.keywords if word.arg is None]
                yield pytest.param(names, rest, id=place)


@pytest.mark.parametrize(("names", "rest"), list(calls()))
def test_a_layer_is_added_with_units_scale_and_place(names, rest):
    """By name, or by `place_of` another layer, or by attributes that hold them all."""
    whole = any(word.startswith("place_of(") or word == "attributes" for word in rest)
    assert whole or names >= NEEDED


def test_the_calls_are_found():
    assert len(list(calls())) >= 8


@pytest.mark.parametrize("unit", ["mm", "um"])
def test_marks_lie_on_the_grid_of_their_layer(unit, ct):
    viewer = ViewerModel()
    scan = add_volume(viewer, ct, "image", units=(unit,) * 3)
    codes = np.zeros(ct.shape, np.uint8)
    made = [
        new_annotation(viewer, scan, ("vessel",)),
        points_on(viewer, scan, PAIR, "pair"),
        mark_here(viewer, scan, (1, 2, 3), "split", "here"),
        show_codes(viewer, scan, DEFECTS, codes, {"split": "#ff0000"}, "defect"),
        show_codes(viewer, scan, EDITS, codes, {"add": "#00ff00"}, "edit"),
        draw_region(viewer, scan),
    ]
    for layer in made:
        assert tuple(layer.units) == tuple(scan.units), layer.name
        assert tuple(layer.axis_labels) == ("z", "y", "x"), layer.name
        np.testing.assert_allclose(layer.scale, scan.scale)
        np.testing.assert_allclose(layer.translate, scan.translate)
    assert viewer.layers.extent.units == scan.units


def turned(angles, spacing, flips, order):
    """An affine with any rotation, spacing, flips and order of axes."""
    a, b, c = angles
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    about_y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    about_z = [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]
    affine = np.eye(4)
    rotation = np.array(about_x) @ about_y @ about_z
    affine[:3, :3] = (rotation * (np.array(spacing) * flips))[:, list(order)]
    affine[:3, 3] = 31.5, -12.25, 140
    return affine


grids = st.builds(
    turned,
    st.tuples(*[st.floats(-0.6, 0.6)] * 3),
    st.tuples(*[st.floats(0.3, 5.0)] * 3),
    st.tuples(*[st.sampled_from([-1, 1])] * 3),
    st.permutations(range(3)),
)


@given(grids, st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 7)))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_is_painted_is_saved_at_the_same_place_in_the_patient(tmp_path, affine, index):
    """Oblique, flipped, anisotropic: nibabel finds the voxel where the scan's file has it."""
    stored = np.zeros((6, 7, 8), np.int16)
    stored[index] = 1000
    scan_path = write_volume(from_file_order(stored, affine), tmp_path / "scan.nii.gz")
    viewer = ViewerModel()
    scan = add_volume(viewer, read_volume(scan_path, modality="MR"), "image")
    annotation = new_annotation(viewer, scan, ("spot",))
    bright = tuple(int(i) for i in np.argwhere(scan.data == 1000)[0])
    # Painted where it is seen: at a place of the viewer, not at an index.
    world = scan.data_to_world(bright)
    annotation.paint(tuple(np.rint(annotation.world_to_data(world)).astype(int)), 1)
    annotation.data[...] = np.where(scan.data == 1000, annotation.data, 0)
    saved = nib.load(save_layer(annotation, tmp_path / "labels.nii.gz", like=scan))
    (found,) = np.argwhere(np.asanyarray(saved.dataobj) == 1)
    there = nib.affines.apply_affine(saved.affine, found)
    np.testing.assert_allclose(there, nib.affines.apply_affine(affine, index), atol=1e-3)
    np.testing.assert_array_equal(found, index)

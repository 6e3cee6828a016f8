"""A mask becomes an annotation: on any grid, with its names and colours, and nothing made up."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import write_volume
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.finetune.actions import annotation_from_mask
from napari_toposeg.plugin.finetune.annotate.annotation_layer import set_classes
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.finetune.annotate.classes import PaintedClass, classes_of_layer
from napari_toposeg.plugin.finetune.annotate.mask_import import import_mask
from napari_toposeg.volume import Volume


def mask_of(scan: Volume, *values: int) -> Volume:
    voxels = np.zeros(scan.shape, np.int32)
    for number, value in enumerate(values):
        voxels[2 + number, 3:8, 3:8] = value
    return scan.with_voxels(voxels, modality="label", name="mask")


def test_all_voxels_of_a_mask_on_the_grid_are_labelled(ct) -> None:
    mask = mask_of(ct, 1, 2)
    found = import_mask(mask, ct, (), extent="all", axis=0)
    np.testing.assert_array_equal(found.labels, np.where(mask.voxels == 0, BACKGROUND, mask.voxels))
    assert found.note == "" and [each.name for each in found.classes] == ["class 1", "class 2"]


@pytest.mark.parametrize(("axis", "slices"), [(0, [2, 3]), (1, range(3, 8)), (2, range(3, 8))])
def test_only_slices_that_hold_a_class_are_labelled_where_that_is_wished(ct, axis, slices) -> None:
    found = import_mask(mask_of(ct, 1, 2), ct, (), extent="slices", axis=axis)
    planes = np.moveaxis(found.labels, axis, 0)
    whole = [number for number, plane in enumerate(planes) if plane.all()]
    assert whole == list(slices)
    assert not np.delete(planes, whole, axis=0).any()


def test_labels_with_gaps_are_numbered_anew_and_said_and_keep_their_names(ct) -> None:
    known = tuple(PaintedClass(f"name {n}", None, f"#00000{n}") for n in range(1, 6))
    found = import_mask(mask_of(ct, 2, 5), ct, known, extent="all", axis=0)
    assert set(np.unique(found.labels)) == {1, 2, BACKGROUND}
    assert [each.name for each in found.classes] == ["name 2", "name 5"]
    assert [each.colour for each in found.classes] == ["#000002", "#000005"]
    assert "2 → 1, 5 → 2" in found.note


def test_what_the_mask_does_not_cover_stays_unlabelled(ct) -> None:
    part = replace(mask_of(ct, 1), voxels=mask_of(ct, 1).voxels[:5])
    found = import_mask(part, ct, (), extent="all", axis=0)
    assert found.labels[:5].all() and not found.labels[5:].any()
    assert "another grid" in found.note


def test_a_mask_of_another_spacing_takes_the_nearest_voxels(ct) -> None:
    from napari_toposeg.resampling import resample

    fine = resample(mask_of(ct, 1), (2.0, 0.75, 0.75))
    found = import_mask(fine, ct, (), extent="all", axis=0)
    same = import_mask(mask_of(ct, 1), ct, (), extent="all", axis=0)
    assert ((found.labels == 1) == (same.labels == 1)).mean() > 0.98


@pytest.mark.parametrize(
    ("voxels", "text"),
    [
        (np.zeros((10, 12, 14), np.uint8), "no class"),
        (np.full((10, 12, 14), -1, np.int16), "label -1"),
        (np.arange(10 * 12 * 14, dtype=np.int32).reshape(10, 12, 14), "1679 labels"),
    ],
)
def test_what_is_no_mask_of_classes_is_refused(ct, voxels, text) -> None:
    with pytest.raises(InvalidConfig, match=text):
        import_mask(ct.with_voxels(voxels, name="mask"), ct, (), extent="all", axis=0)


def test_a_mask_of_another_patient_is_refused(ct) -> None:
    away = np.array(ct.affine)
    away[:3, 3] += 5000
    with pytest.raises(InvalidConfig, match="no class of mask lies inside"):
        import_mask(replace(mask_of(ct, 1), affine=away), ct, (), extent="all", axis=0)


def test_a_layer_and_a_file_become_annotations_in_a_notebook(ct, qapp, tmp_path) -> None:
    viewer = ViewerModel()
    image = add_volume(viewer, ct, "image")
    layer = add_volume(viewer, mask_of(ct, 1, 2), "labels")
    wanted = (PaintedClass("airway", (1, 0, 0), "#123456"), PaintedClass("wall", None, "#ABCDEF"))
    set_classes(layer, wanted)
    made = annotation_from_mask(viewer, image, layer)
    assert classes_of_layer(made) == wanted
    path = write_volume(mask_of(ct, 1, 2), tmp_path / "mask.nii.gz")
    again = annotation_from_mask(viewer, image, path)
    np.testing.assert_array_equal(again.data, made.data)


def test_a_mask_and_a_scan_that_are_not_in_memory_are_not_read_in_the_window(
    dock, qtbot, ct, count_chunks
) -> None:
    mask = mask_of(ct, 3, 200).voxels
    scan, held = count_chunks(ct.voxels, (5, 6, 7)), count_chunks(mask, (5, 6, 7))
    viewer = dock.session.viewer
    viewer.add_image(scan.array, name="scan")
    names = {"index": [0, 3, 200], "class": ["", "left", "right"]}
    layer = viewer.add_labels(held.array, name="mask", features=names)
    section, panel = dock.finetune.annotate.masks, dock.finetune.annotate
    assert panel.layer is None, "what is not in memory cannot be painted"
    section.mask.choose(layer)
    scan.forget()
    held.forget()
    section.use_layer()
    # Its end, not that of what is drawn then.
    with qtbot.waitSignal(dock.session.job.finished, timeout=20_000):
        pass
    assert sorted(held.chunks) == sorted(np.ndindex(held.array.numblocks))
    assert not held.in_window
    expected = np.where(mask == 0, BACKGROUND, np.where(mask == 3, 1, 2))
    np.testing.assert_array_equal(panel.layer.data, expected)
    assert [each.name for each in panel.known] == ["left", "right"]
    assert len({deep for deep, _, _ in scan.chunks}) <= 1, "a slice is drawn, and no more is read"

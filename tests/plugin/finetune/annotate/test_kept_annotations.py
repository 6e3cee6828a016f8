"""Annotations are kept while they are painted, and come back to their scan after a kill."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.plugin.actions import open_case
from napari_toposeg.plugin.finetune.annotate import autosave as autosave_module
from napari_toposeg.plugin.finetune.annotate.annotation_layer import new_annotation
from napari_toposeg.plugin.finetune.annotate.autosave import Autosave
from napari_toposeg.plugin.finetune.annotate.kept_annotations import (
    MOST,
    find_kept,
    fingerprint,
    keep,
    kept_folder,
    read_kept,
)
from napari_toposeg.plugin.finetune.annotate.panel import AnnotatePanel
from napari_toposeg.plugin.session import Session


def painted(scan) -> np.ndarray:
    labels = np.zeros(scan.shape, np.uint8)
    labels[2, 1:4], labels[2, 4:] = 1, 255
    return labels


def test_a_kept_annotation_comes_back_on_an_oblique_grid(oblique):
    keep(oblique, painted(oblique), ["vessel", "wall"])
    kept = find_kept(oblique)
    np.testing.assert_array_equal(read_kept(kept), painted(oblique))
    assert kept.classes == ("vessel", "wall")


def test_it_belongs_to_its_scan_and_to_no_other(oblique):
    keep(oblique, painted(oblique), [])
    other = oblique.with_voxels(oblique.voxels + 1)
    moved = replace(oblique, affine=oblique.affine + np.eye(4, k=3))
    assert find_kept(other) is None and find_kept(moved) is None
    assert find_kept(replace(oblique, name="renamed", notes=("a note",))) is not None


def test_nothing_that_is_kept_tells_of_the_patient(oblique, annotations_folder):
    keep(replace(oblique, name="Doe John"), painted(oblique), ["vessel"])
    for path in annotations_folder.iterdir():
        assert b"Doe" not in path.read_bytes() and "Doe" not in path.name


def test_the_oldest_go_first(oblique, annotations_folder):
    for number in range(MOST + 3):
        scan = oblique.with_voxels(oblique.voxels + number)
        path = keep(scan, painted(oblique), [])
        os.utime(path, (number, number))
    assert len(list(annotations_folder.glob("*.nii.gz"))) == MOST
    assert find_kept(oblique) is None and find_kept(scan) is not None


def test_a_damaged_file_of_names_loses_no_voxel(oblique, annotations_folder):
    keep(oblique, painted(oblique), ["vessel"])
    (annotations_folder / f"{fingerprint(oblique)}.json").write_text("{")
    kept = find_kept(oblique)
    assert kept.classes == ()
    np.testing.assert_array_equal(read_kept(kept), painted(oblique))


def test_what_is_painted_is_kept_after_a_pause_and_an_empty_layer_is_not(oblique, qtbot, qapp):
    viewer = ViewerModel()
    layer = viewer.add_labels(np.zeros(oblique.shape, np.uint8))
    autosave = Autosave(after=50)
    autosave.later(layer, lambda: oblique, ["vessel"])
    qtbot.wait(200)
    assert find_kept(oblique) is None
    layer.data = painted(oblique)
    with qtbot.waitSignal(autosave.told, timeout=10_000) as told:
        autosave.later(layer, lambda: oblique, ["vessel"])
    assert "Kept at" in told.args[0]
    assert find_kept(oblique).classes == ("vessel",)


def test_strokes_are_kept_that_come_while_others_are_written(oblique, qapp, monkeypatch):
    """And those of a layer that was left for another at once."""
    go = threading.Event()

    def slowly(scan, labels, classes):
        assert go.wait(10)
        return keep(scan, labels, classes)

    monkeypatch.setattr(autosave_module, "keep", slowly)
    viewer, other = ViewerModel(), oblique.with_voxels(oblique.voxels + 1)
    layer = viewer.add_labels(painted(oblique))
    autosave = Autosave(after=60_000)
    autosave.later(layer, lambda: oblique, [])
    autosave._write()
    layer.data[0, 0, 0] = 7
    autosave.later(layer, lambda: oblique, [])
    go.set()
    autosave.later(viewer.add_labels(painted(oblique)), lambda: other, [])
    assert read_kept(find_kept(oblique))[0, 0, 0] == 7
    autosave.write_now()
    assert find_kept(other) is not None


def test_a_folder_that_cannot_be_written_is_told(oblique, qtbot, qapp, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NAPARI_TOPOSEG_ANNOTATIONS", str(tmp_path / "file"))
    layer = ViewerModel().add_labels(painted(oblique))
    autosave = Autosave(after=1)
    with qtbot.waitSignal(autosave.told, timeout=10_000) as told:
        autosave.later(layer, lambda: oblique, [])
    assert "not kept" in told.args[0]


@pytest.fixture
def opened(oblique, tmp_path, qtbot):
    """The panel on the scan, as read from its file."""
    path = write_volume(oblique, tmp_path / "scan.nii.gz")
    session = Session(ViewerModel())
    open_case(session.viewer, path)
    panel = AnnotatePanel(session)
    qtbot.addWidget(panel)
    panel.show()
    yield panel, session, path
    session.close()


def test_the_last_strokes_are_kept_when_the_window_goes(opened):
    panel, session, _ = opened
    panel.name_classes(["vessel"])
    layer = panel.make_layer()
    where = tuple(np.array([[2, 2], [1, 1], [1, 2]]))
    layer.data_setitem(where, 1)
    scan = session.volume_of(session.image_layer)
    assert find_kept(scan) is None
    session.close()
    assert (read_kept(find_kept(scan)) == 1).sum() == 2


def test_a_new_annotation_does_not_replace_the_one_that_was_kept(opened, annotations_folder):
    panel, session, _ = opened
    scan = session.volume_of(session.image_layer)
    keep(scan, painted(scan), ["vessel"])
    panel.make_layer()
    assert find_kept(scan) is None
    (aside,) = annotations_folder.glob("*.nii.gz")
    assert aside.with_name(aside.name.replace(".nii.gz", ".json")).is_file()
    np.testing.assert_array_equal(read_volume(aside, modality="label").voxels, painted(scan))


def kept_files(folder) -> list[np.ndarray]:
    return [read_volume(path, modality="label").voxels for path in folder.glob("*.nii.gz")]


def stroke(layer, slice_number: int, label: int) -> None:
    layer.data_setitem(tuple(np.array([[slice_number, slice_number], [1, 1], [1, 2]])), label)


def restored(session, labels):
    """Return an annotation as a session brings it back: nobody made it in this panel."""
    layer = new_annotation(session.viewer, session.image_layer, ())
    layer.data = labels.astype(np.uint8)
    return layer


def test_a_stroke_is_kept_with_its_scan_whatever_image_is_in_view(opened, annotations_folder):
    """As T1 and T2 of one grid take turns in view."""
    panel, session, _ = opened
    first = session.image_layer
    second = session.viewer.add_image(
        np.asarray(first.data) * 2, scale=first.scale, affine=first.affine, name="T2"
    )
    other = session.volume_of(second)
    keep(other, painted(other), ["kept"])
    layer = panel.make_layer()
    stroke(layer, 2, 1)
    session.image_layer = second
    stroke(layer, 3, 1)
    panel.autosave.write_now()
    assert (read_kept(find_kept(session.volume_of(first))) == 1).sum() == 4
    np.testing.assert_array_equal(read_kept(find_kept(other)), painted(other))
    assert len(kept_files(annotations_folder)) == 2


def test_strokes_that_were_not_kept_yet_outlive_a_new_annotation(opened, annotations_folder):
    panel, _, _ = opened
    stroke(panel.make_layer(), 2, 1)
    stroke(panel.make_layer(), 3, 2)
    panel.autosave.write_now()
    found = {tuple(np.unique(labels).tolist()) for labels in kept_files(annotations_folder)}
    assert found == {(0, 1), (0, 2)}


def test_an_annotation_from_elsewhere_sets_aside_what_was_kept(opened, annotations_folder):
    """And layers that take turns leave one file each."""
    panel, session, _ = opened
    scan = session.volume_of(session.image_layer)
    keep(scan, painted(scan), ["kept"])
    layers = [restored(session, 3 * (painted(scan) == value)) for value in (255, 1)]
    for turn in range(4):
        panel.picker.choose(layers[turn % 2])
        stroke(layers[turn % 2], 5 + turn, 4)
        panel.autosave.write_now()
    np.testing.assert_array_equal(read_kept(find_kept(scan)), np.asarray(layers[1].data))
    found = kept_files(annotations_folder)
    assert any(np.array_equal(labels, painted(scan)) for labels in found)
    assert len(found) <= 4


def test_an_annotation_that_goes_on_is_no_other(opened, annotations_folder):
    """One of a session that was opened again has all that was kept, and its strokes are added."""
    panel, session, _ = opened
    scan = session.volume_of(session.image_layer)
    keep(scan, painted(scan), ["kept"])
    layer = restored(session, painted(scan))
    panel.picker.choose(layer)
    stroke(layer, 5, 4)
    panel.autosave.write_now()
    (found,) = kept_files(annotations_folder)
    np.testing.assert_array_equal(found, np.asarray(layer.data))


PAINT_AND_DIE = """
import json, os, signal, sys
import numpy as np
from qtpy.QtWidgets import QApplication
app = QApplication([])
from napari.components import ViewerModel
from napari_toposeg.plugin.actions import open_case
from napari_toposeg.plugin.finetune.annotate.panel import AnnotatePanel
from napari_toposeg.plugin.session import Session
session = Session(ViewerModel())
open_case(session.viewer, sys.argv[1])
panel = AnnotatePanel(session)
panel.name_classes(["vessel", "wall"])
panel.table.item(1, 2).setText("1 1 0")
layer = panel.make_layer()
panel.autosave.told.connect(lambda _: os.kill(os.getpid(), signal.SIGKILL))
layer.data_setitem(tuple(np.array(json.loads(sys.argv[2]))), 2)
app.exec()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_after_a_kill_the_annotation_is_offered_and_comes_back(opened):
    panel, session, path = opened
    assert not panel.head.back_button.isVisible()
    with pytest.raises(InvalidConfig, match="was kept"):
        panel.bring_back()
    voxels = [[2, 3], [4, 5], [1, 7]]
    dead = subprocess.run(
        [sys.executable, "-c", PAINT_AND_DIE, str(path), json.dumps(voxels)],
        timeout=120,
        check=False,
    )
    assert dead.returncode == -signal.SIGKILL
    assert len(list(kept_folder().glob("*.nii.gz"))) == 1
    session.image_layer = None
    session.image_layer = session.image_layers()[0]
    assert panel.head.back_button.isVisible()
    layer = panel.bring_back()
    assert np.argwhere(np.asarray(layer.data) == 2).T.tolist() == voxels
    assert panel.classes == ("vessel", "wall")
    assert panel.wanted == {2: (1, 1, 0)}
    assert [each.name for each in panel.table.classes] == ["vessel", "wall"]
    panel.tools.undo()
    assert not np.asarray(layer.data).any()
    panel.tools.redo()
    np.testing.assert_allclose(layer.scale, session.image_layer.scale)
    assert not panel.head.back_button.isVisible()

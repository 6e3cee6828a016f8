"""The Export menu: grey with a reason, else a file; DICOM-SEG without the patient by default."""

import csv
import re

import nibabel as nib
import numpy as np
import pydicom
import pytest
from qtpy.QtWidgets import QDialogButtonBox

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io.dicom_seg import read_dicom_seg
from napari_toposeg.phantoms import make
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import ANNOTATION, ROLE
from napari_toposeg.plugin.canvas.sources import note_model
from napari_toposeg.plugin.case.actions import open_case
from napari_toposeg.plugin.exporting.actions import export_dicom_seg, measure_classes
from napari_toposeg.plugin.exporting.dicom_seg_dialog import DicomSegDialog, SegAnswers
from napari_toposeg.plugin.exporting.export_button import SUFFIXES
from napari_toposeg.progress import finish


@pytest.fixture
def torus(dock):
    """A dock with a torus, its truth, and a prediction in which it is cut."""
    phantom = make("torus", shape=(32, 32, 32))
    viewer = dock.session.viewer
    add_volume(viewer, phantom.image, "image")
    truth = add_volume(viewer, phantom.truth, "labels", name="truth")
    cut = phantom.truth.voxels.copy()
    cut[:, :, 16:18] = 0
    features = {"class": ["background", "ring"]}
    labels = add_volume(
        viewer, phantom.truth.with_voxels(cut), "labels", name="cut", features=features
    )
    viewer.layers.selection.active = labels
    return dock, labels, truth


def wait(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=60_000)


def compare(dock, labels, truth, qtbot):
    page = dock.topology.comparison
    page.prediction.choose(labels)
    page.truth.choose(truth)
    page.compare()
    wait(dock, qtbot)


def test_what_is_not_there_is_grey_and_says_why(dock):
    dock.export.refresh()
    entries = dock.export.entries
    assert not any(entry.isEnabled() for what, entry in entries.items() if what != "open")
    assert entries["open"].isEnabled()
    assert "Open a scan first" in entries["report"].toolTip()
    assert "Propose a repair first" in entries["edits"].toolTip()
    with pytest.raises(InvalidConfig, match="no label map"):
        dock.export.write("labels", "nowhere.nii")


def test_what_is_there_can_be_pressed(torus, qtbot):
    dock, labels, truth = torus
    compare(dock, labels, truth, qtbot)
    dock.export.refresh()
    on = {what for what, entry in dock.export.entries.items() if entry.isEnabled()}
    assert {"labels", "dicom-seg", "classes", "numbers", "errors", "report", "save"} <= on
    assert not {"features", "edits"} & on
    assert dock.export.entries["labels"].toolTip() == "cut"


def test_an_annotation_is_no_label_map_to_export(torus):
    dock, labels, truth = torus
    viewer = dock.session.viewer
    painted = viewer.add_labels(np.zeros(labels.data.shape, np.uint8), metadata={ROLE: ANNOTATION})
    viewer.layers.selection.active = painted
    assert dock.export._sources.labels() is labels
    viewer.layers.selection.active = truth
    assert dock.export._sources.labels() is truth


def test_masks_and_tables_are_written(torus, qtbot, tmp_path):
    dock, labels, truth = torus
    compare(dock, labels, truth, qtbot)
    dock.topology.diagram.compute()
    wait(dock, qtbot)
    for what, name in (
        ("labels", "cut.nii.gz"),
        ("classes", "classes.csv"),
        ("numbers", "numbers.csv"),
        ("errors", "errors.csv"),
        ("features", "features.csv"),
    ):
        dock.export.write(what, tmp_path / name)
        wait(dock, qtbot)
    assert np.asarray(nib.load(tmp_path / "cut.nii.gz").dataobj).sum() == labels.data.sum()
    rows = {
        path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for path in tmp_path.glob("*.csv")
    }
    assert rows["classes"][0]["class"] == "ring" and rows["classes"][0]["b1"] == "0"
    assert rows["numbers"][-1]["against_b1"] == "1"
    assert {row["kind"] for row in rows["errors"]} <= {"splits", "breaks a loop", "makes a loop"}
    assert len(rows["features"]) == len(dock.topology.diagram.rows()["birth"]) > 0


def test_the_report_tells_of_all_that_was_done(torus, qtbot, tmp_path):
    dock, labels, truth = torus
    note_model(labels, "a-model-that-is-gone")
    compare(dock, labels, truth, qtbot)
    dock.topology.diagram.compute()
    wait(dock, qtbot)
    dock.export.write("report", tmp_path / "report.html")
    wait(dock, qtbot)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    titles = re.findall(r"<h2>(.*)</h2>", html)
    assert titles == [
        *("The scan", "Classes", "Against the truth", "Errors", "Persistence", "The model"),
        "How it was made",
    ]
    assert html.count("data:image/png") == 3 and "a-model-that-is-gone" in html
    assert "comparison: foreground connectivity" in html


def test_a_report_of_a_scan_alone_can_be_written(dock, ct, qtbot, tmp_path):
    add_volume(dock.session.viewer, ct, "image")
    dock.export.write("report", tmp_path / "report.html")
    wait(dock, qtbot)
    assert "thorax" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_is_not_in_memory_is_exported_without_being_read_in_the_window(
    dock, qtbot, tmp_path, count_chunks
):
    phantom = make("torus", shape=(16, 16, 16))
    viewer, chunk = dock.session.viewer, (4, 16, 16)
    scan, truth = (count_chunks(v.voxels, chunk) for v in (phantom.image, phantom.truth))
    viewer.add_image(scan.array, name="scan", units=("mm",) * 3)
    layer = viewer.add_labels(truth.array, name="truth", units=("mm",) * 3)
    other = viewer.add_labels(phantom.truth.voxels.copy(), name="other", units=("mm",) * 3)
    compare(dock, other, layer, qtbot)
    viewer.layers.selection.active = layer
    for what in ("labels", "classes", "report"):
        scan.forget()
        truth.forget()
        dock.export.write(what, tmp_path / f"{what}{SUFFIXES.get(what, '.csv')}")
        wait(dock, qtbot)
        assert not truth.in_window and not scan.in_window
        assert set(truth.chunks) == set(np.ndindex(truth.array.numblocks))
    assert set(scan.chunks) == set(np.ndindex(scan.array.numblocks))
    written = np.asarray(nib.load(tmp_path / "labels.nii.gz").dataobj)
    assert written.sum() == phantom.truth.voxels.sum()
    assert "Against the truth" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def held(monkeypatch):
    """Keeps a session's jobs from running; returns what makes their runs."""
    begun = []

    def hold(session):
        monkeypatch.setattr(session, "start", lambda make_run, **_: begun.append(make_run))
        return begun

    return hold


@pytest.mark.parametrize("what", ["labels", "classes", "report"])
def test_what_is_painted_after_an_export_began_is_not_in_it(torus, held, tmp_path, what):
    dock, labels, _ = torus
    begun, path = held(dock.session), tmp_path / f"it{SUFFIXES.get(what, '.csv')}"
    dock.export.write(what, path)
    labels.data[0, 0, 0] = 9
    (make_run,) = begun
    found = finish(make_run())
    match what:
        case "labels":
            assert set(np.unique(np.asarray(nib.load(path).dataobj))) == {0, 1}
        case "classes":
            assert [one.name for one in found] == ["ring"]
        case "report":
            assert "label 9" not in path.read_text(encoding="utf-8")


def test_edits_tell_how_voxels_were_joined_when_they_were_proposed(torus, qtbot, tmp_path):
    dock, labels, _ = torus
    repair = dock.topology.repair
    repair.labels.choose(labels)
    repair.propose()
    wait(dock, qtbot)
    assert repair.proposal.edits
    repair.connectivity.setCurrentIndex(repair.connectivity.findData(6))
    dock.export.write("edits", tmp_path / "edits.csv")
    text = (tmp_path / "edits.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    joined = {(row["foreground_connectivity"], row["background_connectivity"]) for row in rows}
    assert joined == {("26", "6")}


@pytest.fixture
def series(data_folder):
    return data_folder / "chest_ct" / "ct-64_dicom"


def test_dicom_seg_knows_its_series_and_leaves_the_patient_out(dock, series, qtbot, tmp_path):
    viewer = dock.session.viewer
    scan = open_case(viewer, series)
    data = (np.asarray(scan.data) > 300).astype(np.uint8)
    labels = viewer.add_labels(
        data, scale=scan.scale, translate=scan.translate, features={"class": ["none", "bone"]}
    )
    known = dock.export._sources.series_of(labels)
    assert known.path == series
    path = tmp_path / "seg.dcm"
    dock.export.write("dicom-seg", path, SegAnswers(known.path, "", True))
    wait(dock, qtbot)
    written = pydicom.dcmread(path)
    assert written.PatientName == "" and written.PatientID == ""
    assert written.SegmentSequence[0].SegmentLabel == "bone"
    back, _ = read_dicom_seg(path)
    assert int((back.voxels == 1).sum()) == int(data.sum())


def test_a_label_painted_after_dicom_seg_began_is_not_in_it(dock, series, held, tmp_path):
    viewer = dock.session.viewer
    scan = open_case(viewer, series)
    data = (np.asarray(scan.data) > 300).astype(np.uint8)
    labels = viewer.add_labels(data, scale=scan.scale, translate=scan.translate)
    begun, path = held(dock.session), tmp_path / "seg.dcm"
    dock.export.write("dicom-seg", path, SegAnswers(series, "", True))
    labels.data[0, 0, 0] = 9
    (make_run,) = begun
    finish(make_run())
    assert len(pydicom.dcmread(path).SegmentSequence) == 1


def test_the_dialog_is_anonymous_and_wants_a_folder_that_exists(qtbot, tmp_path):
    dialog = DicomSegDialog("labels", "", "vessels-ct")
    qtbot.addWidget(dialog)
    save = dialog.buttons.button(QDialogButtonBox.StandardButton.Save)
    assert dialog.answers.anonymous and not save.isEnabled()
    dialog.source.setText(str(tmp_path))
    assert save.isEnabled() and dialog.answers == SegAnswers(tmp_path, "vessels-ct", True)
    assert "UID" in dialog.note.text()


def test_a_notebook_can_do_the_same(viewer_model, series, tmp_path):
    scan = open_case(viewer_model, series)
    labels = viewer_model.add_labels(
        (np.asarray(scan.data) < -500).astype(np.uint8), scale=scan.scale, translate=scan.translate
    )
    (found,) = measure_classes(labels)
    assert found.name == "label 1" and found.betti.b0 >= 1
    path = export_dicom_seg(
        labels, series, tmp_path / "seg.dcm", like=scan, classes={1: "lung"}, algorithm="by hand"
    )
    (segment,) = pydicom.dcmread(path).SegmentSequence
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Lung"

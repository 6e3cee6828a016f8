"""Tables say what their numbers are: units, places in the patient, and how voxels were joined."""

import csv

import numpy as np
import pytest

from napari_toposeg.errors import UnwritableFile
from napari_toposeg.metrics import ClassTopology
from napari_toposeg.plugin.exporting.tables import (
    ExportTable,
    classes_table,
    edits_table,
    errors_table,
    features_table,
    numbers_table,
    write_csv,
)
from napari_toposeg.plugin.topology.errors.comparison import compare_labels
from napari_toposeg.plugin.topology.errors.repairing import propose
from napari_toposeg.progress import finish
from napari_toposeg.topology import BettiNumbers


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def cut_rod():
    """A rod that is cut once, and the whole one."""
    truth = np.zeros((5, 5, 20), np.uint8)
    truth[1:4, 1:4, 1:19] = 1
    prediction = truth.copy()
    prediction[:, :, 9:11] = 0
    return prediction, truth


def compared(cut_rod, connectivity=6):
    return finish(
        compare_labels(
            *cut_rod, connectivity=connectivity, names={1: "rod"}, spacing=(2.0, 0.5, 0.5)
        )
    )


def test_betti_numbers_say_how_voxels_were_joined(cut_rod, tmp_path):
    rows = read(write_csv(numbers_table(compared(cut_rod)), tmp_path / "a.csv"))
    rod = rows[-1]
    assert (rod["class"], rod["b0"], rod["against_b0"], rod["error_b0"]) == ("rod", "2", "1", "1")
    assert rod["compared_with"] == "truth"
    assert (rod["foreground_connectivity"], rod["background_connectivity"]) == ("6", "26")


def test_an_error_says_its_place_in_the_patient(cut_rod, tmp_path):
    affine = np.array([[-0.5, 0, 0, 10], [0, -0.5, 0, 20], [0, 0, 2, -30], [0, 0, 0, 1.0]])
    (row,) = read(write_csv(errors_table(compared(cut_rod), affine), tmp_path / "a.csv"))
    assert (row["kind"], row["voxels"], float(row["volume_mm3"])) == ("splits", "18", 9.0)
    voxel = np.array([float(row[f"voxel_{axis}"]) for axis in "xyz"])
    assert 9 <= voxel[0] <= 10
    place = [float(row[name]) for name in ("right_mm", "anterior_mm", "superior_mm")]
    np.testing.assert_allclose(place, [-0.5, -0.5, 2] * voxel + [10, 20, -30])
    bare = errors_table(compared(cut_rod))
    assert "right_mm" not in bare.columns and "voxel_z" in bare.columns


def test_edits_tell_whether_they_are_taken(cut_rod, tmp_path):
    proposal = finish(propose(cut_rod[0], {1: (1, 0, 0)}))
    refused = proposal.with_answers([False] * len(proposal.edits))
    (taken,) = read(write_csv(edits_table(proposal, 26, {1: "rod"}), tmp_path / "a.csv"))
    (left,) = read(write_csv(edits_table(refused, 26), tmp_path / "b.csv"))
    assert (taken["taken"], left["taken"]) == ("yes", "no")
    assert (taken["class"], left["class"]) == ("rod", "label 1")


def test_features_have_units_and_nothing_for_infinity(tmp_path):
    features = {
        "feature": np.array([0, 1]),
        "birth": np.array([7.5, 3.0]),
        "death": np.array([-np.inf, 1.0]),
        "birth_z": np.array([4.0, 5.0]),
    }
    rows = read(write_csv(features_table(features, "26-connected", "HU"), tmp_path / "a.csv"))
    assert rows[0] == {
        "feature": "0",
        "birth_HU": "7.5",
        "death_HU": "",
        "birth_voxel_z": "4",
        "joined": "26-connected",
    }


def test_classes_have_their_volume_in_millilitres(tmp_path):
    table = classes_table([ClassTopology(3, "liver", 1500.25, BettiNumbers(1, 0, 2))])
    (row,) = read(write_csv(table, tmp_path / "new" / "a.csv"))
    assert (row["label"], row["class"], row["volume_ml"], row["b2"]) == (
        "3",
        "liver",
        "1500.25",
        "2",
    )


def test_no_name_becomes_a_formula(tmp_path):
    table = ExportTable(("class", "number"), (("=HYPERLINK(1)", -3), ("a, b\nc", -0.5)))
    rows = read(write_csv(table, tmp_path / "a.csv"))
    assert rows[0] == {"class": "'=HYPERLINK(1)", "number": "-3"}
    assert rows[1] == {"class": "a, b\nc", "number": "-0.5"}


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UnwritableFile, match="cannot be written"):
        write_csv(ExportTable(("a",), ()), tmp_path / "file" / "a.csv")

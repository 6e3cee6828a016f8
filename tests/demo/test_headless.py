"""The demo headless: every file on the scan's own grid, every figure true."""

import json
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.cli import main
from napari_toposeg.demo.cases import open_case
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.topology import betti_numbers, find_defects

FILES = {
    "hidden.nii.gz",
    "reconstruction.nii.gz",
    "segmentation.nii.gz",
    "diagrams.png",
    "slices.png",
    "report.html",
    "report.json",
}


def report(folder: Path) -> dict:
    """Return the figures of a demo."""
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def voxels(path: Path) -> np.ndarray:
    """Return the voxels of a file in its own order."""
    return np.asarray(nib.load(path).dataobj)


def test_every_file_is_written(vessels: Path) -> None:
    assert {path.name for path in vessels.iterdir()} == FILES | {"defects.nii.gz"}


def test_the_betti_numbers_are_those_of_the_files(vessels: Path) -> None:
    row = report(vessels)["segmentation"][0]
    assert row["class"] == "vessel"
    assert row["betti"] == list(betti_numbers(voxels(vessels / "segmentation.nii.gz") == 1))
    assert row["true_betti"] == [2, 0, 0], "the phantom has two trees"


def test_the_defects_are_those_of_the_files(vessels: Path) -> None:
    truth = open_case(DemoConfig(case="vessels")).truth
    segmentation = voxels(vessels / "segmentation.nii.gz").T
    defects = report(vessels)["defects"]
    assert len(defects) == len(find_defects(segmentation > 0, truth.voxels > 0))
    numbers = voxels(vessels / "defects.nii.gz")
    assert [int((numbers == row["number"]).sum()) for row in defects] == [
        row["voxels"] for row in defects
    ]


def test_visible_voxels_stay_as_they_are_and_hidden_ones_do_not(vessels: Path) -> None:
    scan = open_case(DemoConfig(case="vessels")).image.voxels.T
    hidden = voxels(vessels / "hidden.nii.gz")
    rebuilt = voxels(vessels / "reconstruction.nii.gz")
    assert set(np.unique(hidden)) == {0, 1}
    assert hidden.mean() == pytest.approx(0.6, abs=0.15)
    assert (rebuilt == scan)[hidden == 0].all()
    assert (rebuilt != scan)[hidden == 1].mean() > 0.9


def test_the_report_tells_no_folder_and_no_user(vessels: Path) -> None:
    page = (vessels / "report.html").read_text(encoding="utf-8")
    for text in (page, (vessels / "report.json").read_text(encoding="utf-8")):
        assert str(vessels) not in text and str(Path.home()) not in text
    assert "Research use only" in page and "26-connected" in page


def test_an_oblique_flipped_scan_keeps_its_grid(
    models: SimpleNamespace, oblique: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["demo", str(oblique), "--headless", "--output", str(out), *models.words]
    assert main(words) == 0
    scan = nib.load(oblique)
    for name in ("hidden", "reconstruction", "segmentation"):
        image = nib.load(out / f"{name}.nii.gz")
        assert image.shape == scan.shape
        np.testing.assert_allclose(image.affine, scan.affine, atol=1e-4)
    visible = voxels(out / "hidden.nii.gz") == 0
    np.testing.assert_array_equal(
        voxels(out / "reconstruction.nii.gz")[visible], voxels(oblique)[visible]
    )
    assert report(out)["defects"] is None and not (out / "defects.nii.gz").exists()


def test_the_same_seed_hides_the_same_and_another_does_not(
    models: SimpleNamespace, oblique: Path, tmp_path: Path
) -> None:
    hidden = {}
    for run, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        words = ["demo", str(oblique), "--headless", "--output", str(tmp_path / run)]
        assert main([*words, "--seed", seed, *models.words]) == 0
        hidden[run] = voxels(tmp_path / run / "hidden.nii.gz")
    assert (hidden["a"] == hidden["b"]).all() and (hidden["a"] != hidden["c"]).any()


def test_json_is_the_report(
    models: SimpleNamespace, oblique: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    words = ["demo", str(oblique), "--headless", "--output", str(tmp_path), *models.words]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report(tmp_path)


def test_a_real_chest_ct_is_rebuilt_and_segmented_on_its_grid(
    models: SimpleNamespace, data_folder: Path, tmp_path: Path
) -> None:
    folders = sorted(path for path in (data_folder / "chest_ct").rglob("*.dcm"))
    scan = folders[0].parent if folders else next((data_folder / "chest_ct").glob("*.nrrd"))
    words = ["demo", str(scan), "--headless", "--output", str(tmp_path), *models.words]
    assert main(words) == 0
    shape = report(tmp_path)["scan"]["shape"]
    assert voxels(tmp_path / "segmentation.nii.gz").size == np.prod(shape)
    assert report(tmp_path)["scan"]["modality"] == "CT" and report(tmp_path)["warnings"] == []

"""The measure command: a table, a file and a page that say the same."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.cli import main


def label_map(path: Path, voxels: np.ndarray) -> None:
    """Write a label map at 2 mm."""
    path.parent.mkdir(exist_ok=True)
    nib.save(nib.Nifti1Image(voxels.astype(np.uint8), np.diag([2, 2, 2, 1.0])), path)


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Write two cases: one predicted exactly, one whose bar is cut in two."""
    bar = np.zeros((10, 8, 8))
    bar[1:9, 3:5, 3:5] = 1
    cut = bar.copy()
    cut[4:6] = 0
    for name, found in (("whole", bar), ("cut", cut)):
        label_map(tmp_path / "prediction" / f"{name}.nii.gz", found)
        label_map(tmp_path / "truth" / f"{name}.nii.gz", bar)
    return ["--prediction", str(tmp_path / "prediction"), "--truth", str(tmp_path / "truth")]


def test_a_cut_bar_is_an_error_of_b0(folders: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main(["measure", *folders, "--classes", "bar", "--json"]) == 0
    rows = {row["case"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["whole"]["dice"] == 1 and rows["whole"]["betti_exact"] == 1
    assert rows["cut"]["betti_error_0"] == 1 and rows["cut"]["class"] == "bar"


def test_measures_are_a_table_a_file_and_a_page(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file, page = tmp_path / "m.json", tmp_path / "m.html"
    assert main(["measure", *folders, "--json", str(file), "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert "Dice" in out and "26-connected" in out and "[" in out, "means with intervals"
    assert len(json.loads(file.read_text(encoding="utf-8"))["rows"]) == 2
    assert "cut" in page.read_text(encoding="utf-8") and "Research use only" in page.read_text(
        encoding="utf-8"
    )

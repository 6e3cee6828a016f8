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


def test_a_file_of_settings_says_what_to_measure(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "measure.toml"
    file.write_text('metrics = ["dice", "matching"]\nclasses = ["bar"]\n')
    assert main(["measure", *folders, "--config", str(file)]) == 0
    out = capsys.readouterr().out
    assert "Betti matching error" in out and "bar" in out
    assert "HD95" not in out and "clDice" not in out


def test_models_are_compared_case_by_case(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    rows = tmp_path / "rows.csv"
    models = ["--prediction", folders[1], folders[3], *folders[2:]]
    assert main(["measure", *models, "--csv", str(rows)]) == 0
    out = capsys.readouterr().out
    assert "prediction minus truth" in out and "p, Holm" in out
    header, *lines = rows.read_text(encoding="utf-8").splitlines()
    assert header.startswith("model,case,class,dice,") and len(lines) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--metrics", "volume"], "volume"),
        (["--classes", "bar", "bar"], "twice (bar)"),
        (["--tolerance", "-1"], "tolerance"),
        (["--probabilities", "a", "b"], "one for each"),
        (["--images", "nowhere", "--html", "page.html"], "nowhere"),
    ],
)
def test_what_cannot_be_measured_is_one_message(
    folders: list[str],
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["measure", *folders, *words])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert said in capsys.readouterr().err


def test_empty_maps_have_no_figures_unless_a_class_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    label_map(tmp_path / "empty" / "case.nii.gz", np.zeros((4, 4, 4)))
    words = ["measure", "--prediction", str(tmp_path / "empty"), "--truth", str(tmp_path / "empty")]
    assert main(words) == 2
    assert "no class is in any prediction or truth" in capsys.readouterr().err
    assert main([*words, "--classes", "bar"]) == 0


def test_a_page_shows_cases_without_a_class(folders: list[str], tmp_path: Path) -> None:
    for place in ("prediction", "truth"):
        label_map(tmp_path / place / "healthy.nii.gz", np.zeros((10, 8, 8)))
    page = tmp_path / "m.html"
    assert main(["measure", *folders, "--html", str(page), "--worst", "3"]) == 0
    assert "healthy" in page.read_text(encoding="utf-8")


def test_a_missing_truth_is_named(capsys: pytest.CaptureFixture) -> None:
    assert main(["measure", "--prediction", "a"]) == 2
    assert "truth: is missing" in capsys.readouterr().err

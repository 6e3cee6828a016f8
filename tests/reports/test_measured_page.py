"""The page of a measurement: which cases it shows, what its pictures mark, what its tables say."""

import re
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from napari_toposeg.config import MeasureConfig
from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.io import write_volume
from napari_toposeg.metrics import METRICS, Measured, MeasureTable, measure
from napari_toposeg.reports.differing import Disagreement
from napari_toposeg.reports.disagreements import plot_disagreement, plot_errors
from napari_toposeg.reports.measured_page import worst_cases, write_measured_page
from napari_toposeg.reports.measured_tables import means_tables, paired_tables, reading
from napari_toposeg.volume import Volume

AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])


def volume(voxels: np.ndarray) -> Volume:
    return Volume(voxels.astype(np.uint8), AFFINE, modality="label", name="case")


def bar() -> np.ndarray:
    voxels = np.zeros((9, 10, 12))
    voxels[3:6, 4:7, 1:11] = 1
    return voxels


def broken() -> np.ndarray:
    """Return the bar with a gap at x = 5, and a speck at z = 7."""
    voxels = bar()
    voxels[:, :, 5] = 0
    voxels[7, 1, 1] = 1
    return voxels


def table_of(**values: tuple[float, float]) -> MeasureTable:
    """Return a table of cases of one class with a Dice and a matching error each."""
    rows = [
        {"case": case, "class": "1"}
        | dict.fromkeys(METRICS, 0.0)
        | {"dice": dice, "betti_matching_error": error}
        for case, (dice, error) in values.items()
    ]
    return MeasureTable(tuple(rows))


def test_the_worst_cases_are_taken_by_turns_from_dice_and_topology():
    table = table_of(a=(0.9, 0), b=(0.5, 1), c=(0.8, 7), d=(0.6, 0))
    shown = [(w.case, w.metric) for w in worst_cases(Measured({"m": table}), 3)]
    assert shown == [("b", "dice"), ("c", "betti_matching_error"), ("d", "dice")]
    assert worst_cases(Measured({"m": table}), 0) == []
    assert len(worst_cases(Measured({"m": table}), 9)) == 4


def test_a_case_is_shown_once_with_its_worst_model():
    tables = {"m": table_of(a=(0.9, 0), b=(0.8, 0)), "n": table_of(a=(0.7, 0), b=(0.85, 0))}
    shown = [(w.case, w.model, w.value) for w in worst_cases(Measured(tables), 3)]
    assert shown == [("a", "n", 0.7), ("b", "m", 0.8)]


def case(**predictions: np.ndarray) -> Disagreement:
    return Disagreement(volume(bar()), predictions, None, {1: "bar"})


def test_errors_of_topology_are_found_with_their_dimension():
    found = case(m=broken()).errors["m"]
    assert [(error.kind, error.dimension, len(error.voxels)) for error in found] == [
        ("splits", 0, 9),
        ("spurious", 0, 1),
    ]


def test_the_slices_shown_are_those_with_most_wrong_voxels():
    assert case(m=broken()).centre == (3, 4, 5)
    assert case(m=broken(), n=np.zeros_like(bar())).centre[0] == 3
    assert case(m=bar()).centre == (3, 4, 1), "no voxel is wrong: where most of the truth is"


def pixels(path: Path) -> np.ndarray:
    return matplotlib.image.imread(path)[..., :3]


BLUE, YELLOW = (0x00, 0x72, 0xB2), (144, 137, 40)
"""What rings wrong components, and what is painted over errors, on black."""


def count(path: Path, colour: tuple[int, int, int]) -> int:
    """Count the pixels of a colour."""
    return int((np.abs(pixels(path) - np.array(colour) / 255).max(axis=-1) < 0.02).sum())


def test_errors_are_marked_and_a_right_mask_has_no_mark(tmp_path):
    wrong = count(plot_disagreement(case(m=broken()), tmp_path / "wrong.png"), BLUE)
    right = count(plot_disagreement(case(m=bar()), tmp_path / "right.png"), BLUE)
    # The legend has a mark, too; the gap is seen in each of the three planes.
    assert right > 0
    assert wrong > 3 * right


def test_every_model_has_a_row(tmp_path):
    one = pixels(plot_disagreement(case(m=broken()), tmp_path / "1.png")).shape
    two = pixels(plot_disagreement(case(m=broken(), n=bar()), tmp_path / "2.png")).shape
    assert one[1] == two[1] and two[0] > 1.6 * one[0]


def test_an_error_from_near_is_painted_in_its_size(tmp_path):
    both = count(plot_errors(case(m=broken()), "m", tmp_path / "both.png"), YELLOW)
    speck = bar()
    speck[7, 1, 1] = 1
    alone = count(plot_errors(case(m=speck), "m", tmp_path / "speck.png"), YELLOW)
    assert 0 < 3 * alone < both


@pytest.mark.parametrize("shape", [(1, 9, 9), (5, 1, 2), (4, 4, 4)])
def test_flat_and_empty_cases_have_a_picture(tmp_path, shape):
    empty, full = np.zeros(shape), np.ones(shape)
    for truth, found in ((empty, empty), (full, empty), (full, full)):
        pair = Disagreement(volume(truth), {"m": found}, None, {1: "all"})
        assert plot_disagreement(pair, tmp_path / "flat.png").stat().st_size > 0


@pytest.fixture
def folders(tmp_path):
    """Write three cases, predicted rightly by one model and broken in two by the other."""
    for number in range(3):
        name = f"case{number}.nii.gz"
        write_volume(volume(bar()), tmp_path / "truth" / name)
        write_volume(volume(bar()), tmp_path / "right" / name)
        write_volume(volume(bar() if number == 1 else broken()), tmp_path / "wrong" / name)
        image = Volume(bar() + np.arange(12.0), AFFINE, modality="MR")
        write_volume(image, tmp_path / "images" / name)
    return tmp_path


def page_of(folder: Path, *models: str, **settings) -> str:
    config = MeasureConfig.create(
        prediction=[folder / model for model in models], truth=folder / "truth", **settings
    )
    write_measured_page(folder / "page.html", measure(config), config)
    return (folder / "page.html").read_text(encoding="utf-8")


def test_the_page_compares_models_and_shows_the_worst_cases(folders):
    page = page_of(folders, "right", "wrong", images=folders / "images", worst=2)
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles[:2] == ["Means over cases", "Models against each other"]
    assert [title for title in titles if "case0" in title or "case2" in title]
    assert "Case case0 of wrong: errors of topology" in titles
    assert page.count("data:image/png") == 4
    assert "right minus wrong" in page and str(folders) not in page


def test_the_page_of_one_model_has_no_tests_and_pictures_only_on_demand(folders):
    page = page_of(folders, "wrong", worst=0, metrics=["dice"])
    assert "minus" not in page and "data:image" not in page
    assert "HD95" not in page and "Dice" in page


def test_an_image_on_another_grid_is_refused(folders):
    write_volume(volume(np.zeros((2, 2, 2))), folders / "images" / "case0.nii.gz")
    with pytest.raises(ShapeMismatch, match="image"):
        page_of(folders, "wrong", images=folders / "images")


def test_tables_say_what_was_measured(folders):
    config = MeasureConfig.create(
        prediction=[folders / "right", folders / "wrong"], truth=folders / "truth"
    )
    measured = measure(config)
    (means,) = means_tables(measured)
    assert means.columns == ("", "right", "wrong")
    cells = {row[0]: row[1:] for row in means.rows}
    assert cells["Dice"][0] == "1.000 [1.000, 1.000]"
    assert cells["splits"][1].startswith("0.667 ")
    assert cells["exact, classes and union"][1].startswith("0.333 ")
    (tests,) = paired_tables(measured.tests())
    assert {row[0]: row[1] for row in tests.rows}["splits"].startswith("-0.667 ")
    assert any("3 cases" in line for line in reading(measured))


def test_many_classes_are_set_in_several_tables():
    rows = tuple(
        {"case": "a", "class": str(label)} | dict.fromkeys(METRICS, 0.5) for label in range(1, 7)
    )
    tables = means_tables(Measured({"m": MeasureTable(rows)}))
    assert [table.columns for table in tables] == [("", "1", "2", "3", "4"), ("", "5", "6", "mean")]

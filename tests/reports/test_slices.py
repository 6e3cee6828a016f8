"""The montage: planes are cut the right way up, and millimetres are true."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.reports import CLASS_COLOURS, Overlay, Panel, class_colour, plot_slices
from napari_toposeg.reports.slices import cut, draw_slice, paint, plane_extents, window_of
from napari_toposeg.volume import Volume

WINDOW = (0.0, 1.0)


def volume(voxels: np.ndarray, spacing: tuple[float, float, float] = (1, 1, 1)) -> Volume:
    """Return a volume on the patient's axes."""
    z, y, x = spacing
    return Volume(voxels, np.diag([-x, -y, z, 1.0]))


def test_the_head_is_up_and_the_patients_left_is_on_the_right() -> None:
    voxels = np.zeros((3, 4, 5))
    voxels[2, 0, 4] = 1  # the most superior, anterior, left voxel
    assert cut(voxels, "axial", (2, 0, 0))[0, -1] == 1, "anterior above, left on the right"
    assert cut(voxels, "coronal", (0, 0, 0))[0, -1] == 1, "superior above, left on the right"
    assert cut(voxels, "sagittal", (0, 0, 4))[0, 0] == 1, "superior above, anterior on the left"


def test_slices_have_the_scans_proportions_in_mm() -> None:
    panel = Panel("scan", volume(np.zeros((4, 6, 8)), (5, 2, 1)), WINDOW)
    assert plane_extents(panel.volume) == {
        "axial": (8, 12),
        "coronal": (8, 20),
        "sagittal": (12, 20),
    }
    axis = Figure().subplots()
    draw_slice(axis, panel, "coronal", (0, 0, 0))
    assert tuple(axis.images[0].get_extent()) == (0, 8, 20, 0)
    assert axis.get_aspect() in (1, "equal")


@pytest.mark.parametrize(
    ("plane", "letters"), [("axial", "RLAP"), ("coronal", "RLSI"), ("sagittal", "APSI")]
)
def test_every_slice_carries_its_letters(plane: str, letters: str) -> None:
    axis = Figure().subplots()
    draw_slice(axis, Panel("scan", volume(np.zeros((2, 2, 2))), WINDOW), plane, (0, 0, 0))
    assert "".join(text.get_text() for text in axis.texts) == letters


def test_labels_are_painted_and_background_is_not() -> None:
    labels = np.array([[0, 1], [2, 0]])
    picture = paint(labels, Overlay(labels, {1: "#ff0000", 2: "#0000ff"}, opacity=0.5))
    assert picture[0, 1].tolist() == [1, 0, 0, 0.5]
    assert picture[1, 0].tolist() == [0, 0, 1, 0.5]
    assert picture[0, 0, 3] == 0


def test_colours_repeat_after_the_last() -> None:
    assert class_colour(1) == class_colour(1 + len(CLASS_COLOURS)) != class_colour(2)


@pytest.mark.parametrize("voxels", [np.zeros((2, 2, 2)), np.full((2, 2, 2), np.nan)])
def test_a_window_is_never_empty(voxels: np.ndarray) -> None:
    low, high = window_of(voxels)
    assert low < high


def test_a_column_is_added_for_each_panel(tmp_path: Path) -> None:
    scan = volume(np.random.default_rng(0).random((4, 6, 8)))
    overlay = Overlay((scan.voxels > 0.5).astype(int), {1: class_colour(1)}, legend={"a": "red"})
    one = plot_slices([Panel("scan", scan, WINDOW)], tmp_path / "1.png", centre=(1, 2, 3))
    three = [
        Panel("a", scan, WINDOW, overlay=overlay),
        Panel("b", scan, WINDOW, "inferno", bar="HU"),
    ]
    two = plot_slices(three, tmp_path / "2.png", centre=(1, 2, 3))
    assert imread(two).shape[1] == pytest.approx(2 * imread(one).shape[1], abs=2)


def test_panels_of_different_grids_are_refused(tmp_path: Path) -> None:
    panels = [Panel(str(n), volume(np.zeros((n, 2, 2))), WINDOW) for n in (2, 3)]
    with pytest.raises(ShapeMismatch, match="resample"):
        plot_slices(panels, tmp_path / "s.png", centre=(0, 0, 0))

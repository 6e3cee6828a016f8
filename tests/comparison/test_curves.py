"""Few-label curves can be told apart without colour, on light and on dark ground."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread

from napari_toposeg.comparison.curves import (
    PAPERS,
    Theme,
    draw,
    plot_curves,
    share_scale,
    with_curves,
)
from napari_toposeg.comparison.table import Cell


def cells(arms: int) -> list[Cell]:
    """Return arms on two counts, of which one has nothing that is defined."""
    values = {
        2: np.linspace(0.5, 0.7, 6).reshape(2, 3),
        0: np.full((2, 3), np.nan),
    }
    return [
        Cell(f"arm {number}", count, "raw", (0, 1), ("x", "y", "z"), {"dice": table}, 1.0)
        for number in range(arms)
        for count, table in values.items()
    ]


def test_arms_differ_by_marker_or_line() -> None:
    panel = Figure().subplots()
    many = cells(12)
    draw(panel, many, [f"arm {number}" for number in range(12)], [2, 0], "dice")
    curves = [container.lines[0] for container in panel.containers]
    assert len(curves) == 12
    assert len({(line.get_marker(), line.get_linestyle()) for line in curves}) == 12


def test_a_curve_goes_through_the_means_within_its_intervals() -> None:
    panel = Figure().subplots()
    one = cells(1)
    draw(panel, one, ["arm 0"], [2, 0], "dice")
    (container,) = panel.containers
    heights = container.lines[0].get_ydata()
    assert heights[0] == pytest.approx(0.6) and np.isnan(heights[1])
    (low, high) = container.lines[2][0].get_segments()[0][:, 1]
    found = one[0].mean("dice")
    assert (low, high) == pytest.approx((found["low"], found["high"]))


@pytest.mark.parametrize("theme", PAPERS)
def test_each_theme_has_its_ground(theme: Theme, tmp_path: Path) -> None:
    path = plot_curves(cells(2), {"dice": "Dice"}, tmp_path / "curves.png", theme=theme)
    np.testing.assert_allclose(imread(path)[0, 0, :3], to_rgb(PAPERS[theme].ground), atol=0.01)


def test_arms_with_one_count_are_left_out_beside_curves() -> None:
    several, single = cells(2), [cell for cell in cells(4) if cell.count == 2][2:]
    assert with_curves([*several, *single]) == several
    assert with_curves(single) == single


def test_panels_share_a_scale_only_where_their_values_overlap() -> None:
    near, nearer, far = Figure().subplots(3)
    for panel, limits in ((near, (0.7, 0.9)), (nearer, (0.8, 1.0)), (far, (0.0, 0.2))):
        panel.set_ylim(limits)
    share_scale([near, nearer])
    assert near.get_ylim() == nearer.get_ylim() == (0.7, 1.0)
    share_scale([near, nearer, far])
    assert near.get_ylim() == (0.7, 1.0) and far.get_ylim() == (0.0, 0.2)

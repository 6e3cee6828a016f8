"""Pictures of diagrams: what is drawn is what is there."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread

from napari_toposeg.reports import BETTI_MARKS, plot_diagram, plot_diagrams
from napari_toposeg.reports.diagrams import draw_diagram, finite_range, limits_by_unit
from napari_toposeg.topology import PersistenceDiagram, persistence


def hollow_ball() -> np.ndarray:
    """Return a grey image of one hollow ball: one component, one cavity."""
    z, y, x = np.indices((16, 16, 16)) - 7.5
    radius = np.sqrt(z**2 + y**2 + x**2)
    return np.exp(-((radius - 5) ** 2) / 2)


@pytest.fixture(scope="module")
def diagram() -> PersistenceDiagram:
    return persistence(hollow_ball(), construction="T", superlevel=True)


def drawn(diagram: PersistenceDiagram, unit: str = "") -> dict[str, np.ndarray]:
    """Return the points of each series of a drawing, by the dimension's label."""
    axis = Figure().subplots()
    draw_diagram(axis, diagram, limits_by_unit({"": (diagram, unit)})[unit], unit)
    return {str(c.get_label()): np.asarray(c.get_offsets()) for c in axis.collections}


def test_each_feature_is_one_point(diagram: PersistenceDiagram) -> None:
    points = drawn(diagram)
    for dimension, mark in BETTI_MARKS.items():
        count = len(diagram.select(dimension))
        assert len(points[f"{mark.label}: {count}"]) == count


def test_the_cavity_of_a_hollow_ball_stands_far_from_the_diagonal(
    diagram: PersistenceDiagram,
) -> None:
    cavities = next(points for label, points in drawn(diagram).items() if label.startswith("b2"))
    birth, death = cavities[0]
    assert birth - death > 0.5


def test_what_never_dies_is_drawn_below_all_deaths(diagram: PersistenceDiagram) -> None:
    components = next(points for label, points in drawn(diagram).items() if label.startswith("b0"))
    assert np.isfinite(components).all()
    assert components[0, 1] < np.min(diagram.death[np.isfinite(diagram.death)])


def test_dimensions_differ_in_shape_and_in_lightness() -> None:
    marks = BETTI_MARKS.values()
    lightness = [np.dot(to_rgb(mark.colour), (0.2126, 0.7152, 0.0722)) for mark in marks]
    assert len({mark.shape for mark in marks}) == 3
    assert len({round(float(value), 2) for value in lightness}) == 3


def test_diagrams_of_one_unit_share_their_axes(diagram: PersistenceDiagram) -> None:
    louder = persistence(3 * hollow_ball(), construction="T", superlevel=True)
    limits = limits_by_unit({"a": (diagram, "HU"), "b": (louder, "HU"), "p": (diagram, "")})
    assert limits["HU"][1] == pytest.approx(3 * limits[""][1])


def test_an_empty_diagram_is_drawn(diagram: PersistenceDiagram, tmp_path: Path) -> None:
    nothing = diagram.rows(np.zeros(len(diagram), dtype=bool))
    assert imread(plot_diagram(nothing, tmp_path / "d.png")).ndim == 3
    assert finite_range(np.array([np.inf])) == (0.0, 1.0)


def test_titles_and_bounds_go_together(diagram: PersistenceDiagram, tmp_path: Path) -> None:
    pair = {"scan": (diagram, "HU"), "probability": (diagram, "")}
    bounds = {"scan": 0.1, "probability": 0.2}
    path = plot_diagrams(pair, tmp_path / "d.png", min_persistence=bounds)
    height, width, _ = imread(path).shape
    assert width > 1.5 * height

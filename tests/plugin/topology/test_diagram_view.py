"""The diagram view draws the rows asked for and finds the one that is clicked."""

import numpy as np
import pytest

from napari_toposeg.plugin.topology import diagram_view
from napari_toposeg.plugin.topology.diagram_view import DiagramView, shown_rows, value_range
from napari_toposeg.topology import PersistenceDiagram


def diagram(superlevel: bool = False) -> PersistenceDiagram:
    """One endless component, one component, one loop, one cavity."""
    death = np.array([np.inf, 4.0, 9.0, 10.0])
    sign = -1.0 if superlevel else 1.0
    return PersistenceDiagram(
        dimension=np.array([0, 0, 1, 2], np.int8),
        birth=sign * np.array([0.0, 1.0, 3.0, 8.0]),
        death=sign * death,
        birth_voxel=np.array([0, 1, 2, 3]),
        death_voxel=np.array([-1, 5, 6, 7]),
        shape=(2, 2, 2),
        superlevel=superlevel,
    )


@pytest.fixture
def view(qtbot) -> DiagramView:
    view = DiagramView()
    qtbot.addWidget(view)
    view.resize(300, 300)
    with qtbot.waitExposed(view):
        view.show()
    return view


def test_rows_are_filtered_and_the_most_persistent_come_first() -> None:
    assert list(shown_rows(diagram(), (0, 1, 2), 0.0)) == [0, 2, 1, 3]
    assert list(shown_rows(diagram(), (1, 2), 0.0)) == [2, 3]
    assert list(shown_rows(diagram(), (0, 1, 2), 3.0)) == [0, 2]


def test_too_many_points_leave_out_the_least_persistent(monkeypatch) -> None:
    monkeypatch.setattr(diagram_view, "MOST_POINTS", 2)
    assert list(shown_rows(diagram(), (0, 1, 2), 0.0)) == [0, 2]


def test_the_range_leaves_endless_deaths_out() -> None:
    assert value_range(diagram()) == (0.0, 10.0)
    assert value_range(diagram(superlevel=True)) == (-10.0, 0.0)


def test_each_dimension_has_its_own_symbol_and_colour(view) -> None:
    view.set_diagram(diagram())
    drawn = [(item.opts["symbol"], item.opts["brush"].color().name()) for item in view._points]
    assert len({symbol for symbol, _ in drawn}) == len({colour for _, colour in drawn}) == 3
    assert [len(item.data) for item in view._points] == [2, 1, 1]


@pytest.mark.parametrize("superlevel", [False, True])
def test_endless_features_lie_beyond_the_finite_ones(view, superlevel: bool) -> None:
    view.set_diagram(diagram(superlevel))
    _, deaths = view._places(np.arange(4))
    assert deaths[0] == (min(deaths) if superlevel else max(deaths))
    assert np.isfinite(deaths).all()


def test_a_click_on_a_point_finds_its_row_and_one_beside_finds_none(view, qtbot) -> None:
    view.set_diagram(diagram())
    place = view.plot.getViewBox().mapViewToScene(diagram_view.pg.Point(3.0, 9.0))
    assert view.row_at(place.x() + 3, place.y() - 3) == 2
    assert view.row_at(place.x() + 60, place.y() + 60) is None


def test_a_real_click_tells_the_row(view, qtbot) -> None:
    from qtpy.QtCore import Qt

    view.set_diagram(diagram())
    box = view.plot.getViewBox()
    place = view.plot.mapFromScene(box.mapViewToScene(diagram_view.pg.Point(8.0, 10.0)))
    with qtbot.waitSignal(view.picked) as picked:
        qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert picked.args == [3]


def test_an_empty_view_finds_nothing(view) -> None:
    view.set_diagram(None)
    assert view.row_at(50, 50) is None
    view.show_rows((0, 1, 2), 0.0)
    assert len(view.shown) == 0

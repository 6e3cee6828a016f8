"""The three views show the same rows, find what is clicked, and select what is drawn around."""

import numpy as np
import pyqtgraph as pg
import pytest
from qtpy.QtCore import QPoint, Qt
from tests.plugin.topology.made_features import four, many, two_layers

from napari_toposeg.plugin.topology.diagram.barcode import in_bands
from napari_toposeg.plugin.topology.diagram.feature_plot import NONE
from napari_toposeg.plugin.topology.diagram.view import DiagramView


@pytest.fixture
def view(qtbot) -> DiagramView:
    view = DiagramView()
    qtbot.addWidget(view)
    view.resize(320, 320)
    with qtbot.waitExposed(view):
        view.show()
    return view


def show(view: DiagramView, features, qtbot) -> None:
    view.show_features(features, features.shown(range(3), 0.0))
    qtbot.wait(30)


def place(view: DiagramView, x: float, y: float) -> QPoint:
    """Return the pixel of a place of the plot that is seen."""
    plot = view.plot
    return plot.mapFromScene(plot.box.mapViewToScene(pg.Point(x, y)))


def drag(view: DiagramView, qtbot, corners, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """Drag the mouse over places of the plot that is seen."""
    target, left = view.plot.viewport(), Qt.MouseButton.LeftButton
    pixels = [place(view, *corner) for corner in corners]
    qtbot.mousePress(target, left, modifier, pos=pixels[0])
    for pixel in pixels[1:]:
        move(target, pixel, left, modifier)
        qtbot.wait(30)
    qtbot.mouseRelease(target, left, modifier, pos=pixels[-1])


def move(target, pixel, button, modifier) -> None:
    """Move the mouse with a button down, which qtbot's moves do not say."""
    from qtpy.QtCore import QEvent, QPointF
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(pixel),
        QPointF(target.mapToGlobal(pixel)),
        Qt.MouseButton.NoButton,
        button,
        modifier,
    )
    QApplication.sendEvent(target, event)


def test_each_dimension_has_its_own_symbol_and_colour(view, qtbot) -> None:
    show(view, four(), qtbot)
    items = [view.diagram.marks.items[k, 0] for k in range(3)]
    drawn = [(item.opts["symbol"], item.opts["brush"].color().name()) for item in items]
    assert len({symbol for symbol, _ in drawn}) == len({colour for _, colour in drawn}) == 3
    assert [len(item.data) for item in items] == [2, 1, 1]


def test_what_only_one_layer_has_is_told_without_colour(view, qtbot) -> None:
    show(view, two_layers(), qtbot)
    marks = view.diagram.marks.items
    assert [len(marks[1, look].data) for look in range(4)] == [1, 1, 1, 1]
    brushes = [marks[1, look].opts["brush"].style() for look in range(4)]
    assert brushes[0] == brushes[1] != brushes[2] == brushes[3] == Qt.BrushStyle.NoBrush
    assert marks[1, 2].opts["symbol"] != marks[1, 3].opts["symbol"]
    assert len(view.diagram.pairs.xData) == 4


@pytest.mark.parametrize("superlevel", [False, True])
def test_endless_features_lie_beyond_the_finite_ones(view, qtbot, superlevel: bool) -> None:
    show(view, four(superlevel), qtbot)
    _, deaths = view.diagram.places(np.arange(4))
    assert deaths[0] == (min(deaths) if superlevel else max(deaths))
    assert np.isfinite(deaths).all()


def test_a_real_click_on_a_point_tells_its_row(view, qtbot) -> None:
    show(view, four(), qtbot)
    with qtbot.waitSignal(view.picked) as picked:
        qtbot.mouseClick(
            view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place(view, 8.0, 10.0)
        )
    assert picked.args == [3]


def test_points_on_the_same_pixels_are_one_mark_and_all_can_be_hit(view, qtbot) -> None:
    features = many(30_000)
    show(view, features, qtbot)
    assert view.diagram.marks.drawn < 15_000
    assert f"{view.diagram.marks.drawn:,} marks for 30,000 features" in view.diagram.note.text
    pixel = view.diagram.box.viewPixelSize()
    for row in view.shown[[100, 20_000, 29_999]]:
        (x,), (y,) = view.diagram.places(np.array([row]))
        scene = view.diagram.box.mapViewToScene(pg.Point(x, y))
        found = view.diagram.row_at(scene.x(), scene.y())
        (u,), (v,) = view.diagram.places(np.array([found]))
        assert abs(u - x) < pixel[0] and abs(v - y) < pixel[1]


def test_zooming_in_shows_every_point_and_takes_the_note_away(view, qtbot) -> None:
    show(view, many(30_000), qtbot)
    view.diagram.box.setRange(xRange=(0.5, 0.52), yRange=(0.2, 0.22), padding=0)
    qtbot.waitUntil(lambda: view.diagram.note.text == "", timeout=2000)
    assert view.diagram.marks.drawn > 0


@pytest.mark.parametrize("by_key", [False, True])
def test_a_box_drawn_by_the_mouse_selects_what_lies_in_it(view, qtbot, by_key: bool) -> None:
    show(view, four(), qtbot)
    if not by_key:
        view.mode_buttons["box"].click()
    key = Qt.KeyboardModifier.ShiftModifier if by_key else Qt.KeyboardModifier.NoModifier
    before = view.plot.box.viewRange()
    with qtbot.waitSignal(view.chosen) as chosen:
        drag(view, qtbot, [(2.0, 8.0), (4, 9), (9.0, 10.5)], key)
    assert sorted(chosen.args[0]) == [2, 3]
    assert view.plot.box.viewRange() == before


def test_a_lasso_selects_what_lies_in_it_and_not_in_its_box(view, qtbot) -> None:
    show(view, four(), qtbot)
    view.mode_buttons["lasso"].click()
    with qtbot.waitSignal(view.chosen) as chosen:
        drag(view, qtbot, [(0.5, 3), (2, 3), (9, 9.5), (9, 10.4), (7.5, 10.4), (0.5, 5)])
    assert sorted(chosen.args[0]) == [1, 3]


def test_a_drag_in_the_first_mode_moves_the_view_and_selects_nothing(view, qtbot) -> None:
    show(view, four(), qtbot)
    before = view.plot.box.viewRange()
    drag(view, qtbot, [(2.0, 8.0), (4, 9), (9.0, 10.5)])
    assert view.plot.box.viewRange() != before


def test_a_click_beside_all_ends_a_selection(view, qtbot) -> None:
    show(view, four(), qtbot)
    view.choose(np.array([1, 2]))
    assert len(view.diagram.rings.data) == 2
    with qtbot.waitSignal(view.chosen) as chosen:
        qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place(view, 9, 2))
    assert len(chosen.args[0]) == 0


def test_bars_lie_in_bands_a_pair_side_by_side() -> None:
    features = two_layers()
    rows = features.shown(range(3), 0.0)
    assert list(in_bands(features, rows)) == [0, 3, 1, 4, 2, 5]


def test_a_click_on_a_bar_is_a_click_on_its_point(view, qtbot) -> None:
    show(view, four(), qtbot)
    view.show_view("barcode")
    qtbot.wait(30)
    line = list(view.barcode.lines).index(2)
    with qtbot.waitSignal(view.picked) as picked:
        qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place(view, 6, line))
    assert picked.args == [2]


def test_too_many_bars_are_drawn_in_part_and_it_is_said(view, qtbot) -> None:
    view.show_view("barcode")
    show(view, many(5_000), qtbot)
    assert "one bar in" in view.barcode.note.text
    view.barcode.box.setRange(yRange=(0, 20), padding=0)
    qtbot.waitUntil(lambda: view.barcode.note.text == "", timeout=2000)
    np.testing.assert_array_equal(view.barcode.in_view(), np.arange(21))


def test_the_line_of_the_betti_curve_gives_the_numbers_of_each_layer(view, qtbot) -> None:
    show(view, two_layers(), qtbot)
    view.show_view("betti")
    view.betti.line.setValue(2.25)
    assert view.betti.numbers() == [(1, 1, 0), (1, 1, 0)]
    view.betti.line.setValue(5.5)
    assert view.betti.numbers() == [(1, 1, 0), (1, 1, 0)]
    view.betti.line.setValue(7.25)
    assert view.betti.numbers() == [(1, 0, 0), (1, 1, 0)]


def test_a_click_in_the_betti_curve_moves_the_line_there(view, qtbot) -> None:
    show(view, four(), qtbot)
    view.show_view("betti")
    qtbot.wait(30)
    qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=place(view, 3.5, 1.0))
    qtbot.waitUntil(lambda: abs(view.betti.line.value() - 3.5) < 0.2)
    assert view.betti.numbers() == [(2, 1, 0)]


def test_what_is_clicked_and_selected_goes_from_view_to_view(view, qtbot) -> None:
    show(view, four(), qtbot)
    view.highlight(2)
    view.choose(np.array([1]))
    view.show_view("barcode")
    assert len(view.barcode.over[0].xData) == len(view.barcode.over[1].xData) == 2


def test_an_empty_view_finds_nothing(view) -> None:
    view.show_features(None, NONE)
    for name in ("barcode", "betti", "diagram"):
        view.show_view(name)
        assert view.plot.row_at(50, 50) is None

"""The list of features sorts by numbers, and a line that is gone to picks its feature."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.plugin.topology.made_features import four, many, two_layers

from napari_toposeg.plugin.topology.diagram.table import FeatureTable, cell


@pytest.fixture
def table(qtbot) -> FeatureTable:
    table = FeatureTable()
    qtbot.addWidget(table)
    table.resize(320, 200)
    with qtbot.waitExposed(table):
        table.show()
    return table


def fill(table: FeatureTable, features) -> None:
    table.list_rows(features, features.shown(range(3), 0.0))
    table.fill_now()


def test_a_line_says_all_of_a_feature() -> None:
    features = four()
    assert [cell(features, 2, column) for column in range(5)] == ["▲ b1", "3", "9", "6", "0, 0, 2"]
    assert [cell(features, 0, column) for column in (2, 3)] == ["never", "∞"]
    both = two_layers()
    assert [cell(both, row, 5) for row in (1, 4, 2, 5)] == [
        "both, 1",
        "both, 2",
        "only 1",
        "only 2",
    ]


@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_headings_sort_by_number_both_ways(table, column: int) -> None:
    features = many(500)
    fill(table, features)
    values = [features.dimension, features.birth, features.death, features.persistence][column]
    table.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    assert (np.diff(values[table.features_model.rows].astype(float)) >= 0).all()
    table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    assert (np.diff(values[table.features_model.rows].astype(float)) <= 0).all()


def test_the_order_stays_when_other_rows_are_listed(table) -> None:
    features = many(500)
    fill(table, features)
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    table.list_rows(features, features.shown((1,), 0.2))
    table.fill_now()
    rows = table.features_model.rows
    assert set(features.dimension[rows]) == {1}
    assert (np.diff(features.birth[rows]) >= 0).all()


def test_a_click_on_a_line_picks_its_feature(table, qtbot) -> None:
    fill(table, four())
    where = table.visualRect(table.features_model.index(1, 1)).center()
    with qtbot.waitSignal(table.picked) as picked:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert picked.args == [2]


def test_a_row_shown_from_elsewhere_is_marked_and_not_picked(table, qtbot) -> None:
    fill(table, many(500))
    row = int(table.features_model.rows[400])
    with qtbot.assertNotEmitted(table.picked):
        table.show_row(row)
    assert table.currentIndex().row() == 400
    assert table.visualRect(table.currentIndex()).intersects(table.viewport().rect())


def test_two_layers_have_one_column_more(table) -> None:
    fill(table, four())
    assert table.features_model.columnCount() == 5
    fill(table, two_layers())
    assert table.features_model.columnCount() == 6

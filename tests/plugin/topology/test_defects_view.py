"""The list of defects: sorted by number, stepped through in the order shown."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_toposeg.plugin.topology.defects_view import DefectsView, cell_text, changing
from napari_toposeg.plugin.widgets.plotting import KIND_COLOURS, kind_colours
from napari_toposeg.plugin.widgets.sorted_table import SORT_ROLE
from napari_toposeg.topology import KINDS, Defects


def three_defects() -> Defects:
    """A bridge of 5 voxels, a speck of 1, and a harmless rim of 100."""
    labels = np.zeros((4, 12, 12), np.int32)
    labels[0, 0, :5], labels[1, 3, 3], labels[2:, :5, :10] = 1, 2, 3
    return Defects(
        labels=labels,
        kind=np.array(["merges", "spurious", "harmless"]),
        change=np.array([[1, 0, 0], [-1, 0, 0], [0, 0, 0]]),
        size=np.array([5, 1, 100]),
        centre=np.array([[0, 0, 2], [1, 3, 3], [2, 2, 4]]),
        connectivity=26,
    )


@pytest.fixture
def view(qtbot) -> DefectsView:
    view = DefectsView()
    qtbot.addWidget(view)
    view.set_defects(three_defects())
    return view


def shown(view: DefectsView, column: int = 0) -> list[str]:
    model = view.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_the_largest_defect_comes_first(view) -> None:
    assert shown(view) == ["harmless", "merges", "spurious"]


def test_sizes_are_sorted_as_numbers(view) -> None:
    view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert shown(view, 1) == ["1", "5", "100"]


@pytest.mark.parametrize("column", range(4))
def test_every_column_can_be_sorted(view, column: int) -> None:
    view.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    model = view.model()
    keys = [model.index(row, column).data(SORT_ROLE) for row in range(3)]
    assert keys == sorted(keys)


def test_changes_carry_their_sign() -> None:
    assert cell_text(three_defects(), 0, 2) == "+1 0 0"
    assert cell_text(three_defects(), 1, 2) == "-1 0 0"
    assert cell_text(three_defects(), 1, 3) == "1 3 3"


def test_stepping_follows_the_order_shown_and_goes_around(view, qtbot) -> None:
    chosen: list[int] = []
    view.chosen.connect(chosen.append)
    for _ in range(4):
        view.step(True)
    view.step(False)
    assert chosen == [3, 1, 2, 3, 2]


def test_stepping_back_first_begins_at_the_end(view) -> None:
    chosen: list[int] = []
    view.chosen.connect(chosen.append)
    view.step(False)
    assert chosen == [2]


def test_an_empty_list_has_no_step(view) -> None:
    view.set_defects(None)
    view.chosen.connect(lambda _: pytest.fail("there is nothing to choose"))
    view.step(True)


def test_only_defects_that_change_a_number_are_kept_and_numbered_anew() -> None:
    kept = changing(three_defects())
    assert list(kept.kind) == ["merges", "spurious"]
    assert [(kept.labels == i).sum() for i in (1, 2, 3)] == [5, 1, 0]


def test_every_kind_has_a_colour_of_its_own() -> None:
    assert set(KIND_COLOURS) == set(KINDS)
    assert len(set(kind_colours(KINDS).values())) == len(KINDS)

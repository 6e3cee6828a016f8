"""The list of errors: sorted, filtered and stepped through; every kind has a sign of its own."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_toposeg.plugin.topology.errors.defects_view import DefectsView, Filter, short
from napari_toposeg.plugin.topology.errors.found_defects import FoundDefects
from napari_toposeg.plugin.topology.errors.kind_icons import icon_of
from napari_toposeg.plugin.topology.errors.kinds import EDIT_STYLES, STYLES, in_order, word_of
from napari_toposeg.plugin.topology.errors.overlays import kind_codes
from napari_toposeg.plugin.topology.errors.wanted_defects import APART
from napari_toposeg.topology import KINDS

NAMES = {1: "artery", 2: "airway"}


def three_defects() -> FoundDefects:
    """A bridge of 5 voxels, a speck of 1 of another class, and a harmless rim of 100."""
    return FoundDefects(
        label=np.array([1, 2, 1]),
        kind=np.array(["merges", "spurious", "harmless"]),
        adds=np.array([False, False, False]),
        change=np.array([[1, 0, 0], [-1, 0, 0], [0, 0, 0]]),
        cost=np.array([2.5, 9.0, 0.1]),
        centre=np.array([[0, 0, 2], [1, 3, 3], [2, 2, 4]]),
        voxels=np.concatenate([np.arange(5), [183], np.arange(300, 400)]),
        first=np.array([0, 5, 6, 106]),
        shape=(4, 12, 12),
        voxel_mm3=0.5,
    )


@pytest.fixture
def view(qtbot) -> DefectsView:
    view = DefectsView()
    qtbot.addWidget(view)
    view.set_defects(three_defects(), NAMES, "truth")
    return view


def shown(view: DefectsView, column: int = 0) -> list[str]:
    model = view.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_the_largest_error_comes_first_with_kind_and_class(view):
    assert shown(view) == ["harmless: artery", "merges: artery", "spurious: airway"]


@pytest.mark.parametrize(("column", "first"), [(1, "1"), (2, "0.5"), (3, "0.1"), (4, "0 0 0")])
def test_every_column_is_sorted_as_numbers(view, column, first):
    view.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    assert shown(view, column)[0] == first


def test_sizes_are_in_voxels_and_in_cubic_millimetres(view):
    assert shown(view, 1) == ["100", "5", "1"]
    assert shown(view, 2) == ["50", "2.5", "0.5"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.003, "<0.01"), (0.5, "0.5"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_sizes_and_costs_are_short(value, text):
    assert short(value) == text


def test_stepping_follows_the_order_shown_and_goes_around(view):
    chosen: list[int] = []
    view.chosen.connect(chosen.append)
    for _ in range(4):
        view.step(True)
    view.step(False)
    assert chosen == [2, 0, 1, 2, 1]


def test_stepping_follows_the_filter(view):
    chosen: list[int] = []
    view.chosen.connect(chosen.append)
    view.show_only(np.array([True, True, False]))
    for _ in range(3):
        view.step(True)
    assert chosen == [0, 1, 0]


def test_the_chosen_error_stays_chosen_and_is_not_gone_to_again(view):
    view.step(True)
    view.step(True)
    view.chosen.connect(lambda _: pytest.fail("it was gone to already"))
    view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert view.number == 0 and view.currentIndex().row() == 1


def test_an_empty_list_has_no_step(view):
    view.set_defects(None, {}, "truth")
    view.chosen.connect(lambda _: pytest.fail("there is nothing to choose"))
    view.step(True)


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (Filter(), [0, 1, 2]),
        (Filter(quiet=False), [0, 1]),
        (Filter(kinds=frozenset({"merges", "harmless"})), [0, 2]),
        (Filter(label=2), [1]),
        (Filter(words="art"), [0, 2]),
        (Filter(words="ART merg"), [0]),
        (Filter(words="loop"), []),
        (Filter(least=5), [0, 2]),
    ],
)
def test_what_is_listed_follows_kind_class_words_and_size(wanted, rows):
    accepted = wanted.accepts(three_defects(), NAMES, "truth")
    assert np.flatnonzero(accepted).tolist() == rows


def test_words_are_those_that_are_shown():
    """Against a reference a piece that only one label map has is named by where it is."""
    even = Filter(words="here").accepts(three_defects(), NAMES, "reference")
    assert np.flatnonzero(even).tolist() == [0, 1]
    assert not Filter(words="here").accepts(three_defects(), NAMES, "truth").any()


def test_every_kind_has_a_sign_of_its_own_without_its_colour(qapp):
    assert set(STYLES) == {*KINDS, APART}
    signs = {(style.shape, style.letter) for style in STYLES.values()}
    assert len(signs) == len(STYLES) and len({s.colour for s in STYLES.values()}) == len(STYLES)
    edits = {(style.shape, style.letter) for style in EDIT_STYLES.values()}
    assert len(edits) == len(EDIT_STYLES)
    drawn = [icon_of(style).pixmap(16).toImage() for style in STYLES.values()]
    for place, picture in enumerate(drawn):
        assert all(picture != other for other in drawn[:place])


def test_against_a_reference_no_word_takes_sides():
    sides = ("spurious", "missing", "splits", "merges", "breaks", "fills")
    assert not any(side in word_of(kind, "reference") for kind in STYLES for side in sides)


def test_an_error_that_changes_a_number_is_seen_where_it_shares_a_voxel():
    defects = three_defects()
    voxels = defects.voxels.copy()
    voxels[6] = 183
    defects = replace(defects, voxels=voxels)
    kinds = in_order(set(defects.kind.tolist()))
    codes = kind_codes(defects, kinds).ravel()
    assert kinds[codes[183] - 1] == "spurious"
    only = kind_codes(defects, kinds, np.array([True, False, False])).ravel()
    assert np.flatnonzero(only).tolist() == [0, 1, 2, 3, 4]

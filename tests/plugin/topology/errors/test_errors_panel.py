"""The Errors page: compared, looked at, filtered, counted again, handed over to Repair."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

sys.path.append(str(Path(__file__).parent))

from tests.plugin.topology.label_maps import two_bars, two_classes

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import DEFECTS, EDITS, HERE, ROLE, layer_with, voxel_at
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.betti_table import betti_text
from napari_toposeg.plugin.topology.errors.comparison import compare_labels
from napari_toposeg.plugin.topology.errors.counting import BettiRow
from napari_toposeg.plugin.topology.errors.label_inputs import is_label_map, is_probability
from napari_toposeg.plugin.topology.tab import TopologyTab
from napari_toposeg.progress import finish
from napari_toposeg.topology import BettiNumbers

SCALE, TRANSLATE = (2.0, 1.0, 0.5), (100.0, -7.0, 3.0)
PLACE = {"scale": SCALE, "translate": TRANSLATE, "units": ("mm",) * 3}
MINUTE = 60_000


@pytest.fixture
def session() -> Session:
    return Session(ViewerModel())


@pytest.fixture
def tab(session, qtbot) -> Iterator[TopologyTab]:
    tab = TopologyTab(session)
    qtbot.addWidget(tab)
    tab.pages.setCurrentWidget(tab.comparison)
    with qtbot.waitExposed(tab):
        tab.show()
    yield tab
    session.close()
    assert session.job is None or session.job.join(20)


def add(session, labels, name, **more):
    return session.viewer.add_labels(labels, name=name, **PLACE, **more)


def compare(tab, qtbot) -> None:
    with qtbot.waitSignal(tab.comparison._session.job_ended, timeout=MINUTE):
        tab.comparison.compare()


@pytest.fixture
def compared(tab, session, qtbot) -> TopologyTab:
    """The tab with the two bars compared."""
    prediction, truth = two_bars()
    tab.comparison.prediction.choose(add(session, prediction, "prediction"))
    tab.comparison.truth.choose(add(session, truth, "truth"))
    compare(tab, qtbot)
    return tab


def world(voxel) -> np.ndarray:
    return np.array(TRANSLATE) + np.array(voxel) * SCALE


def press(keys, key: str) -> None:
    """Call what a key is bound to on a viewer or layer."""
    for binding, function in keys.keymap.items():
        if str(binding) == key:
            function(keys)
            return
    pytest.fail(f"{key} is not bound")


def cells(tab, line: int) -> list[str]:
    return [tab.comparison.table.item(line, k).text() for k in range(4)]


def test_the_error_is_written_as_a_subtraction():
    row = BettiRow("vessel", BettiNumbers(3, 0, 0), BettiNumbers(2, 0, 0))
    assert betti_text(row, 0) == "3 - 2\n= +1"
    assert betti_text(row, 1) == "0 - 0\n= 0"
    assert betti_text(row, 0, BettiNumbers(2, 0, 0)) == "3 - 2\n= +1 → 2"
    assert betti_text(BettiRow("vessel", BettiNumbers(3, 0, 0), None), 0) == "3"


def test_the_overlay_marks_each_error_in_the_colour_of_its_kind(compared, session):
    overlay = layer_with(session.viewer, DEFECTS)
    names = list(overlay.features["error"])
    assert sorted(names[1:]) == ["merges", "splits", "spurious"]
    prediction, truth = two_bars()
    np.testing.assert_array_equal(overlay.data > 0, prediction != truth)
    assert names[overlay.data[8, 1, 1]] == "spurious"
    assert len({tuple(overlay.get_color(code)) for code in (1, 2, 3)}) == 3
    np.testing.assert_allclose(overlay.translate, TRANSLATE)


def test_comparing_again_fills_the_same_overlay(compared, session, qtbot):
    count = len(session.viewer.layers)
    compare(compared, qtbot)
    assert len(session.viewer.layers) == count


def test_a_ring_about_an_error_that_is_gone_is_hidden(compared, session, qtbot):
    press(session.viewer, "N")
    assert layer_with(session.viewer, HERE).visible
    compare(compared, qtbot)
    assert not layer_with(session.viewer, HERE).visible
    press(session.viewer, "N")
    assert layer_with(session.viewer, HERE).visible


def test_n_and_p_step_through_the_errors_and_centre_them(compared, session):
    viewer = session.viewer
    seen = []
    for key in ("N", "N", "N", "P"):
        press(viewer, key)
        z, y, x = voxel_at(viewer, viewer.layers["prediction"], viewer.dims.point)
        seen.append(layer_with(viewer, DEFECTS).data[z, y, x])
        np.testing.assert_allclose(viewer.scene.camera.center[-2:], world((z, y, x))[-2:])
    assert len(set(seen[:3])) == 3 and seen[3] == seen[1]
    here = layer_with(viewer, HERE)
    np.testing.assert_array_equal(here.data[0], (z, y, x))
    assert here.features["kind"][0] == layer_with(viewer, DEFECTS).features["error"][seen[3]]


def test_p_steps_on_the_overlay_too_where_it_would_paint(compared, session):
    overlay = layer_with(session.viewer, DEFECTS)
    press(overlay, "P")
    first = tuple(session.viewer.dims.point)
    press(overlay, "N")
    assert tuple(session.viewer.dims.point) != first


def test_a_click_in_the_legend_filters_list_overlay_and_steps(compared, session):
    panel = compared.comparison
    assert {k: b.text() for k, b in panel.list.legend.buttons.items()} == {
        "splits": "splits 1",
        "merges": "merges 1",
        "spurious": "spurious 1",
    }
    panel.list.legend.buttons["spurious"].click()
    overlay = layer_with(session.viewer, DEFECTS)
    assert np.argwhere(overlay.data).tolist() == [[8, 1, 1]]
    for _ in range(2):
        press(session.viewer, "N")
        assert voxel_at(session.viewer, overlay, session.viewer.dims.point) == (8, 1, 1)
    panel.list.legend.buttons["spurious"].click()
    assert len(panel.list.shown) == 3


def test_words_and_a_least_size_filter(compared, qtbot):
    errors = compared.comparison.list
    with qtbot.waitSignal(errors.filtered):
        errors.bar.least.setValue(3)
    assert len(errors.shown) == 1 and "1 of 3" in errors.summary.text()
    errors.bar.least.setValue(1)
    with qtbot.waitSignal(errors.filtered):
        errors.bar.words.setText("spl")
    assert compared.comparison.defects.kind[errors.shown].tolist() == ["splits"]


def test_numbers_with_the_chosen_error_mended_stand_at_once(compared):
    panel = compared.comparison
    panel.go_to(int(np.flatnonzero(panel.defects.kind == "splits")[0]))
    assert cells(compared, 0)[1] == "3 - 2\n= +1 → 2"
    assert "exact" in panel.note.text()


def test_numbers_with_all_listed_mended_are_counted(compared, session, qtbot):
    panel = compared.comparison
    with qtbot.waitSignal(session.job_ended, timeout=MINUTE):
        panel.mend.click()
    assert cells(compared, 0)[1] == "3 - 2\n= +1 → 2"
    assert "all 3 listed" in panel.note.text() and "counted" in panel.note.text()
    panel.list.legend.buttons["merges"].click()
    assert cells(compared, 0)[1] == "3 - 2\n= +1", "other errors are listed now"


def test_against_another_prediction_no_word_takes_sides(compared, session, qtbot):
    form = compared.comparison.form
    form.against.setCurrentIndex(form.against.findData("reference"))
    compare(compared, qtbot)
    words = list(layer_with(session.viewer, DEFECTS).features["error"])[1:]
    assert words == ["parted here", "joined here", "only here"]
    assert "here - there" in compared.comparison.note.text()


def test_wanted_numbers_take_the_place_of_a_truth(tab, session, qtbot):
    form = tab.comparison.form
    form.prediction.choose(add(session, two_bars()[0], "prediction"))
    form.against.setCurrentIndex(form.against.findData("wanted"))
    assert form.wanted.isVisible() and not form.truth.isVisible()
    compare(tab, qtbot)
    assert cells(tab, 0)[1] == "3 - 1\n= +2"
    words = list(layer_with(session.viewer, DEFECTS).features["error"])[1:]
    assert "splits" in words and "spurious" in words


def test_errors_against_wanted_numbers_can_be_repaired(tab, session, qtbot):
    form = tab.comparison.form
    layer = add(session, two_bars()[0], "prediction")
    form.prediction.choose(layer)
    form.against.setCurrentIndex(form.against.findData("wanted"))
    compare(tab, qtbot)
    tab.comparison.repair.click()
    assert tab.pages.currentWidget() is tab.repair and tab.repair.proposal.edits
    assert not layer_with(session.viewer, DEFECTS).visible
    press(session.viewer, "N")
    assert tuple(layer_with(session.viewer, HERE).data[0].astype(int)) in {
        each.centre for each in tab.repair.proposal.edits
    }
    press(layer_with(session.viewer, EDITS), "P")


def test_without_a_truth_numbers_are_counted(tab, session, qtbot):
    tab.comparison.prediction.choose(add(session, two_bars()[0], "prediction"))
    compare(tab, qtbot)
    assert cells(tab, 0) == ["label 1", "3", "0", "0"]
    assert "numbers only" in tab.comparison.list.summary.text()
    assert not tab.comparison.next.isEnabled() and not tab.comparison.mend.isEnabled()


def test_classes_are_named_and_can_be_chosen(tab, session, qtbot):
    prediction, truth = two_classes()
    names = {"class": ["background", "artery", "airway"]}
    form = tab.comparison.form
    form.prediction.choose(add(session, truth, "prediction", features=names))
    form.truth.choose(add(session, prediction, "truth"))
    assert [form.value.itemText(k) for k in range(4)] == [
        "each class",
        "all together",
        "artery",
        "airway",
    ]
    compare(tab, qtbot)
    assert [cells(tab, line)[0] for line in range(3)] == ["all", "artery", "airway"]
    view = tab.comparison.list.table
    texts = {view.columns.columns[0].text(row) for row in range(len(tab.comparison.defects))}
    assert "spurious: airway" in texts
    bar = tab.comparison.list.bar
    bar.label.setCurrentIndex(bar.label.findData(2))
    assert len(tab.comparison.list.shown) == 1


def test_only_label_maps_on_the_same_grid_are_offered(compared, session):
    form = compared.comparison.form
    assert not is_label_map(layer_with(session.viewer, DEFECTS))
    note = session.viewer.add_labels(np.zeros((2, 2, 2), int), metadata={ROLE: "annotation"})
    assert not is_label_map(note)
    session.viewer.add_labels(np.zeros((2, 2, 2), int), name="elsewhere")
    offered = [form.truth.itemText(k) for k in range(form.truth.count())]
    assert offered == ["none: only count", "truth"]


def test_only_probabilities_on_the_same_grid_are_offered(compared, session):
    shape = two_bars()[0].shape
    add_image = session.viewer.add_image
    fits = add_image(np.full(shape, 0.5), name="fits", contrast_limits=(0, 1), **PLACE)
    scan = add_image(np.full(shape, 0.5), name="scan", contrast_limits=(-900, 200), **PLACE)
    add_image(np.full((2, 2, 2), 0.5), name="small", contrast_limits=(0, 1))
    assert is_probability(fits) and not is_probability(scan)
    picker = compared.comparison.form.probability
    assert [picker.itemText(k) for k in range(picker.count())] == ["none", "fits"]


def test_a_layer_of_other_values_is_refused_with_the_reason(compared, session, qtbot):
    values = np.full(two_bars()[0].shape, 40.0)
    layer = session.viewer.add_image(values, name="odd", contrast_limits=(0, 1), **PLACE)
    compared.comparison.form.probability.choose(layer)
    compared.comparison.compare()
    with qtbot.waitSignal(session.job.failed, timeout=MINUTE) as failed:
        pass
    assert isinstance(failed.args[0], InvalidConfig)
    assert "odd has values from 40 to 40" in str(failed.args[0])


def test_a_layer_removed_meanwhile_is_no_error(compared, session):
    session.viewer.layers.remove("prediction")
    press(session.viewer, "N")
    compared.comparison.list.legend.buttons["merges"].click()
    with pytest.raises(InvalidConfig, match="no label map"):
        session.viewer.layers.remove("truth")
        compared.comparison.compare()


def test_the_form_folds_to_a_line_once_there_is_a_result(compared):
    panel = compared.comparison
    assert not panel.form.isVisible()
    assert panel.fold.text() == "prediction against truth"
    panel.fold.click()
    assert panel.form.isVisible()


@pytest.fixture
def lazy(tab, session, count_chunks):
    """Two label maps of two classes that are not in memory, drawn and chosen."""
    truth, prediction = (count_chunks(labels, (4, 6, 10)) for labels in two_classes())
    layers = [add(session, each.array, name) for each, name in ((prediction, "p"), (truth, "t"))]
    form = tab.comparison.form
    form.prediction.choose(layers[0])
    form.truth.choose(layers[1])
    for each in (prediction, truth):
        assert each.in_window, "napari draws a slice of it there, and that is noted"
        each.forget()
    return tab, prediction, truth


def test_label_maps_that_are_not_in_memory_are_compared_in_the_background(lazy, session, qtbot):
    tab, prediction, truth = lazy
    compare(tab, qtbot)
    found = tab.comparison.result
    assert not prediction.in_window and not truth.in_window
    for each in (prediction, truth):
        assert len(each.chunks) == len(set(each.chunks)) == each.array.npartitions
    expected = finish(compare_labels(prediction.voxels, truth.voxels, spacing=SCALE))
    assert list(found.rows()) == list(expected.rows())
    assert list(found.number_rows()) == list(expected.number_rows())
    prediction.forget()
    with qtbot.waitSignal(session.job_ended, timeout=MINUTE):
        tab.comparison.count_listed()
    assert prediction.chunks == [], "what was judged is in memory"


def test_their_classes_are_listed_when_a_person_wishes_it(lazy, session, qtbot):
    tab, prediction, _ = lazy
    form = tab.comparison.form
    assert [form.value.itemText(k) for k in range(form.value.count())] == [
        "each class",
        "all together",
    ]
    form.against.setCurrentIndex(form.against.findData("wanted"))
    assert form.unread.isVisible() and not form.wanted.isVisible()
    assert not tab.repair.form.unread.isHidden()
    assert prediction.chunks == [], "nothing is read before someone asks"
    with pytest.raises(InvalidConfig, match="not known yet"):
        tab.comparison.compare()
    with qtbot.waitSignal(session.job_ended, timeout=MINUTE):
        form.unread.button.click()
    assert not prediction.in_window
    assert sorted(prediction.chunks) == sorted(np.ndindex(prediction.array.numblocks))
    sizes = [int((prediction.voxels == label).sum()) for label in (1, 2)]
    for table in (form.wanted, tab.repair.classes):
        assert [table.item(line, 1).text() for line in (0, 1)] == [f"{n:,}" for n in sizes]
    assert form.wanted.isVisible() and not form.unread.isVisible()
    assert form.value.count() == 4
    prediction.forget()
    compare(tab, qtbot)
    assert tab.comparison.result.proposal is not None
    assert not prediction.in_window

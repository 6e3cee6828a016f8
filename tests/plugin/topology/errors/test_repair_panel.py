"""The Repair page: proposed, looked at, taken or refused, written in one stroke, pinned."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.marks import ANNOTATION, EDITS, HERE, layer_with, role_of
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND, read_annotation
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.repair_panel import RepairPanel
from napari_toposeg.plugin.topology.errors.repairing import Proposal
from napari_toposeg.topology import betti_numbers

SCALE, TRANSLATE = (2.0, 1.0, 0.5), (100.0, -7.0, 3.0)


def broken_bars() -> np.ndarray:
    """Return label 1, a bar with a gap and a speck, and label 2, a whole bar."""
    labels = np.zeros((10, 12, 20), np.uint8)
    labels[4, 3, 2:18] = 1
    labels[4, 3, 9:11] = 0
    labels[8, 1, 1] = 1
    labels[4, 8, 2:18] = 2
    return labels


@pytest.fixture
def session(qapp) -> Iterator[Session]:
    made = Session(ViewerModel())
    yield made
    made.close()
    assert made.job is None or made.job.join(20)


@pytest.fixture
def layer(session):
    return session.viewer.add_labels(
        broken_bars(),
        name="bars",
        scale=SCALE,
        translate=TRANSLATE,
        features={"class": ["background", "left", "right"]},
    )


@pytest.fixture
def panel(session, layer, qtbot) -> RepairPanel:
    panel = RepairPanel(session)
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


@pytest.fixture
def proposed(panel, qtbot) -> RepairPanel:
    with qtbot.waitSignal(panel._session.job_ended, timeout=60_000):
        panel.propose()
    return panel


def numbers(layer, label: int) -> tuple[int, ...]:
    return tuple(betti_numbers(np.asarray(layer.data) == label))


def test_the_classes_are_listed_by_name_and_wanted_whole(panel):
    table = panel.classes
    assert [table.item(line, 0).text() for line in range(2)] == ["left", "right"]
    assert panel.classes.wanted == {1: (1, 0, 0), 2: (1, 0, 0)}
    table.item(1, 2).setText("")
    assert panel.classes.wanted == {1: (1, 0, 0)}


@pytest.mark.parametrize("text", ["1 0", "one 0 0", "1 0 -1"])
def test_numbers_that_are_no_counts_are_refused(panel, text):
    panel.classes.item(0, 2).setText(text)
    with pytest.raises(InvalidConfig, match="left"):
        _ = panel.classes.wanted


def test_a_proposal_changes_nothing_and_shows_every_edit(proposed, layer, session):
    np.testing.assert_array_equal(layer.data, broken_bars())
    overlay = layer_with(session.viewer, EDITS)
    shown = {int(code): int((overlay.data == code).sum()) for code in (1, 2, 3)}
    added = sum(len(e.edit.voxels) for e in proposed.proposal.edits if e.edit.adds)
    assert shown == {1: added, 2: 1, 3: 0}
    np.testing.assert_allclose(overlay.scale, SCALE)
    np.testing.assert_allclose(overlay.translate, TRANSLATE)
    assert "left: 3 0 0 → 1 0 0 ✓" in proposed.summary.text()
    assert "right: 1 0 0 → 1 0 0 ✓" in proposed.summary.text()


def test_what_is_ticked_is_written_in_one_stroke_that_can_be_undone(proposed, layer, session):
    proposed.apply()
    assert numbers(layer, 1) == (1, 0, 0) == numbers(layer, 2)
    assert layer_with(session.viewer, EDITS) is None and proposed.proposal is None
    layer.undo()
    np.testing.assert_array_equal(layer.data, broken_bars())


def test_a_refused_edit_stays_out_and_is_shown_as_refused(proposed, layer, session):
    speck = next(n for n, e in enumerate(proposed.proposal.edits) if not e.edit.adds)
    model = proposed.list.columns
    place = model.shown.tolist().index(speck)
    model.setData(
        model.index(place, 0), Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole
    )
    assert (layer_with(session.viewer, EDITS).data == 3).sum() == 1
    assert "✗" in proposed.summary.text()
    proposed.apply()
    assert layer.data[8, 1, 1] == 1 and numbers(layer, 1) == (2, 0, 0)


def test_all_can_be_refused_and_taken(proposed, layer):
    proposed.buttons.none.click()
    assert not any(proposed.proposal.accepted)
    proposed.buttons.all.click()
    assert all(proposed.proposal.accepted)


def test_stepping_leads_to_each_edit(proposed, session):
    places = []
    for _ in proposed.proposal.edits:
        proposed.list.step(True)
        places.append(tuple(layer_with(session.viewer, HERE).data[0]))
        world = np.array(TRANSLATE) + np.array(places[-1]) * SCALE
        np.testing.assert_allclose(session.viewer.dims.point, world)
    assert set(places) == {tuple(map(float, e.centre)) for e in proposed.proposal.edits}


def test_a_layer_painted_meanwhile_is_not_overwritten(proposed, layer):
    layer.data_setitem((np.array([0]), np.array([0]), np.array([0])), 2)
    with pytest.raises(InvalidConfig, match="propose it again"):
        proposed.apply()


def test_a_layer_removed_meanwhile_is_told(proposed, layer, session):
    session.viewer.layers.remove(layer)
    with pytest.raises(InvalidConfig, match="press Propose"):
        proposed.apply()


def test_the_repaired_map_is_pinned_as_training_labels(proposed, layer, session):
    made = proposed.pin()
    assert role_of(made) == ANNOTATION
    found = read_annotation(made.data)
    assert found.classes == 2 and not found.faults
    assert (np.asarray(made.data) == BACKGROUND).sum() == (proposed.proposal.labels == 0).sum()
    assert list(made.features["class"])[1:3] == ["left", "right"]
    np.testing.assert_allclose(made.scale, SCALE)


def test_a_map_that_was_changed_or_removed_since_is_not_pinned_as_it_was(proposed, layer, session):
    layer.data_setitem(tuple(np.array([[4, 4], [8, 8], [0, 1]])), 2)
    with pytest.raises(InvalidConfig, match="was changed since"):
        proposed.pin()
    session.viewer.layers.remove(layer)
    with pytest.raises(InvalidConfig, match="no label map"):
        proposed.pin()


def test_another_map_that_is_chosen_is_pinned_itself(proposed, layer, session):
    other = session.viewer.add_labels(
        np.flip(broken_bars(), 0).copy(), name="other", scale=SCALE, translate=TRANSLATE
    )
    proposed.form.labels.choose(other)
    made = np.asarray(proposed.pin().data)
    np.testing.assert_array_equal(np.where(made == BACKGROUND, 0, made), other.data)


def test_an_image_that_is_no_probability_is_refused(panel, session, qtbot):
    scan = np.full((10, 12, 20), 40.0, np.float32)
    place = {"scale": SCALE, "translate": TRANSLATE}
    layer = session.viewer.add_image(scan, name="scan", contrast_limits=(0, 1), **place)
    panel.probability.choose(layer)
    panel.propose()
    with qtbot.waitSignal(session.job.failed, timeout=60_000) as failed:
        pass
    assert "which lies in" in str(failed.args[0])


def test_what_was_written_is_counted_and_held_against_the_promise(proposed, session, qtbot):
    with qtbot.waitSignal(session.job_ended, timeout=60_000):
        proposed.apply()
    lines = proposed.summary.text().splitlines()
    assert lines == [
        "left: 1 0 0 written and counted, as promised ✓",
        "right: 1 0 0 written and counted, as promised ✓",
    ]


def test_the_legend_counts_and_filters_the_edits(proposed, session):
    texts = {key: each.text() for key, each in proposed.legend.buttons.items()}
    assert texts == {"adds": "joins 1", "removes": "is taken away 1"}
    proposed.legend.buttons["removes"].click()
    assert [proposed.proposal.edits[row].edit.adds for row in proposed.list.shown] == [False]
    assert set(np.unique(layer_with(session.viewer, EDITS).data)) == {0, 2}
    proposed.buttons.none.click()
    assert [e.edit.accepted for e in proposed.proposal.edits if e.edit.adds] == [True]


def test_without_a_label_map_it_says_so(qtbot, session):
    panel = RepairPanel(session)
    qtbot.addWidget(panel)
    assert not panel.button.isEnabled()
    with pytest.raises(InvalidConfig, match="no label map"):
        panel.propose()
    with pytest.raises(InvalidConfig, match="no label map"):
        panel.pin()


@pytest.fixture
def lazy(session, count_chunks):
    """The bars, not in memory."""
    counted = count_chunks(broken_bars(), (4, 6, 10))
    layer = session.viewer.add_labels(counted.array, name="bars", scale=SCALE, translate=TRANSLATE)
    return counted, layer


def test_a_label_map_that_is_not_in_memory_is_repaired_beside_it(lazy, session, qtbot):
    counted, layer = lazy
    panel = RepairPanel(session)
    qtbot.addWidget(panel)
    counted.forget()
    with pytest.raises(InvalidConfig, match="not known yet"):
        panel.propose()
    for act in (panel.form.unread.button.click, panel.propose, panel.apply):
        with qtbot.waitSignal(session.job_ended, timeout=60_000):
            act()
    made = session.viewer.layers["bars repaired"]
    assert numbers(made, 1) == (1, 0, 0) == numbers(made, 2)
    np.testing.assert_allclose(made.scale, SCALE)
    np.testing.assert_allclose(made.translate, TRANSLATE)
    assert "as promised ✓" in panel.summary.text()
    assert layer.data is counted.array, "what may be a file stays as it is"


def test_no_chunk_is_read_in_the_window_for_a_repair(lazy, session, qtbot):
    counted, layer = lazy
    panel = RepairPanel(session)
    qtbot.addWidget(panel)
    # What napari draws when layers come is not ours.
    session.viewer.layers.selection.clear()
    layer.visible = False
    counted.forget()
    with qtbot.waitSignal(session.job_ended, timeout=60_000):
        panel.form.unread.button.click()
    with qtbot.waitSignal(session.job_ended, timeout=60_000):
        panel.propose()
    with qtbot.waitSignal(session.job_ended, timeout=60_000):
        panel.apply()
    panel.form.labels.choose(layer)
    with qtbot.waitSignal(session.job_ended, timeout=60_000):
        assert panel.pin() is None
    assert len(counted.chunks) == 3 * counted.array.npartitions
    assert not counted.in_window
    annotation = session.viewer.layers["bars annotation"]
    np.testing.assert_array_equal(np.asarray(annotation.data) % BACKGROUND, counted.voxels)


def test_ticks_in_a_large_map_are_counted_beside_the_window_and_the_newest_wins(
    proposed, layer, qtbot, monkeypatch
):
    monkeypatch.setattr("napari_toposeg.plugin.topology.errors.recount.AT_ONCE", 0)
    threads, go = [], threading.Event()
    with_answers = Proposal.with_answers

    def slow(proposal, answers):
        threads.append(threading.current_thread())
        assert go.wait(20)
        return with_answers(proposal, answers)

    monkeypatch.setattr(Proposal, "with_answers", slow)
    count = len(proposed.proposal.edits)
    proposed.answer(0, False)
    proposed.answer(count - 1, False)
    proposed.answer(0, True)
    assert proposed.list.columns.ticks.tolist() == [True] * (count - 1) + [False]
    assert "Counting" in proposed.summary.text() and not proposed.buttons.apply.isEnabled()
    for act in (proposed.apply, proposed.pin):
        with pytest.raises(InvalidConfig, match="still being counted"):
            act()
    go.set()
    with qtbot.waitSignal(proposed.recount.counted, timeout=20_000):
        pass
    assert len(threads) == 2, "the first and the newest answers; those between were dropped"
    assert threading.main_thread() not in threads
    assert proposed.proposal.accepted == (*[True] * (count - 1), False)
    assert proposed.buttons.apply.isEnabled()
    lines = proposed.summary.text().splitlines()
    assert any("✗" in line for line in lines)


def test_what_is_counted_of_a_proposal_that_is_gone_is_dropped(proposed, qtbot, monkeypatch):
    monkeypatch.setattr("napari_toposeg.plugin.topology.errors.recount.AT_ONCE", 0)
    proposed.answer(0, False)
    proposed.forget()
    qtbot.waitUntil(lambda: not proposed.recount._errand.running, timeout=20_000)
    assert proposed.proposal is None and proposed.summary.text() == ""

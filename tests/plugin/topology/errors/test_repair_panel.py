"""The Repair page: proposed, looked at, taken or refused, written in one stroke, pinned."""

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
    proposed.none.click()
    assert not any(proposed.proposal.accepted)
    proposed.all.click()
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


def test_an_image_that_is_no_probability_is_refused(panel, session):
    scan = np.full((10, 12, 20), 40.0, np.float32)
    place = {"scale": SCALE, "translate": TRANSLATE}
    layer = session.viewer.add_image(scan, name="scan", contrast_limits=(0, 1), **place)
    panel.probability.choose(layer)
    with pytest.raises(InvalidConfig, match="which lies in"):
        panel.propose()


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
    proposed.none.click()
    assert [e.edit.accepted for e in proposed.proposal.edits if e.edit.adds] == [True]


def test_without_a_label_map_it_says_so(qtbot, session):
    panel = RepairPanel(session)
    qtbot.addWidget(panel)
    assert not panel.button.isEnabled()
    with pytest.raises(InvalidConfig, match="no label map"):
        panel.propose()
    with pytest.raises(InvalidConfig, match="no label map"):
        panel.pin()

"""Two segmentation models on one scan."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.segment import actions
from napari_toposeg.plugin.segment.duel import Duel, duel_note, duel_rows, duel_texts
from napari_toposeg.progress import Step
from napari_toposeg.topology import BettiNumbers


def found(volume, mask, classes=("ring",)):
    return SimpleNamespace(
        labels=volume.with_voxels(mask.astype(np.uint8), modality="label"), classes=classes
    )


@pytest.fixture
def duel(ring):
    """A ring, and the same ring cut open."""
    whole = ring.voxels > 0
    open_ring = whole.copy()
    open_ring[:, 7:9, 3:6] = False
    both = found(ring, whole), found(ring, open_ring)
    return Duel(("round", "open"), both, duel_rows(*both))


def test_both_topologies_stand_side_by_side(duel):
    (row,) = duel.rows
    assert row.first.betti == BettiNumbers(1, 1, 0)
    assert row.second.betti == BettiNumbers(1, 0, 0)
    assert 0.9 < row.dice < 1
    assert duel_texts(duel)[0][2:] == ("1 | 1", "1 | 0", "0 | 0")
    assert duel_note(duel).startswith("round | open: 0.168 | 0.156 ml")


def test_classes_are_paired_by_name_and_not_by_number(ring):
    mask = ring.voxels > 0
    first = found(ring, mask * 1, ("ring", "other"))
    second = found(ring, mask * 2, ("different", "ring"))
    rows = {row.name: row for row in duel_rows(first, second)}
    assert set(rows) == {"all", "ring"}
    assert rows["ring"].dice == 1


def test_two_models_are_compared_and_lead_to_the_errors(
    dock, make_card, ring, duel, monkeypatch, qtbot
):
    cards = [make_card(name) for name in ("round", "open", "third")]
    monkeypatch.setattr("napari_toposeg.learning.cards.list_models", lambda: tuple(cards))

    def run(volume, models, **settings):
        assert models == ("round", "open")
        yield Step(1, 1)
        return duel

    monkeypatch.setattr(actions, "compare_segmentations_run", run)
    viewer = dock.session.viewer
    add_volume(viewer, ring, "image")
    dock.show_tab("Segment")
    panel = dock.segment.duel
    dock.segment.pages.setCurrentWidget(panel)
    panel.models.tick("round", "open", "third")
    assert not panel.button.isEnabled()
    panel.models.tick("round", "open")
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        panel.button.click()
    assert [layer.name for layer in viewer.layers][1:] == ["ring by round", "ring by open"]
    panel.errors_button.click()
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=60_000)
    page = dock.topology.comparison
    assert dock.topology.pages.currentWidget() is page
    assert page.prediction.layer.name == "ring by round"
    assert page.truth.layer.name == "ring by open"
    viewer.layers.remove("ring by open")
    assert not panel.errors_button.isEnabled()

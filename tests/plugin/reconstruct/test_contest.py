"""Models compared: which is marked as the best, and what is said of it."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.reconstruct import actions
from napari_toposeg.plugin.reconstruct.contest import BEST, Contest, contest_note, contest_rows
from napari_toposeg.plugin.reconstruct.kept import FeatureFates
from napari_toposeg.progress import Step


def contestant(name, mse, volume=None):
    composite = None if volume is None else volume.with_voxels(volume.voxels.astype(np.float32))
    made = SimpleNamespace(lattice=SimpleNamespace(share=0.6), composite=composite)
    return SimpleNamespace(name=name, mse=mse, reconstruction=made)


def contest(volume=None):
    """Two models: the second has the smaller error, the first keeps more."""
    found = SimpleNamespace(
        contestants=(contestant("first", 0.04, volume), contestant("second", 0.02, volume)),
        judged=np.array([True, False]),
        mse_mean=0.08,
        mse_interpolation=0.04,
    )
    fates = [
        FeatureFates((kept, 0, 0), (10 - kept, 0, 0), (0, 0, 0), 1.0, (1, 1, 1)) for kept in (8, 4)
    ]
    return Contest(found, tuple(fates))


def test_the_best_of_each_column_has_a_sign():
    first, second, mean, smooth = contest_rows(contest())
    assert first == ("first", "0.0400", "0.50", "1.00", f"{BEST} 80 %")
    assert second == (f"{BEST} second", "0.0200", "0.25", "0.50", "40 %")
    assert mean[1:3] == ("0.0800", "1.00") and smooth[1] == "0.0400"


def test_what_was_judged_is_said():
    assert "50 % of the voxels" in contest_note(contest())


@pytest.fixture
def two(monkeypatch, make_card):
    cards = [make_card(name, "reconstruct") for name in ("first", "second", "third")]
    monkeypatch.setattr("napari_toposeg.learning.cards.list_models", lambda: tuple(cards))
    return cards


def test_ticked_models_are_compared_and_become_layers(dock, two, ring, monkeypatch, qtbot):
    asked = []

    def run(volume, models, *, pattern, **settings):
        asked.append(models)
        yield Step(1, 1)
        return contest(volume)

    monkeypatch.setattr(actions, "compare_models_run", run)
    viewer = dock.session.viewer
    add_volume(viewer, ring, "image")
    dock.show_tab("Reconstruct")
    panel = dock.reconstruct.models
    dock.reconstruct.pages.setCurrentWidget(panel)
    assert panel.models.ticked == ("first", "second")
    panel.models.tick("second")
    assert not panel.button.isEnabled()
    panel.models.tick("first", "second")
    panel.layers.setChecked(True)
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        panel.button.click()
    assert asked == [("first", "second")]
    assert panel.table.item(1, 0).text() == f"{BEST} second"
    assert [layer.name for layer in viewer.layers][1:] == ["ring by first", "ring by second"]


def test_a_removed_model_is_no_longer_ticked(dock, two):
    dock.show_tab("Reconstruct")
    panel = dock.reconstruct.models
    dock.reconstruct.pages.setCurrentWidget(panel)
    panel.models.tick("second", "third")
    del two[1]
    dock.session.models_changed.emit()
    assert panel.models.ticked == ("third",)


def test_the_page_says_what_is_hidden_from_the_models(dock, two):
    dock.show_tab("Reconstruct")
    tab = dock.reconstruct
    tab.pattern.setCurrentIndex(tab.pattern.findData("slabs"))
    tab.pages.setCurrentWidget(tab.models)
    assert tab.models.hidden.text().startswith("Every n-th slab")

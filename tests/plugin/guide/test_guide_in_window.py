"""The guide and the keys in the real window, at the size of a laptop's screen."""

import pytest
from napari._app_model import get_app_model
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from tests.plugin.looking import cut_off, pages

from napari_toposeg.plugin.actions import open_sample
from napari_toposeg.plugin.guide.frame import Frame
from napari_toposeg.plugin.keys import KEYS, WINDOW
from napari_toposeg.plugin.settings import PLUGIN

pytestmark = pytest.mark.gl


@pytest.fixture
def window(make_napari_viewer, monkeypatch):
    """A real viewer of 1280 x 800 with the dock."""
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
    return viewer, dock


def test_the_first_start_shows_the_steps_and_room_for_the_tabs(window, qtbot):
    _, dock = window
    qtbot.wait(50)
    assert dock.guide.isVisible()
    assert dock.tabs.height() >= 300
    assert dock.strip.geometry().bottom() <= dock.height()


def test_the_guide_leads_from_an_empty_window_to_a_scan(window, qtbot):
    viewer, dock = window
    qtbot.mouseClick(dock.guide.rows[0][2], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=60_000)
    assert dock.case.findChildren(Frame)
    assert dock.guide.rows[0][0].text() == "✓"
    assert dock.guide.rows[1][2].isEnabled()


def test_closed_with_its_button_it_stays_away_in_the_next_window(window, qtbot, make_napari_viewer):
    _, dock = window
    qtbot.mouseClick(dock.guide.close_button, Qt.MouseButton.LeftButton)
    assert not dock.guide.isVisible()
    dock.session.close()
    other = make_napari_viewer(show=True)
    _, again = other.window.add_plugin_dock_widget(PLUGIN)
    qtbot.waitUntil(again.isVisible, timeout=5000)
    assert again.guide.isHidden()
    again.help.click()
    assert again.help.menu_shown.isVisible()
    qtbot.keyClick(again.help.menu_shown, Qt.Key.Key_Down)
    qtbot.keyClick(again.help.menu_shown, Qt.Key.Key_Return)
    assert not again.guide.isHidden()


def test_no_key_of_the_window_is_taken_by_a_command_of_naparis(window):
    _, dock = window
    theirs = {
        QKeySequence(binding.keybinding.to_text()).toString()
        for binding in get_app_model().keybindings
    }
    assert {"Ctrl+Alt+P", "Ctrl+O", "Ctrl+W"} <= theirs
    ours = {each.key().toString() for each in dock.findChildren(QShortcut)}
    assert len(ours) == sum(key.where == WINDOW for key in KEYS.values())
    assert ours.isdisjoint(theirs)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_cut_off_in_the_window_of_a_laptop(window, qtbot, theme):
    viewer, dock = window
    viewer.theme = theme
    open_sample(dock.session.viewer, "torus")
    qtbot.waitUntil(lambda: dock.session.image_layer is not None, timeout=60_000)
    for _ in pages(dock):
        qtbot.waitUntil(lambda: cut_off(dock) == [], timeout=3000)

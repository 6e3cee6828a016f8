"""The keys: one table, bound as it says, and none that napari has."""

import re
from pathlib import Path

import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points, Shapes, Surface, Tracks, Vectors
from napari.settings import get_settings
from qtpy.QtGui import QKeySequence, QShortcut

from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import ANNOTATION, layer_with
from napari_toposeg.plugin.keys import CANVAS, KEYS, PAINTING, WINDOW, key_rows, shown, with_key

PAGE = Path(__file__).parents[2] / "docs" / "plugin.md"
NAPARIS_TOO = {"P", "Ctrl+Z", "Ctrl+Shift+Z"}
"""P paints in Labels and adds in Points, as the table says; undo and redo mean the same."""


def normal(keys):
    return QKeySequence(str(keys)).toString()


def naparis_keys():
    named = get_settings().shortcuts.shortcuts.values()
    found = {normal(keys) for several in named for keys in several}
    for owner in (ViewerModel, Image, Labels, Points, Shapes, Surface, Tracks, Vectors):
        found |= {normal(keys) for keys in owner.class_keymap}
    return found


def test_none_of_our_keys_is_one_of_naparis():
    theirs = naparis_keys()
    assert len(theirs) > 60
    assert {normal(key.keys) for key in KEYS.values()} & theirs == NAPARIS_TOO


def test_no_two_actions_share_a_key():
    assert len({normal(key.keys) for key in KEYS.values()}) == len(KEYS)


def test_every_key_of_the_window_is_bound_in_the_dock_and_no_other(dock):
    bound = {each.objectName(): each.key().toString() for each in dock.findChildren(QShortcut)}
    assert bound == {name: normal(key.keys) for name, key in KEYS.items() if key.where == WINDOW}


def test_every_key_of_the_view_is_bound_on_the_viewer(dock):
    bound = {normal(keys) for keys in dock.session.viewer.keymap}
    assert bound >= {normal(key.keys) for key in KEYS.values() if key.where == CANVAS}


def test_every_key_of_painting_is_bound_on_the_annotation(dock, ct):
    add_volume(dock.session.viewer, ct, "image")
    dock.finetune.annotate.make_layer()
    layer = layer_with(dock.session.viewer, ANNOTATION)
    bound = {normal(keys) for keys in layer.keymap}
    assert bound == {normal(key.keys) for key in KEYS.values() if key.where == PAINTING}


@pytest.mark.parametrize(
    ("action", "tab"), [("case", 0), ("reconstruct", 1), ("segment", 2), ("topology", 3)]
)
def test_a_key_leads_to_its_tab(dock, action, tab):
    dock.tabs.setCurrentIndex(4)
    dock.findChild(QShortcut, action).activated.emit()
    assert dock.tabs.currentIndex() == tab
    assert dock.tabs.tabToolTip(tab).endswith(f"({shown(action)})")


def test_the_main_key_presses_the_main_button_of_the_page_in_front(dock):
    pressed = []
    pages = dock.topology.pages
    for name, button in (
        ("Reconstruct", dock.reconstruct.run_button),
        ("Segment", dock.segment.run_button),
        ("Topology", dock.topology.repair.button),
        ("Fine-tune", dock.finetune.train.start_button),
    ):
        button.clicked.disconnect()
        button.clicked.connect(lambda _=False, name=name: pressed.append(name))
        dock.show_tab(name)
        pages.setCurrentWidget(dock.topology.repair)
        dock.finetune.pages.setCurrentWidget(dock.finetune.train)
        button.setEnabled(False)
        dock.findChild(QShortcut, "main").activated.emit()
        button.setEnabled(True)
        dock.findChild(QShortcut, "main").activated.emit()
    assert pressed == ["Reconstruct", "Segment", "Topology", "Fine-tune"]


def test_the_pause_key_holds_a_job_and_lets_it_go_on(dock, count_to, qtbot):
    key = dock.findChild(QShortcut, "pause")
    job = dock.session.start(count_to(3), title="Counting")
    key.activated.emit()
    assert job.paused
    with qtbot.waitSignal(job.ended, timeout=5000):
        key.activated.emit()


def test_tooltips_of_buttons_end_in_their_key(dock):
    assert dock.strip.cancel.toolTip().endswith(f"({shown('cancel')})")
    assert dock.strip.pause.toolTip().endswith(f"({shown('pause')})")
    assert with_key("Go", "next") == "Go (N)"


def test_the_list_of_keys_is_shown_by_the_help(dock, qtbot):
    dialog = dock.help.show_keys()
    qtbot.addWidget(dialog)
    texts = {
        dialog.table.item(row, 2).text(): dialog.table.item(row, 0).text()
        for row in range(dialog.table.rowCount())
    }
    assert texts == {keys: does for keys, does, _ in key_rows()}
    dialog.close()


def test_the_documentation_lists_the_same_keys():
    listed = dict(
        re.findall(r"^\| `([^`]+)` \| (.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == {key.keys: key.does for key in KEYS.values()}

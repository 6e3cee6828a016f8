"""Every button is a function: the documentation names it, and it is there to be called."""

import re
from inspect import getdoc, signature
from pathlib import Path

import pytest
from qtpy.QtWidgets import QPushButton, QScrollBar, QTabBar, QToolButton

from napari_toposeg.plugin import actions

PAGE = Path(__file__).parents[2] / "docs" / "plugin.md"
HEADING = "| where | button | function |"
OF_THE_WINDOW = "–"
LATER = {("Topology", "Compare the features"), ("first steps", "Errors"), ("first steps", "Train")}
"""What a button is called once there is more to do."""


def table():
    """Rows of the documentation: where, the buttons, the functions, or a dash and why none."""
    lines = PAGE.read_text(encoding="utf-8").partition(HEADING)[2].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        where, buttons, functions = (cell.strip() for cell in line.strip("|").split(" | "))
        rows.append((where, re.findall(r"\*([^*]+)\*", buttons), functions))
    return rows


def places(dock):
    """Where buttons are, by the name of the documentation."""
    return {
        "Case": dock.case,
        "Reconstruct": dock.reconstruct,
        "Segment": dock.segment,
        "Topology": dock.topology,
        "Fine-tune": dock.finetune,
        "Export": dock.export,
        "under the tabs": dock.strip,
        "first steps": dock.guide,
        "at the start": dock.restorer.bar,
    }


def buttons_in(widget):
    """What can be pressed in a part of the dock, menus' entries too; by name."""
    mine = [widget] if isinstance(widget, QPushButton | QToolButton) else []
    for kind in (QPushButton, QToolButton):
        mine += widget.findChildren(kind)
    for press in mine:
        if isinstance(press.parent(), QTabBar | QScrollBar) or press.objectName().startswith("qt_"):
            continue
        menu = press.menu()
        entries = menu.actions() if menu is not None else [press]
        for entry in entries:
            text = entry.text() or getattr(entry, "accessibleName", str)()
            if text:
                yield plain(text)


def plain(text):
    """Without mnemonics, keys in brackets and the three dots."""
    return re.sub(r" \([A-Z]\)$|…$|^[▸▾▶▼] ", "", text.replace("&", ""))


def test_the_documentation_names_every_button_of_the_dock(dock):
    listed = {(where, plain(name)) for where, names, _ in table() for name in names}
    shown = {(where, name) for where, widget in places(dock).items() for name in buttons_in(widget)}
    assert shown - listed == set(), "not in the table"
    assert listed - shown <= LATER, "in the table, and no button"


@pytest.mark.parametrize(("where", "names", "functions"), table())
def test_each_button_has_a_function_or_a_reason_why_not(where, names, functions):
    if functions.startswith(OF_THE_WINDOW):
        assert len(functions) > 10
        return
    found = re.findall(r"`(\w+)`", functions)
    assert found, (where, names)
    for name in found:
        function = getattr(actions, name)
        assert callable(function)
        assert getdoc(function), name
        assert signature(function).parameters, name


def test_what_is_exported_is_there_once():
    assert len(set(actions.__all__)) == len(actions.__all__)
    assert all(hasattr(actions, name) for name in actions.__all__)

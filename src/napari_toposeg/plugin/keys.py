"""The keys of the dock: what each does, and where it works.

The one idea: one table, from which the help speaks, and which the documentation repeats. None of
them is a key of napari's, except P, and undo and redo, which mean the same there.
"""

from collections.abc import Callable
from typing import NamedTuple

from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.translation import mark, tr

WINDOW = mark("in the whole window")
CANVAS = mark("in the view, when no text field has the focus")
PAINTING = mark("in the view, with the annotation selected")


class Key(NamedTuple):
    """A key, what it does, and where."""

    keys: str
    does: str
    where: str = WINDOW


KEYS = {
    "case": Key("Ctrl+Alt+1", mark("go to Case")),
    "reconstruct": Key("Ctrl+Alt+2", mark("go to Reconstruct")),
    "segment": Key("Ctrl+Alt+3", mark("go to Segment")),
    "topology": Key("Ctrl+Alt+4", mark("go to Topology")),
    "finetune": Key("Ctrl+Alt+5", mark("go to Fine-tune")),
    "main": Key("Ctrl+Alt+Return", mark("press the main button of the page in front")),
    "pause": Key("Ctrl+Alt+Space", mark("pause the running job, or go on")),
    "cancel": Key("Ctrl+Shift+X", mark("cancel the running job")),
    "flip": Key("Ctrl+Alt+B", mark("flip between before and after a training")),
    "plane": Key("Ctrl+Alt+V", mark("turn to axial, coronal or sagittal slices")),
    "window": Key("Ctrl+Alt+W", mark("show a CT in the next window")),
    "guide": Key("Ctrl+Alt+H", mark("show or hide the first steps")),
    "next": Key("N", mark("next error of the Topology tab"), CANVAS),
    "previous": Key(
        "P",
        mark("previous error of the Topology tab; in a layer that is painted, napari's"),
        CANVAS,
    ),
    "undo": Key("Ctrl+Z", mark("undo in the annotation, in whatever slice"), PAINTING),
    "redo": Key("Ctrl+Shift+Z", mark("redo in the annotation"), PAINTING),
    "fill": Key("Shift+B", mark("make the rest of the slice background"), PAINTING),
    "copy": Key("Shift+C", mark("copy the nearest painted slice"), PAINTING),
    "guess": Key("Shift+G", mark("guess between painted slices"), PAINTING),
    "accept": Key("Shift+Y", mark("accept the guess"), PAINTING),
    "refuse": Key("Shift+N", mark("refuse the guess"), PAINTING),
    "suggested": Key("Shift+S", mark("go to the next slice that is suggested"), PAINTING),
}
"""By what they do; a tab's key by the tab."""


def with_key(text: str, action: str) -> str:
    """Return a tooltip that ends in the key of an action of `KEYS`."""
    return f"{text} ({shown(action)})"


def shown(action: str) -> str:
    """Return the keys of an action as this machine writes them."""
    keys = QKeySequence(KEYS[action].keys)
    return str(keys.toString(QKeySequence.SequenceFormat.NativeText))


def bind(widget: QWidget, action: str, call: Callable[[], object]) -> None:
    """Call a function when the key of an action is pressed in the widget's window."""
    shortcut = QShortcut(QKeySequence(KEYS[action].keys), widget)
    shortcut.setObjectName(action)
    shortcut.activated.connect(lambda: call())


def key_rows() -> list[tuple[str, str, str]]:
    """Return the table of keys for a person: keys, what they do, where."""
    return [(shown(name), tr(key.does), tr(key.where)) for name, key in KEYS.items()]

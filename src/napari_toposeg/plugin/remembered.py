"""Remembered choices: what stood in the forms when the window was closed stands there again.

The one idea: choices lie in one small JSON file of plain values. What cannot be used, a broken
file, a value out of range, an input that is no more, is passed over; it never stops the window.
"""

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_toposeg.config import write_atomically
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.widgets.inputs import (
    Input,
    Value,
    inputs_of,
    on_change,
    set_value,
    value_of,
)
from napari_toposeg.plugin.widgets.pickers import LayerPicker, ModelPicker

WRITE_AFTER_MS = 500
OF_THE_SCAN = frozenset(
    {
        "case.modality",
        "case.window",
        "case.dropped",
        "case.plane",
        "reconstruct.threshold",
        "reconstruct.side_by_side",
        "reconstruct.patches",
        "topology.diagram.form.extent",
        "topology.diagram.view.level",
        "topology.comparison.form.value",
        "topology.comparison.list.bar.label",
        "topology.comparison.list.bar.words",
        "finetune.train.name",
    }
)
"""Inputs that belong to the scan or to the viewer, or that napari keeps: not remembered."""

log = logging.getLogger(__name__)


def choices_file() -> Path:
    """Return the file of remembered choices; ``NAPARI_TOPOSEG_CHOICES`` moves it."""
    chosen = os.environ.get("NAPARI_TOPOSEG_CHOICES")
    if chosen:
        return Path(chosen)
    return Path(platformdirs.user_config_dir("napari-toposeg")) / "choices.json"


def read_choices(path: Path) -> dict[str, Any]:
    """Return what a file holds; a file that cannot be read as choices is set aside."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _set_aside(path, error)
        return {}
    if not isinstance(found, dict):
        _set_aside(path, TypeError(f"it holds a {type(found).__name__}, not an object"))
        return {}
    return found


def _set_aside(path: Path, error: Exception) -> None:
    aside = path.with_name(f"{path.name}.broken")
    try:
        path.replace(aside)
    except OSError:
        aside = path
    log.warning("The remembered choices cannot be read and are left in %s: %s", aside, error)


class Choices(QObject):
    """The remembered values by key, written some time after the last change.

    Parameters
    ----------
    path
        Their file; by default that of `choices_file`.
    after
        Milliseconds without a change after which they are written.
    """

    def __init__(self, path: Path | None = None, *, after: int = WRITE_AFTER_MS) -> None:
        super().__init__()
        self.path = path or choices_file()
        self._kept = read_choices(self.path)
        self._changed: dict[str, Value] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(after)
        self._timer.timeout.connect(self.write_now)

    def value(self, key: str) -> Any:
        """Return what was noted under a key, or None."""
        return self._changed.get(key, self._kept.get(key))

    def note(self, key: str, value: Value) -> None:
        """Keep a value under a key."""
        if self.value(key) != value:
            self._changed[key] = value
            self._timer.start()

    def remember(self, key: str, field: Input) -> None:
        """Put the remembered value into an input, and note what is put there from now on."""
        kept = self.value(key)
        if kept is not None and not set_value(field, kept):
            log.info("The remembered choice %s = %r is not offered any more", key, kept)
        on_change(field, lambda: self.note(key, value_of(field)))

    def write_now(self) -> None:
        """Write what changed, beside what another window may have written meanwhile."""
        self._timer.stop()
        if not self._changed:
            return
        self._kept = read_choices(self.path) | self._changed
        self._changed = {}
        try:
            content = json.dumps(self._kept, indent=1, sort_keys=True)
            write_atomically(self.path, content.encode())
        except OSError as error:
            log.warning("The choices cannot be remembered in %s: %s", self.path, error)


def remember_all(dock: QWidget, choices: Choices) -> None:
    """Remember the inputs of a dock, except those that belong to a scan.

    A default that was changed in Preferences since it was last seen wins over what is remembered.
    """
    defaults = asdict(read_settings())
    for key, field in inputs_of(dock).items():
        if key in OF_THE_SCAN or isinstance(field, LayerPicker | ModelPicker | QTabWidget):
            continue
        name = key.rpartition(".")[2]
        if name in defaults and choices.value(f"default {name}") not in (None, defaults[name]):
            choices.note(key, value_of(field))
        choices.remember(key, field)
    for name, default in defaults.items():
        choices.note(f"default {name}", default)

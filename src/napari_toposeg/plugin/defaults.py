"""Defaults: inputs that start from a setting in Preferences, and follow it when it changes.

The one idea: a setting and the inputs that start from it have the same name. Only the setting that
was changed is passed on; what stands in the other inputs stays.
"""

from dataclasses import asdict

from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.widgets.inputs import inputs_of, set_value

FOLLOWED = ("connectivity", "steps", "rate", "loss")
"""Settings whose inputs hold the same value; other forms take theirs in another unit."""


class Defaults:
    """Passes settings on to the inputs of a dock.

    Parameters
    ----------
    dock
        The dock, with its inputs.
    session
        The dock's session, which tells of changes in Preferences.
    """

    def __init__(self, dock: QWidget, session: Session) -> None:
        self._dock = dock
        self._known: dict[str, object] = {}
        session.settings_changed.connect(self.take)
        self.take()

    def take(self) -> None:
        """Put into the inputs what was changed in Preferences."""
        now = asdict(read_settings())
        changed = {name for name in FOLLOWED if now[name] != self._known.get(name)}
        self._known = now
        for key, field in inputs_of(self._dock).items():
            name = key.rpartition(".")[2]
            if name in changed:
                set_value(field, now[name])

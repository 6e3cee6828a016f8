"""The plugin's settings, as they stand in napari's Preferences.

They are declared in the manifest (`configurations`), drawn, checked and kept by napari, and only
read here. Each is named as the input of the form that starts from it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

from napari_toposeg.config import LossName

PLUGIN = "napari-toposeg"


@dataclass(frozen=True)
class Settings:
    """Defaults of the forms; the same values stand in the manifest."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 0
    remember: bool = True
    keep_session: bool = True
    mask_ratio: float = 0.6
    seed: int = 0
    overlap: float = 0.25
    connectivity: Literal[26, 6] = 26
    steps: int = 200
    rate: float = 0.0
    loss: LossName = "dice-ce"
    autosave_seconds: int = 2

    @property
    def worker_threads(self) -> int:
        """CPU threads for a network beside the window; by default one core is left free."""
        return self.threads or max(1, (os.cpu_count() or 1) - 1)


def read_settings() -> Settings:
    """Return the settings from Preferences, or the defaults where the plugin is not known."""
    from napari.settings import get_plugin_settings

    known = get_plugin_settings()
    if PLUGIN not in known:
        return Settings()
    groups = known[PLUGIN].model_dump().values()
    values = {name: value for group in groups for name, value in group.items()}
    names = {field.name for field in fields(Settings)}
    return Settings(**{name: value for name, value in values.items() if name in names})


def on_settings_changed(call: Callable[[], None]) -> None:
    """Call a bound method when a setting changes in Preferences, while its object lives."""
    from napari.settings import get_plugin_settings

    known = get_plugin_settings()
    if PLUGIN in known:
        for name in type(known[PLUGIN]).model_fields:
            group = getattr(known[PLUGIN], name)
            if hasattr(group, "events"):
                group.events.connect(call)

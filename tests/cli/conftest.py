"""A stand-in for the runs of learning: what the command line does needs no network."""

import sys
import types
from collections.abc import Callable

import pytest

DEVICES = "napari_toposeg.learning.devices"


@pytest.fixture
def stub_run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list]:
    """Put a function in the place of a run; return the configs that it is called with."""

    def put(name: str, run: Callable) -> list:
        seen: list = []

        def noted(config):
            seen.append(config)
            return run(config)

        module = types.ModuleType(f"napari_toposeg.learning.{name}")
        setattr(module, name, noted)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(f"{DEVICES}.describe_device", lambda device: "a machine")
        return seen

    return put

"""Inputs start from Preferences; a change there reaches its inputs and no others."""

import pytest
from napari.settings import get_plugin_settings

from napari_toposeg.plugin.defaults import FOLLOWED
from napari_toposeg.plugin.settings import PLUGIN, Settings
from napari_toposeg.plugin.widgets.inputs import inputs_of, value_of


def named(dock, name):
    return {
        key: value_of(field)
        for key, field in inputs_of(dock).items()
        if key.rpartition(".")[2] == name
    }


@pytest.mark.parametrize("name", FOLLOWED)
def test_an_input_of_the_name_starts_from_the_setting(dock, name):
    found = named(dock, name)
    assert found
    assert set(found.values()) == {getattr(Settings(), name)}


def test_only_what_was_changed_is_passed_on(dock):
    preferences = get_plugin_settings(PLUGIN)
    (steps,) = (f for key, f in inputs_of(dock).items() if key.endswith(".steps"))
    steps.setValue(77)
    try:
        preferences.topology.connectivity = 6
        assert set(named(dock, "connectivity").values()) == {6}
        assert steps.value() == 77
        preferences.finetune.steps = 33
        assert steps.value() == 33
    finally:
        preferences.topology.connectivity = Settings().connectivity
        preferences.finetune.steps = Settings().steps

"""The manifest: valid, complete, and of one mind with the code."""

import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from npe2 import PluginManager, PluginManifest
from pydantic import ValidationError

from napari_toposeg.config import LossName
from napari_toposeg.plugin.readers import ENDINGS
from napari_toposeg.plugin.samples import TITLES
from napari_toposeg.plugin.settings import PLUGIN, Settings, read_settings


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(PLUGIN)


def test_npe2_finds_it_valid():
    validate = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", PLUGIN], capture_output=True, text=True
    )
    assert validate.returncode == 0, validate.stdout + validate.stderr
    assert "valid" in validate.stdout


def test_napari_discovers_it_by_its_entry_point():
    manager = PluginManager()
    manager.discover()
    assert PLUGIN in manager


def test_every_command_leads_to_something_that_can_be_called(manifest):
    for command in manifest.contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(import_module(module), name)), command.id


def test_there_is_exactly_one_widget(manifest):
    assert len(manifest.contributions.widgets) == 1


def test_the_manifest_reads_what_the_reader_reads(manifest):
    (reader,) = manifest.contributions.readers
    assert reader.accepts_directories
    assert set(reader.filename_patterns) == {f"*{ending}" for ending in ENDINGS}


def test_images_and_labels_can_be_saved_as_nifti_and_nrrd(manifest):
    for writer in manifest.contributions.writers:
        assert set(writer.filename_extensions) == {".nii", ".nii.gz", ".nrrd"}
    kinds = [kind for writer in manifest.contributions.writers for kind in writer.layer_types]
    assert kinds == ["image", "labels"]


def test_samples_are_those_of_the_case_tab(manifest):
    listed = {sample.key: sample.display_name for sample in manifest.contributions.sample_data}
    assert listed == TITLES


def test_the_menus_lead_from_the_layers_to_the_tabs(manifest):
    menus = manifest.contributions.menus
    for menu in ("segment", "measure", "annotate", "visualize"):
        assert menus[f"napari/layers/{menu}"], menu


def test_preferences_start_from_the_defaults_in_the_code(manifest):
    stated = {
        name: entry.default
        for group in manifest.contributions.configurations.values()
        for name, entry in group.properties.items()
    }
    assert Settings(**stated) == Settings()


def test_what_is_set_in_preferences_is_read():
    from napari.settings import get_plugin_settings

    PluginManager.instance().discover()
    preferences = get_plugin_settings(PLUGIN)
    before = preferences.compute.threads
    try:
        preferences.compute.threads = 3
        assert read_settings().worker_threads == 3
    finally:
        preferences.compute.threads = before


def test_preferences_offer_what_the_code_knows(manifest):
    groups = manifest.contributions.configurations
    assert tuple(groups["finetune"].properties["loss"].enum) == get_args(LossName)
    stated = {name for group in groups.values() for name in group.properties}
    assert stated == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    ("group", "name", "wrong"),
    [
        ("compute", "device", "tpu"),
        ("compute", "threads", -1),
        ("reconstruct", "mask_ratio", 1.5),
        ("segment", "overlap", 1.0),
        ("topology", "connectivity", 18),
        ("finetune", "steps", 0),
        ("finetune", "rate", -0.1),
        ("finetune", "loss", "no-such-loss"),
        ("finetune", "autosave_seconds", 0),
    ],
)
def test_a_wrong_value_is_refused_in_preferences(group, name, wrong):
    from napari.settings import get_plugin_settings

    PluginManager.instance().discover()
    preferences = getattr(get_plugin_settings(PLUGIN), group)
    with pytest.raises(ValidationError):
        setattr(preferences, name, wrong)
    assert read_settings() == Settings()


def test_by_default_one_core_is_left_to_the_window(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert Settings().worker_threads == 7
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert Settings().worker_threads == 1


def test_opening_the_dock_imports_no_torch():
    """A fresh interpreter imports every module of the plugin and builds the dock."""
    folder = Path(import_module("napari_toposeg.plugin").__file__).parent
    modules = sorted(f"napari_toposeg.plugin.{path.stem}" for path in folder.glob("[!_]*.py"))
    program = f"""
import sys
from importlib import import_module
from qtpy.QtWidgets import QApplication
application = QApplication([])
for module in {modules!r}:
    import_module(module)
from napari.components import ViewerModel
from napari_toposeg.plugin.dock import TopoSegDock
dock = TopoSegDock(ViewerModel())
dock.show()
application.processEvents()
for index in range(dock.tabs.count()):
    dock.tabs.setCurrentIndex(index)
    application.processEvents()
assert "torch" not in sys.modules
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr

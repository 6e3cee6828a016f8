"""What was chosen comes back; what cannot be used is passed over and said in the log."""

import json
import logging

import pytest
from napari.settings import get_plugin_settings
from qtpy.QtWidgets import QSpinBox

from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.remembered import (
    OF_THE_SCAN,
    Choices,
    choices_file,
    read_choices,
)
from napari_toposeg.plugin.settings import PLUGIN, Settings
from napari_toposeg.plugin.widgets.inputs import inputs_of


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "choices.json"


@pytest.fixture
def spin(qtbot):
    made = QSpinBox()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def reopen(viewer_model, qtbot):
    """Closes a dock and opens another one on the same viewer."""

    def make(before=None):
        if before is not None:
            before.session.close()
        made = TopoSegDock(viewer_model)
        qtbot.addWidget(made)
        return made

    return make


def test_a_choice_comes_back_in_the_next_session(file, spin, qtbot):
    choices = Choices(file, after=1)
    choices.remember("panel.spin", spin)
    spin.setValue(12)
    qtbot.waitUntil(file.exists, timeout=2000)
    assert json.loads(file.read_text(encoding="utf-8")) == {"panel.spin": 12}
    again = QSpinBox()
    qtbot.addWidget(again)
    Choices(file).remember("panel.spin", again)
    assert again.value() == 12


def test_many_changes_are_written_once_and_late(file, spin):
    choices = Choices(file, after=60_000)
    choices.remember("panel.spin", spin)
    for number in range(1, 50):
        spin.setValue(number)
    assert not file.exists()
    choices.write_now()
    assert read_choices(file) == {"panel.spin": 49}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b'"text"', b"[" * 100_000]
)
def test_a_broken_file_is_set_aside_and_said_in_the_log(file, spin, caplog, content):
    file.parent.mkdir()
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        choices = Choices(file)
    assert "cannot be read" in caplog.text
    assert not file.exists()
    assert file.with_name("choices.json.broken").read_bytes() == content
    choices.remember("panel.spin", spin)
    spin.setValue(3)
    choices.write_now()
    assert read_choices(file) == {"panel.spin": 3}


@pytest.mark.parametrize("wrong", ["many", 10**12, None, [1], {"a": 1}, 2.5, True])
def test_a_value_that_does_not_fit_is_passed_over(file, spin, wrong):
    file.parent.mkdir()
    file.write_text(json.dumps({"panel.spin": wrong}))
    spin.setValue(7)
    Choices(file).remember("panel.spin", spin)
    assert spin.value() == 7


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, spin, caplog):
    (tmp_path / "a-file").write_text("")
    choices = Choices(tmp_path / "a-file" / "choices.json")
    choices.remember("panel.spin", spin)
    spin.setValue(3)
    with caplog.at_level(logging.WARNING):
        choices.write_now()
    assert "cannot be remembered" in caplog.text


def test_two_windows_keep_each_others_choices(file):
    first, second = Choices(file), Choices(file)
    first.note("one", 1)
    second.note("two", 2)
    first.write_now()
    second.write_now()
    assert read_choices(file) == {"one": 1, "two": 2}


def test_the_dock_opens_as_it_was_left(reopen):
    dock = reopen()
    dock.segment.overlap.setValue(40)
    dock.topology.comparison.form.connectivity.setCurrentIndex(1)
    dock.finetune.train.live.setChecked(True)
    again = reopen(dock)
    assert again.segment.overlap.value() == 40
    assert again.topology.comparison.form.connectivity.currentData() == 6
    assert again.finetune.train.live.isChecked()
    again.session.close()


def test_nothing_is_brought_back_where_preferences_say_so(reopen):
    preferences = get_plugin_settings(PLUGIN)
    try:
        preferences.dock.remember = False
        dock = reopen()
        dock.segment.overlap.setValue(40)
        again = reopen(dock)
        assert again.segment.overlap.value() == 25
        again.session.close()
    finally:
        preferences.dock.remember = Settings().remember


def test_a_default_changed_in_preferences_wins_over_what_was_left(reopen):
    preferences = get_plugin_settings(PLUGIN)
    dock = reopen()
    dock.segment.overlap.setValue(40)
    dock.session.close()
    try:
        preferences.segment.overlap = 0.5
        again = reopen()
        assert again.segment.overlap.value() == 50
        once_more = reopen(again)
        assert once_more.segment.overlap.value() == 50
        once_more.session.close()
    finally:
        preferences.segment.overlap = Settings().overlap


def test_what_belongs_to_a_scan_is_an_input_that_there_is(dock):
    assert set(inputs_of(dock)) >= OF_THE_SCAN


def test_the_file_lies_in_the_persons_folder_for_settings(monkeypatch):
    monkeypatch.delenv("NAPARI_TOPOSEG_CHOICES")
    assert choices_file().name == "choices.json"
    assert "napari-toposeg" in choices_file().parts

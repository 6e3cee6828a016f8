"""The status strip: time left, Pause, Cancel."""

import sys
import threading
import time
from types import SimpleNamespace

import pytest

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.settings import Settings
from napari_toposeg.plugin.strip import Pace, device_text, duration
from napari_toposeg.progress import Step


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59, "59 s"), (65, "1 min 05 s"), (4200, "1 h 10 min"), (3599.6, "1 h 00 min")],
)
def test_durations_are_written_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_the_pace_gives_the_time_that_is_left():
    pace = Pace()
    assert pace.left(Step(1, 11), now=100) is None
    assert pace.left(Step(3, 11), now=104) == pytest.approx(16)
    assert pace.left(Step(11, 11), now=120) is None


def test_steps_between_two_counts_do_not_change_the_pace():
    pace = Pace()
    pace.left(Step(1, 11), now=100)
    assert pace.left(Step(3, 11), now=104) == pytest.approx(16)
    assert pace.left(Step(3, 11), now=105.5) == pytest.approx(16)


def test_the_pace_starts_anew_with_other_work():
    pace = Pace()
    pace.left(Step(90, 100), now=0)
    assert pace.left(Step(1, 5), now=50) is None
    assert pace.seconds_per_step == pytest.approx(50)
    assert pace.left(Step(2, 5), now=60) == pytest.approx(90)


def test_buttons_live_while_a_job_runs_and_cancel_answers_in_a_second(dock, qtbot):
    closed = threading.Event()

    def run():
        try:
            for number in range(1, 10**6):
                time.sleep(0.01)
                yield Step(number, 10**6, message=f"window {number}")
        finally:
            closed.set()

    strip, session = dock.strip, dock.session
    assert not strip.cancel.isEnabled()
    job = session.start(run, title="Segmentation")
    with qtbot.waitSignal(job.stepped, timeout=5000):
        pass
    assert strip.cancel.isEnabled()
    assert strip.message.text().startswith("window")
    strip.pause.click()
    assert job.paused
    assert strip.pause.text() == "Resume"
    strip.pause.click()
    assert not job.paused
    begin = time.monotonic()
    with qtbot.waitSignal(session.job_ended, timeout=1000):
        strip.cancel.click()
    assert time.monotonic() - begin < 1
    assert closed.is_set()
    assert strip.message.text() == "Segmentation: cancelled"
    assert not strip.cancel.isEnabled()
    assert strip.progress.format() == "idle"


def test_a_finished_job_is_told(dock, qtbot, count_to):
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.session.start(count_to(2), title="Reconstruction")
    assert dock.strip.message.text() == "Reconstruction: done"


def test_an_error_is_told(dock, qtbot):
    def run():
        yield Step(1, 1)
        raise RuntimeError("out of luck")

    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.session.start(run, title="Reconstruction")
    assert dock.strip.message.text() == "Error: out of luck"


def test_a_long_error_does_not_push_the_tabs_away(dock):
    text = "the file is corrupt " * 40
    dock.session.say(text)
    assert len(dock.strip.message.text()) <= 120
    assert dock.strip.message.toolTip() == text


def test_a_device_that_is_not_there_is_told(monkeypatch):
    def describe(device):
        raise InvalidConfig(f"no {device}")

    module = SimpleNamespace(describe_device=describe)
    monkeypatch.setitem(sys.modules, "napari_toposeg.learning.devices", module)
    monkeypatch.setattr(
        "napari_toposeg.plugin.strip.read_settings", lambda: Settings(device="cuda")
    )
    assert "which this machine has not" in device_text()


def test_while_torch_is_being_imported_the_setting_is_named(monkeypatch):
    half_imported = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "napari_toposeg.learning.devices", half_imported)
    assert device_text() == "Device: automatic"


def test_device_and_memory_are_shown_without_torch(dock):
    assert "GB used" in dock.strip.device.text()

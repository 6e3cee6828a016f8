"""The status strip: time left, Pause, Cancel."""

import threading
import time

import pytest

from napari_toposeg.plugin.strip import Pace, duration
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


def test_the_pace_starts_anew_with_other_work():
    pace = Pace()
    pace.left(Step(90, 100), now=0)
    assert pace.left(Step(1, 5), now=50) is None
    assert pace.left(Step(2, 5), now=51) == pytest.approx(3)


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


def test_device_and_memory_are_shown_without_torch(dock):
    assert "GB used" in dock.strip.device.text()

"""Job: every end of a run reaches the main thread, in order, and the generator is closed."""

import threading
import time

import pytest

from napari_toposeg.errors import OutOfMemory
from napari_toposeg.plugin.job import Job
from napari_toposeg.progress import Step


@pytest.fixture
def endless():
    """A run without end that says when it was closed."""
    closed = threading.Event()

    def run():
        try:
            number = 0
            while True:
                number += 1
                time.sleep(0.01)
                yield Step(number, 10**6)
        finally:
            closed.set()

    run.closed = closed
    return run


def record(job):
    """Everything a job sends, with the thread it came on."""
    log = []
    for name in ("stepped", "finished", "failed", "cancelled", "ended"):
        getattr(job, name).connect(
            lambda *values, name=name: log.append((name, *values, threading.current_thread()))
        )
    return log


def test_steps_come_in_order_then_the_result_all_on_the_main_thread(qtbot, count_to):
    job = Job(count_to(50, result={"dice": 1.0}))
    log = record(job)
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    assert [entry[1].step for entry in log if entry[0] == "stepped"] == list(range(1, 51))
    assert [entry[0] for entry in log[50:]] == ["finished", "ended"]
    assert log[50][1] == {"dice": 1.0}
    assert {entry[-1] for entry in log} == {threading.main_thread()}
    assert not job.running


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: device-side assert"),
        OutOfMemory("the device has not enough memory"),
        ValueError("shape"),
        KeyError("x"),
    ],
)
def test_every_error_reaches_failed_runtime_errors_too(qtbot, error):
    def run():
        yield Step(1, 2)
        raise error

    job = Job(run)
    log = record(job)
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    assert [entry[0] for entry in log] == ["stepped", "failed", "ended"]
    assert log[1][1] is error
    assert error.__traceback__ is not None


def test_an_error_before_the_first_step_reaches_failed(qtbot):
    def make_run():
        raise ImportError("no torch")

    job = Job(make_run)
    with qtbot.waitSignal(job.failed, timeout=5000) as caught:
        job.start()
    assert isinstance(caught.args[0], ImportError)


def test_cancel_answers_within_a_second_and_closes_the_generator(qtbot, endless):
    job = Job(endless)
    log = record(job)
    with qtbot.waitSignal(job.stepped, timeout=5000):
        job.start()
    begin = time.monotonic()
    with qtbot.waitSignal(job.cancelled, timeout=1000):
        job.cancel()
    assert time.monotonic() - begin < 1
    assert endless.closed.is_set()
    assert [entry[0] for entry in log[-2:]] == ["cancelled", "ended"]
    assert "finished" not in {entry[0] for entry in log}


def test_a_paused_run_makes_no_step_until_it_is_resumed(qtbot, endless):
    job = Job(endless)
    log = record(job)
    with qtbot.waitSignal(job.stepped, timeout=5000):
        job.start()
    job.pause()
    assert job.paused
    qtbot.wait(60)
    held = len(log)
    qtbot.wait(100)
    assert len(log) == held
    with qtbot.waitSignal(job.stepped, timeout=1000):
        job.resume()
    job.cancel()
    assert job.join(20)


def test_a_paused_run_can_be_cancelled(qtbot, endless):
    job = Job(endless)
    with qtbot.waitSignal(job.stepped, timeout=5000):
        job.start()
    job.pause()
    with qtbot.waitSignal(job.cancelled, timeout=1000):
        job.cancel()
    assert endless.closed.is_set()


def test_an_abandoned_run_stops_and_says_nothing(qtbot, endless):
    job = Job(endless)
    with qtbot.waitSignal(job.stepped, timeout=5000):
        job.start()
    log = record(job)
    job.abandon()
    assert job.join(20)
    qtbot.wait(30)
    assert log == []
    assert endless.closed.is_set()


def test_the_run_is_made_and_iterated_in_another_thread(qtbot):
    threads = set()

    def run():
        threads.add(threading.current_thread())
        yield Step(1, 1)

    job = Job(run)
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    assert threads.isdisjoint({threading.main_thread()})
    assert len(threads) == 1


@pytest.mark.parametrize("ending", ["finished", "failed", "abandoned"])
def test_what_follows_a_run_is_done_in_its_thread_once_its_end_was_told(qtbot, ending):
    done, threads, told = threading.Event(), [], []

    def run():
        threads.append(threading.current_thread())
        yield Step(1, 1)
        if ending == "failed":
            raise ValueError("shape")

    def after():
        threads.append(threading.current_thread())
        told.append(job.running)
        done.set()

    job = Job(run, after=after)
    job.start()
    if ending == "abandoned":
        job.abandon()
    qtbot.waitUntil(done.is_set, timeout=5000)
    assert len(set(threads)) == 1 and threading.main_thread() not in threads
    assert ending == "abandoned" or told == [False]


def test_a_run_faster_than_what_shows_it_does_not_hold_up_the_window(qapp, qtbot) -> None:
    """Slots that are slower than the run: what waits in the loop comes before the last Step."""
    from qtpy.QtCore import QTimer

    def run():
        for number in range(1, 61):
            yield Step(number, 60)

    job = Job(run)
    seen: list[int] = []
    turns: list[int] = []

    def show(step: Step) -> None:
        if not seen:
            QTimer.singleShot(0, lambda: turns.append(len(seen)))
        seen.append(step.step)
        time.sleep(0.01)

    job.stepped.connect(show)
    with qtbot.waitSignal(job.ended, timeout=10_000):
        job.start()
    assert seen == list(range(1, 61))
    assert turns and turns[0] < 60

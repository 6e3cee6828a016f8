"""Watching a run: what is shown, and how Ctrl-C ends it."""

import io
import os
import signal

import pytest

from napari_toposeg.cli.watch import Bar, Lines, watch
from napari_toposeg.progress import Step


def test_a_second_ctrl_c_does_not_wait() -> None:
    def stuck():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        yield Step(1, 2)

    with pytest.raises(KeyboardInterrupt):
        watch(stuck(), io.StringIO())


def test_watching_returns_what_the_run_returns() -> None:
    def run():
        yield Step(1, 1)
        return "result"

    outcome = watch(run(), io.StringIO())
    assert (outcome.result, outcome.last.step, outcome.stopped) == ("result", 1, False)


def test_how_far_a_stopped_run_came_is_told_by_its_last_whole_step() -> None:
    def run():
        yield Step(3, 9, seconds=1.5, losses={"loss": 0.5})
        os.kill(os.getpid(), signal.SIGTERM)
        yield Step(3, 9, message="training")

    outcome = watch(run(), io.StringIO())
    assert outcome.signal == signal.SIGTERM
    assert (outcome.last.seconds, outcome.last.losses) == (1.5, {"loss": 0.5})


def test_a_log_gets_whole_lines_with_speed_and_time_left() -> None:
    log = io.StringIO()
    lines = Lines(log)
    for number in range(1, 51):
        lines(Step(number, 50, losses={"loss": 0.5}, message="training"))
    written = log.getvalue().splitlines()
    assert len(written) == 2, "the first step and the last"
    assert "50/50" in written[1] and "loss=0.5" in written[1] and "step" in written[1]
    assert "\r" not in log.getvalue()


def test_speed_and_time_left_count_what_is_done_between_the_steps(monkeypatch) -> None:
    log, clock = io.StringIO(), iter(range(0, 100, 2))
    monkeypatch.setattr("napari_toposeg.cli.watch.time.monotonic", lambda: next(clock))
    lines = Lines(log)
    for number, message in [(0, "measuring"), (1, "training"), (1, "validating"), (2, "training")]:
        lines(Step(number, 4, message=message))
    assert "training: 2/4 [00:06<00:06" in log.getvalue().splitlines()[-1]


def test_a_bar_begins_anew_with_the_next_stretch() -> None:
    bar = Bar(io.StringIO())
    bar(Step(4, 4, message="first"))
    bar(Step(1, 9, message="second"))
    assert (bar.bar.n, bar.bar.total) == (1, 9)
    bar.close()


def test_a_bar_keeps_the_last_measure() -> None:
    bar = Bar(io.StringIO())
    bar(Step(1, 3, losses={"loss": 1.0}, metrics={"dice": 0.8}))
    bar(Step(2, 3, losses={"loss": 0.5}))
    assert bar.shown == {"loss": "0.5", "dice": "0.8"}
    bar.close()

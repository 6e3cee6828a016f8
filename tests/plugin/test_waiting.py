"""A long call becomes a run that can be closed at once."""

import threading

import pytest

from napari_toposeg.plugin import waiting
from napari_toposeg.plugin.waiting import follow, wait_for
from napari_toposeg.progress import finish


def test_the_result_is_what_the_call_returned_and_the_last_step_is_the_last() -> None:
    run = wait_for(lambda: 42, "counting", seconds=1)
    assert [(step.step, step.message) for step in [next(run)]] == [(100, "counting")]
    assert finish(run) == 42


def test_closing_does_not_wait_for_the_call(monkeypatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    release = threading.Event()
    run = wait_for(lambda: release.wait(10), "waiting", seconds=100)
    assert next(run).step < 100
    run.close()
    assert not release.is_set()
    release.set()


@pytest.mark.parametrize("error", [RuntimeError, ValueError, SystemExit])
def test_every_error_of_the_call_is_raised_by_the_run(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error("no")

    with pytest.raises(error, match="no"):
        finish(wait_for(fail, "failing", seconds=1))


def test_a_followed_call_tells_how_far_it_is(monkeypatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    release = threading.Event()

    def work(report) -> str:
        report(0.4)
        release.wait(10)
        return "done"

    run = follow(work, "working")
    while next(run).step != 40:
        pass
    release.set()
    assert finish(run) == "done"


def test_closing_a_followed_run_ends_its_call_at_the_next_report(monkeypatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    started, closed, ended = threading.Event(), threading.Event(), threading.Event()

    def work(report) -> None:
        started.set()
        closed.wait(10)
        try:
            report(0.5)
        finally:
            ended.set()
        pytest.fail("the call went on after its run was closed")

    run = follow(work, "working")
    next(run)
    assert started.wait(10)
    run.close()
    closed.set()
    assert ended.wait(10)


def test_an_error_of_a_followed_call_is_raised_by_the_run() -> None:
    def fail(report) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        finish(follow(fail, "failing"))

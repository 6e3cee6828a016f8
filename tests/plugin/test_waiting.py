"""A call that cannot be interrupted becomes a run that can."""

import threading

import pytest

from napari_toposeg.plugin import waiting
from napari_toposeg.plugin.waiting import wait_for
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

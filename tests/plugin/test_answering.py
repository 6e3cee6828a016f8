"""A run whose Steps take long answers at once, and ends by itself in its thread."""

import threading

import pytest

from napari_toposeg.plugin.answering import answering
from napari_toposeg.progress import Step, finish


def test_steps_and_result_are_the_runs_own():
    def run():
        yield Step(1, 2, message="a")
        yield Step(2, 2, message="b")
        return "done"

    told = answering(run())
    assert [next(told).message, next(told).message] == ["a", "b"]
    with pytest.raises(StopIteration) as stop:
        next(told)
    assert stop.value.value == "done"


def test_all_of_a_run_happens_in_one_thread_that_is_not_this_one():
    seen = []

    def run():
        for number in range(1, 4):
            seen.append(threading.get_ident())
            yield Step(number, 3)

    finish(answering(run()))
    assert len(set(seen)) == 1
    assert seen[0] != threading.get_ident()


def test_an_error_of_the_run_is_raised_here():
    def run():
        yield Step(1, 2)
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        finish(answering(run()))


def test_closing_waits_for_no_step_and_the_run_is_closed_after_its_own():
    go, closed = threading.Event(), threading.Event()

    def run():
        try:
            yield Step(1, 2)
            go.wait(10)
            yield Step(2, 2)
        finally:
            closed.set()

    told = answering(run())
    first = next(told)
    # The second Step is being made: the first is told again, so that the job can look up.
    assert next(told) is first
    told.close()
    assert not closed.is_set()
    go.set()
    assert closed.wait(5)


def test_no_step_is_made_before_it_is_asked_for():
    made = []

    def run():
        for number in range(1, 4):
            made.append(number)
            yield Step(number, 3)

    told = answering(run())
    next(told)
    assert made == [1]
    told.close()

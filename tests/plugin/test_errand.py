"""Errands: results come back on the window's thread, only the newest, and none after the end."""

import threading

import pytest

from napari_toposeg.plugin.errand import Errand


@pytest.fixture
def errand(qapp):
    made = Errand()
    yield made
    made.close()


def test_a_result_comes_back_on_the_thread_of_the_window(errand, qtbot) -> None:
    here = []
    errand.done.connect(lambda _: here.append(threading.get_ident()))
    with qtbot.waitSignal(errand.done, timeout=5000) as done:
        errand.send(threading.get_ident)
    assert done.args[0] != here[0] == threading.get_ident()
    assert not errand.running


def test_only_the_newest_call_is_told_of(errand, qtbot) -> None:
    go, told = threading.Event(), []
    errand.done.connect(told.append)
    errand.send(lambda: go.wait(5) and "old")
    with qtbot.waitSignal(errand.done, timeout=5000):
        errand.send(lambda: "new")
    go.set()
    qtbot.wait(50)
    assert told == ["new"]


def test_an_error_is_told_and_the_next_call_goes_on(errand, qtbot) -> None:
    with qtbot.waitSignal(errand.failed, timeout=5000) as failed:
        errand.send(lambda: 1 // 0)
    assert isinstance(failed.args[0], ZeroDivisionError)
    with qtbot.waitSignal(errand.done, timeout=5000):
        errand.send(lambda: 1)


def test_nothing_is_told_once_it_is_closed(errand, qtbot) -> None:
    go = threading.Event()
    with qtbot.assertNotEmitted(errand.done, wait=100):
        errand.send(lambda: go.wait(5))
        errand.close()
        go.set()

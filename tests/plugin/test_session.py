"""Session: one image, one job, errors that are shown."""

import logging
import threading

import napari
import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from napari_toposeg.errors import InvalidVolume, ToposegError
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.session import Session
from napari_toposeg.progress import Step


@pytest.fixture
def session(viewer_model):
    made = Session(viewer_model)
    yield made
    made.close()


@pytest.fixture
def notes():
    """Notifications that napari was told to show."""
    caught = []
    notification_manager.notification_ready.connect(caught.append)
    yield caught
    notification_manager.notification_ready.disconnect(caught.append)


def test_the_first_image_is_chosen_by_itself_and_the_next_one_when_it_goes(session, ct):
    chosen = []
    session.image_layer_changed.connect(chosen.append)
    viewer = session.viewer
    viewer.add_labels(np.zeros((2, 2, 2), int))
    assert session.image_layer is None
    first, second = add_volume(viewer, ct, "image"), add_volume(viewer, ct, "image")
    assert session.image_layer == first
    viewer.layers.remove(first)
    assert session.image_layer == second
    viewer.layers.clear()
    assert session.image_layer is None
    assert chosen == [first, second, None]


def test_renaming_a_layer_is_told(session, ct, qtbot):
    layer = add_volume(session.viewer, ct, "image")
    with qtbot.waitSignal(session.layers_changed, timeout=1000):
        layer.name = "patient"


def test_painted_labels_take_the_affine_of_the_scan_beneath(session, oblique):
    scan = add_volume(session.viewer, oblique, "image")
    painted = session.viewer.add_labels(
        np.zeros(oblique.shape, int), scale=scan.scale, translate=scan.translate
    )
    np.testing.assert_array_equal(session.volume_of(painted).affine, oblique.affine)


def test_without_an_image_the_user_is_told_where_to_open_one(session):
    with pytest.raises(ToposegError, match="Case tab"):
        session.require_image()


def test_one_job_at_a_time(session, count_to, qtbot):
    go_on = threading.Event()

    def slow():
        assert go_on.wait(5)
        yield Step(1, 1)

    job = session.start(slow, title="First")
    with pytest.raises(ToposegError, match="First is running"):
        session.start(count_to(1), title="Second")
    with qtbot.waitSignal(job.ended, timeout=5000):
        go_on.set()
    with qtbot.waitSignal(session.start(count_to(1), title="Second").ended, timeout=5000):
        pass


def test_the_callbacks_get_steps_and_result(session, count_to, qtbot):
    steps, results = [], []
    job = session.start(
        count_to(3, result=42), title="Count", on_step=steps.append, on_result=results.append
    )
    with qtbot.waitSignal(session.job_ended, timeout=5000):
        pass
    assert [step.step for step in steps] == [1, 2, 3]
    assert results == [42]
    assert not job.running


def test_the_users_error_is_shown_as_its_message(session, notes, qtbot):
    def run():
        yield Step(1, 1)
        raise InvalidVolume("the volume is empty; choose another")

    errors = []
    with qtbot.waitSignal(session.job_ended, timeout=5000):
        session.start(run, title="Run", on_error=errors.append)
    assert [note.message for note in notes] == ["the volume is empty; choose another"]
    assert str(notes[0].severity) == "error"
    assert isinstance(errors[0], InvalidVolume)


def test_our_own_error_is_shown_with_its_traceback(session, notes, qtbot):
    def run():
        yield Step(1, 1)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with qtbot.waitSignal(session.job_ended, timeout=5000):
        session.start(run, title="Run")
    assert isinstance(notes[0].exception, RuntimeError)
    assert notes[0].exception.__traceback__ is not None


def test_attempt_shows_what_the_user_can_mend_and_raises_what_is_ours(session, notes):
    def wrong():
        raise ToposegError("choose a layer")

    assert session.attempt(wrong) is None
    assert notes[0].message == "choose a layer"
    with pytest.raises(ZeroDivisionError):
        session.attempt(lambda: 1 / 0)


def test_a_proxied_viewer_will_do(viewer_model, ct):
    from napari.utils._proxies import PublicOnlyProxy

    session = Session(PublicOnlyProxy(viewer_model))
    layer = add_volume(session.viewer, ct, "image")
    assert session.image_layer == layer
    assert session.volume_of(session.image_layer).shape == ct.shape
    assert isinstance(session.image_layer, napari.layers.Image)


def test_what_the_package_logs_in_any_thread_is_shown(session, notes, qtbot) -> None:
    log = logging.getLogger("napari_toposeg")
    worker = threading.Thread(target=log.info, args=("compiling, once",))
    worker.start()
    qtbot.waitUntil(lambda: any("compiling, once" in note.message for note in notes))
    worker.join()
    session.close()
    notes.clear()
    log.info("too late")
    assert not notes

"""Session: what the tabs of a dock share: the viewer, the chosen image, the one job that runs."""

import logging
from collections.abc import Callable
from typing import Any
from weakref import ref

from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import notification_manager, show_error, show_info
from qtpy.QtCore import QCoreApplication, QObject, Signal

from napari_toposeg.errors import ToposegError
from napari_toposeg.plugin.canvas.layers import is_image, layer_to_volume, same_grid
from napari_toposeg.plugin.job import Job, MakeRun
from napari_toposeg.plugin.settings import on_settings_changed
from napari_toposeg.plugin.translation import tr
from napari_toposeg.volume import Volume


class Session(QObject):
    """The shared state of the tabs.

    Parameters
    ----------
    viewer
        A napari viewer, or the proxy of it that plugins receive; only its public names are used.

    Notes
    -----
    Signals: ``image_layer_changed(layer or None)``, ``layers_changed()`` (one came, went or was
    renamed), ``job_started(Job)``, ``job_ended()``, ``said(text)``, ``models_changed()`` (a model
    was made or removed: pickers list again), ``settings_changed()`` (in Preferences),
    ``logged(text)`` (the package has something to tell, such as that it compiles),
    ``diagrams_wanted(first, second)`` (two layers are to be compared by their diagrams),
    ``errors_wanted(judged, other)`` (one label map is to be judged against another),
    ``closing()`` (the window is going away).
    """

    image_layer_changed = Signal(object)
    layers_changed = Signal()
    job_started = Signal(object)
    job_ended = Signal()
    said = Signal(str)
    models_changed = Signal()
    settings_changed = Signal()
    logged = Signal(str)
    diagrams_wanted = Signal(object, object)
    errors_wanted = Signal(object, object)
    closing = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer
        self.job: Job | None = None
        self._image_layer: Any = None
        viewer.layers.events.inserted.connect(self._on_layers)
        viewer.layers.events.removed.connect(self._on_layers)
        viewer.layers.events.renamed.connect(self._on_layers)
        self._on_layers()
        on_settings_changed(self._on_settings)
        self.logged.connect(self._on_log)
        self._log = LogToSession(self)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.close)

    @property
    def image_layer(self) -> Any:
        """The Image layer that the tabs work on, or None."""
        return self._image_layer

    @image_layer.setter
    def image_layer(self, layer: Layer | None) -> None:
        if (layer is None) == (self._image_layer is None) and layer == self._image_layer:
            return
        self._image_layer = layer
        self.image_layer_changed.emit(layer)

    @property
    def busy(self) -> bool:
        """True while a job runs."""
        return self.job is not None and self.job.running

    def image_layers(self) -> list[Any]:
        """Image layers that can be worked on, first one at the bottom of the viewer."""
        return [layer for layer in self.viewer.layers if is_image(layer)]

    def volume_of(self, layer: Layer, *, read: bool = True) -> Volume:
        """Return a layer's voxels with their true geometry.

        Parameters
        ----------
        read
            Read voxels that are not in memory (dask, zarr); without it they are left where they
            are, for a run that begins with `canvas.lazy.load_run`.

        Raises
        ------
        InvalidVolume
            If the layer is not one 3D scalar volume.
        """
        alike = (other for other in self.image_layers() if same_grid(layer, other))
        return layer_to_volume(layer, like=next(alike, None), read=read)

    def require_image(self) -> Any:
        """Return the chosen Image layer, or raise ToposegError if there is none."""
        if self._image_layer is None:
            raise ToposegError("no image is chosen; open a scan or a sample in the Case tab first")
        return self._image_layer

    def start(
        self,
        make_run: MakeRun,
        *,
        title: str,
        on_step: Callable[[Any], None] | None = None,
        on_result: Callable[[Any], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None,
        on_cancel: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> Job:
        """Start a run in the background; the callbacks are called on the main thread.

        Parameters
        ----------
        make_run
            Makes the generator of Steps; called in the worker thread.
        title
            What is being done, shown in the status strip.
        on_error
            Called after the error has been shown to the user.
        after
            Called in the worker once the end of the run was told, however it ended.

        Raises
        ------
        ToposegError
            If a job is running.
        """
        if self.job is not None and self.job.running:
            raise ToposegError(f"{self.job.title} is running; wait for its end or cancel it first")
        job = Job(make_run, title, after=after)
        self.job = job
        _connect(job.stepped, on_step)
        _connect(job.finished, on_result)
        job.failed.connect(self.show_error)
        _connect(job.failed, on_error)
        _connect(job.cancelled, on_cancel)
        job.ended.connect(self.job_ended)
        job.start()
        self.job_started.emit(job)
        return job

    def say(self, text: str) -> None:
        """Show a line in the status strip."""
        self.said.emit(text)

    def show_error(self, error: BaseException) -> None:
        """Show an error: the message if the user can mend it, the traceback too if it is ours."""
        if isinstance(error, ToposegError):
            show_error(str(error))
        else:
            notification_manager.receive_error(type(error), error, error.__traceback__)
        self.say(tr("Error: {error}").format(error=error))

    def attempt(self, action: Callable[[], Any]) -> Any:
        """Call what a button does; show a ToposegError instead of raising it, and return None."""
        try:
            return action()
        except ToposegError as error:
            self.show_error(error)
            return None

    def close(self) -> None:
        """Stop what runs, silently: the window is going away."""
        self.closing.emit()
        if self.job is not None:
            self.job.abandon()
        self._log.close()
        # The viewer lives on: what it still tells must not reach widgets that are gone.
        events = self.viewer.layers.events
        for event in (events.inserted, events.removed, events.renamed):
            event.disconnect(self._on_layers)
        self.blockSignals(True)

    def _on_log(self, text: str) -> None:
        # A method, not show_info itself: Qt then calls it on the thread of the window.
        show_info(text)

    def _on_settings(self, _: object = None) -> None:
        self.settings_changed.emit()

    def _on_layers(self, _: object = None) -> None:
        there = self.image_layers()
        if self._image_layer is None or not any(layer == self._image_layer for layer in there):
            self.image_layer = there[0] if there else None
        self.layers_changed.emit()


class LogToSession(logging.Handler):
    """Hands what the package logs, in whatever thread, to a session for as long as it lives."""

    def __init__(self, session: Session) -> None:
        super().__init__(logging.INFO)
        self._session = ref(session, lambda _: self.close())
        self._logger = logging.getLogger("napari_toposeg")
        self._logger.addHandler(self)
        self._logger.setLevel(min(self._logger.getEffectiveLevel(), logging.INFO))

    def emit(self, record: logging.LogRecord) -> None:
        """Send the message as the session's signal."""
        session = self._session()
        if session is not None:
            session.logged.emit(record.getMessage())

    def close(self) -> None:
        """Stop listening."""
        self._logger.removeHandler(self)
        super().close()


def _connect(signal: Any, slot: Callable[..., None] | None) -> None:
    if slot is not None:
        signal.connect(slot)

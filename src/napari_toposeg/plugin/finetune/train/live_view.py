"""LiveView: keeps the training told where a person looks, and draws what it sees there."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QCheckBox

from napari_toposeg.plugin.canvas.marks import layer_with
from napari_toposeg.plugin.finetune.train.live import LIVE, Look
from napari_toposeg.plugin.finetune.train.model_layers import (
    PREVIEW,
    hide_preview,
    show_part,
    slice_region,
)
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr

WINDOW_MM = 48.0
"""Edge of a model's window where its own is not known yet."""


class LiveView(QObject):
    """Follows the view while a training runs.

    Parameters
    ----------
    box
        Whether a preview is wanted.
    """

    def __init__(self, session: Session, box: QCheckBox) -> None:
        super().__init__(box)
        self._session, self._box = session, box
        self._layer: Any = None
        self._classes = 0
        self._drawn = False
        self.look = Look()
        box.setChecked(True)
        box.toggled.connect(lambda _: self.follow())
        viewer = session.viewer
        dims, camera = viewer.dims.events, viewer.scene.camera.events
        self._followed = (dims.current_step, dims.order, camera.center)
        for event in self._followed:
            event.connect(self.follow)
        session.closing.connect(self._leave)

    def begin(self, layer: Any, classes: int) -> None:
        """Follow the view of a layer: a training on it has begun."""
        self._layer, self._classes, self._drawn = layer, classes, False
        self.follow()

    def follow(self, _: object = None) -> None:
        """Tell the training where a person looks."""
        there = self._layer is not None and any(
            each == self._layer for each in self._session.viewer.layers
        )
        wanted = there and self._box.isChecked()
        self.look.region = (
            slice_region(self._session.viewer, self._layer, self._window()) if wanted else None
        )
        if not wanted and self._drawn:
            self._drawn = False
            hide_preview(self._session.viewer)

    def show(self, preview: Mapping[str, Any]) -> None:
        """Draw what a Step brought, unless it is no longer wanted."""
        if LIVE not in preview or self._layer is None:
            return
        if self._drawn and layer_with(self._session.viewer, PREVIEW) is None:
            # A person who removes it does not want it back at the next validation.
            self._drawn = False
            self._box.setChecked(False)
        self.follow()
        if self.look.region is None:
            return
        drawn = show_part(
            self._session.viewer,
            self._layer,
            preview[LIVE],
            preview["origin"],
            role=PREVIEW,
            name=tr("live preview"),
            classes=self._classes,
            # Outlines, as areas in the same colours hide what was painted.
            contour=1,
        )
        if not self._drawn:
            drawn.visible = True
        self._drawn = True

    def end(self) -> None:
        """Stop following: the model that is drawn is no more."""
        self._layer, self.look.region = None, None
        if self._drawn:
            self._drawn = False
            hide_preview(self._session.viewer)

    def _window(self) -> float:
        # A window of so many voxels, in mm of the finest axis: trainings keep the scan's spacing.
        return WINDOW_MM * min(float(step) for step in self._layer.scale)

    def _leave(self) -> None:
        for event in self._followed:
            event.disconnect(self.follow)

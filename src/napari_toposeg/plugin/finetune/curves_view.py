"""CurvesView: how a training goes, while it goes: the loss, the Dice, and a look at one slice.

The one idea: the view is fed Steps and keeps nothing else; it can be cleared and fed again.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QFont, QImage, QPixmap, QResizeEvent
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from napari_toposeg.plugin.widgets.plotting import BLUE, CLASS_COLOURS, ORANGE, apply_theme
from napari_toposeg.progress import Step

SMOOTHING = 0.9
"""Share of the running mean that the next loss leaves in place."""


class CurvesView(QWidget):
    """Two small plots side by side: the training loss, and the Dice of the validation slices."""

    def __init__(self, theme: str = "dark", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.validated: list[int] = []
        self.dice: list[float] = []
        self.loss_plot, self.dice_plot = (_plot(self, title) for title in ("loss", "Dice"))
        self.dice_plot.setYRange(0, 1)
        faint = pg.mkPen(BLUE + "60", width=1)
        self._raw = self.loss_plot.plot(pen=faint)
        self._smooth = self.loss_plot.plot(pen=pg.mkPen(BLUE, width=2))
        self._dice = self.dice_plot.plot(
            pen=pg.mkPen(ORANGE, width=2), symbol="o", symbolSize=6, symbolBrush=ORANGE
        )
        self.set_theme(theme)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.loss_plot, 0, 0)
        layout.addWidget(self.dice_plot, 0, 1)

    def set_theme(self, theme: str) -> None:
        """Take the colours of a napari theme."""
        for plot in (self.loss_plot, self.dice_plot):
            apply_theme(plot, theme)

    def clear(self) -> None:
        """Forget all Steps."""
        for column in (self.steps, self.losses, self.validated, self.dice):
            column.clear()
        self._draw()

    def add(self, step: Step) -> None:
        """Draw what a Step measured."""
        if "loss" in step.losses:
            self.steps.append(step.step)
            self.losses.append(step.losses["loss"])
        if "dice" in step.metrics:
            self.validated.append(step.step)
            self.dice.append(step.metrics["dice"])
        self._draw()

    def _draw(self) -> None:
        self._raw.setData(self.steps, self.losses)
        self._smooth.setData(self.steps, running_mean(self.losses))
        self._dice.setData(self.validated, self.dice)


class PreviewView(QWidget):
    """One slice with its annotation and, beside it, with the prediction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.titles = [QLabel("annotation"), QLabel("prediction")]
        self.pictures = [_Picture(), _Picture()]
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setRowStretch(1, 1)
        for column, (title, picture) in enumerate(zip(self.titles, self.pictures, strict=True)):
            title.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(title, 0, column)
            layout.addWidget(picture, 1, column)

    def show_slice(
        self, image: NDArray[np.floating], truth: NDArray[np.int64], prediction: NDArray[np.int64]
    ) -> None:
        """Draw a slice.

        Parameters
        ----------
        image
            Grey values ``(y, x)``.
        truth, prediction
            Class numbers ``(y, x)``; 0 background, -1 unlabelled.
        """
        for picture, labels in zip(self.pictures, (truth, prediction), strict=True):
            picture.set_pixels(paint_labels(image, labels))

    def clear(self) -> None:
        """Show nothing."""
        for picture in self.pictures:
            picture.set_pixels(None)


class _Picture(QLabel):
    """A picture that keeps its proportions, as large as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmap: QPixmap | None = None
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(60, 80)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def set_pixels(self, pixels: NDArray[np.uint8] | None) -> None:
        """Show an array ``(y, x, 3)``, or nothing."""
        if pixels is None:
            self._pixmap = None
            self.clear()
            return
        height, width, _ = pixels.shape
        data = np.ascontiguousarray(pixels).tobytes()
        image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._pixmap = QPixmap.fromImage(image)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Scale the picture to the room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._pixmap is not None:
            keep = Qt.AspectRatioMode.KeepAspectRatio
            self.setPixmap(self._pixmap.scaled(self.size(), keep))


def running_mean(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the exponential running mean, without the pull of its start towards zero."""
    mean, weight = 0.0, 0.0
    means = np.empty(len(values))
    for index, value in enumerate(values):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * value
        weight = SMOOTHING * weight + (1 - SMOOTHING)
        means[index] = mean / weight
    return means


def paint_labels(
    image: NDArray[np.floating], labels: NDArray[np.int64], colours: Mapping[int, str] | None = None
) -> NDArray[np.uint8]:
    """Return a grey slice with its classes laid over it in colour, ``(y, x, 3)``.

    Parameters
    ----------
    image
        Grey values ``(y, x)``, drawn from the least to the greatest.
    labels
        Class numbers ``(y, x)``; 0 and below are not coloured.
    colours
        Colour of each class; by default those of an annotation layer.
    """
    low, high = float(image.min()), float(image.max())
    grey = (image.astype(np.float64) - low) / (high - low or 1.0)
    pixels = np.repeat(255 * grey[..., None], 3, axis=2)
    for value in np.unique(labels[labels > 0]):
        colour = (colours or {}).get(int(value)) or CLASS_COLOURS[
            (int(value) - 1) % len(CLASS_COLOURS)
        ]
        here = labels == value
        pixels[here] = 0.5 * pixels[here] + 0.5 * np.array(pg.mkColor(colour).getRgb()[:3])
    return pixels.round().astype(np.uint8)


def _plot(parent: QWidget, title: str) -> pg.PlotWidget:
    plot = pg.PlotWidget(parent)
    plot.setMinimumHeight(110)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setTitle(f"{title} by step", size="9pt")
    plot.getAxis("bottom").setTickDensity(0.5)
    font = QFont()
    font.setPointSize(8)
    for side in ("left", "bottom"):
        plot.getAxis(side).setTickFont(font)
    return plot

"""SlicesView: the slices kept for validation: annotation, prediction, and where they differ.

The one idea: a figure such as Dice says how much is wrong, a look at all the slices says what.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap, QResizeEvent
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.widgets.plotting import BLUE, CLASS_COLOURS, VERMILION

TITLES = (mark("annotation"), mark("prediction"), mark("difference"))
MISSING, TOO_MUCH, WRONG_CLASS = 1, 2, 3
DIFFERENCES = {MISSING: BLUE, TOO_MUCH: VERMILION, WRONG_CLASS: "#F0E442"}
EXPLAINED = mark(
    "Difference: blue is missing in the prediction, red is too much, yellow has another class; "
    "what nobody labelled is not compared"
)


class SlicesView(QWidget):
    """Three pictures of one slice, and buttons that step through the slices."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slices: tuple[Any, ...] = ()
        self.index = 0
        self.pictures = [_Picture() for _ in TITLES]
        self.where = QLabel()
        self.before = self._button(Qt.ArrowType.LeftArrow, tr("The slice before"), -1)
        self.next = self._button(Qt.ArrowType.RightArrow, tr("The next slice"), 1)
        self.setToolTip(tr(EXPLAINED))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.setRowStretch(1, 1)
        for column, (title, picture) in enumerate(zip(TITLES, self.pictures, strict=True)):
            heading = QLabel(tr(title))
            heading.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(heading, 0, column)
            layout.addWidget(picture, 1, column)
        steps = QHBoxLayout()
        steps.addStretch(1)
        for widget in (self.before, self.where, self.next):
            steps.addWidget(widget)
        steps.addStretch(1)
        layout.addLayout(steps, 2, 0, 1, 3)
        self.show_slices(())

    def show_slices(self, slices: Sequence[Any]) -> None:
        """Show what was judged: see `learning.judging.JudgedSlice`; the same slice stays in view.

        Parameters
        ----------
        slices
            Each with ``image``, ``truth`` and ``prediction`` ``(rows, columns)``.
        """
        self.slices = tuple(slices)
        self.index = min(self.index, max(0, len(self.slices) - 1))
        self._draw()

    def step(self, by: int) -> None:
        """Go so many slices on, round about."""
        if self.slices:
            self.index = (self.index + by) % len(self.slices)
            self._draw()

    def _draw(self) -> None:
        self.setVisible(bool(self.slices))
        if not self.slices:
            for picture in self.pictures:
                picture.set_pixels(None)
            return
        judged = self.slices[self.index]
        for picture, labels, colours in (
            (self.pictures[0], judged.truth, None),
            (self.pictures[1], judged.prediction, None),
            (self.pictures[2], differences(judged.truth, judged.prediction), DIFFERENCES),
        ):
            picture.set_pixels(paint_labels(judged.image, labels, colours))
        self.where.setText(
            tr("validation slice {number} of {count}").format(
                number=self.index + 1, count=len(self.slices)
            )
        )
        for each in (self.before, self.next):
            each.setEnabled(len(self.slices) > 1)

    def _button(self, arrow: Qt.ArrowType, tooltip: str, by: int) -> QToolButton:
        made = QToolButton()
        made.setArrowType(arrow)
        made.setToolTip(tooltip)
        made.setAccessibleName(tooltip)
        made.clicked.connect(lambda: self.step(by))
        return made


class _Picture(QLabel):
    """A picture that keeps its proportions, as large as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmap: QPixmap | None = None
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(60, 90)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def set_pixels(self, pixels: NDArray[np.uint8] | None) -> None:
        """Show an array ``(rows, columns, 3)``, or nothing."""
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


def differences(truth: NDArray[np.integer], prediction: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return where a prediction differs from what was labelled: 0 nowhere, else a `DIFFERENCES`."""
    found = np.zeros(truth.shape, np.int64)
    found[(truth > 0) & (prediction > 0) & (truth != prediction)] = WRONG_CLASS
    found[(truth > 0) & (prediction == 0)] = MISSING
    found[(truth == 0) & (prediction > 0)] = TOO_MUCH
    return found


def paint_labels(
    image: NDArray[np.floating],
    labels: NDArray[np.integer],
    colours: Mapping[int, str] | None = None,
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

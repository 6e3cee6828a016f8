"""A bright ball in noise with five painted slices: a training on it is real, and takes seconds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND

SLICES = [8, 10, 12, 14, 16]


def ball_scan() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return grey values and annotation, 24 voxels across."""
    z, y, x = np.indices((24, 24, 24)) - 12
    ball = z**2 + y**2 + x**2 < 49
    image = 100 * ball + np.random.default_rng(0).normal(0, 10, ball.shape)
    labels = np.zeros(ball.shape, np.uint8)
    labels[SLICES] = np.where(ball[SLICES], 1, BACKGROUND)
    return image.astype(np.float32), labels


def annotated(dock: Any) -> Any:
    """Open the ball in a dock's viewer, paint it, and show the Train page; return that."""
    image, labels = ball_scan()
    dock.session.viewer.add_image(image, name="ball", units=("mm",) * 3)
    dock.show_tab("Fine-tune")
    tab = dock.finetune
    tab.annotate.make_layer().data[:] = labels
    tab.annotate.read()
    tab.pages.setCurrentWidget(tab.train)
    panel = tab.train
    panel.model.refresh()
    panel.model.setCurrentIndex(panel.model.count() - 1)
    panel.after.at_end.setChecked(False)
    return panel

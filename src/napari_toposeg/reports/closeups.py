"""Close-ups of errors: one small picture each, of the slice on which most of the error lies.

The one idea: an error is shown as a person would look it up: in its own plane, with its
surroundings, the prediction and what it was held against as outlines, told apart by line and
colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from napari_toposeg.reports.slices import GROUND, INK
from napari_toposeg.volume import Volume

PLANES = ("axial", "coronal", "sagittal")
ERROR, PREDICTION, OTHER = "#F0E442", "#56B4E9", "#E69F00"
LEAST_EDGE = 24.0
"""Edge of a close-up in mm, at least; larger errors are shown whole."""
MARGIN = 1.6
COLUMNS, SIDE = 3, 2.6
"""Pictures in a row, and the edge of one in inches."""


STYLES: tuple[tuple[str, Literal["-", "--"]], ...] = ((PREDICTION, "-"), (OTHER, "--"))
"""Colour and line of the prediction and of what it was held against."""


@dataclass(frozen=True)
class ErrorView:
    """An error to be looked at.

    Parameters
    ----------
    title
        What it is, in a word or two.
    voxels
        Flat C-order indices into the volume.
    """

    title: str
    voxels: NDArray[np.int64]


def plot_closeups(
    image: Volume,
    window: tuple[float, float],
    errors: Sequence[ErrorView],
    path: Path,
    *,
    outlines: Mapping[str, NDArray[Any]],
) -> Path:
    """Draw errors as a PNG.

    Parameters
    ----------
    window
        Grey values shown black and white.
    outlines
        Name -> label map or mask ``(z, y, x)``, of which what is above 0 is outlined: the
        prediction and, second, what it was held against.
    """
    rows = -(-len(errors) // COLUMNS)
    columns = min(COLUMNS, len(errors))
    size = (SIDE * columns + 0.1, (SIDE + 0.3) * rows + 0.45)
    figure = Figure(figsize=size, facecolor=GROUND, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axis in grid.flat:
        axis.set_axis_off()
    for number, (axis, error) in enumerate(zip(grid.flat, errors, strict=False), start=1):
        draw_closeup(axis, image, window, error, list(outlines.values()))
        axis.set_title(f"{number}  {error.title}", color=INK, fontsize=9, loc="left")
    lines = [
        Line2D([], [], color=colour, linestyle=style, label=name)
        for name, (colour, style) in zip(outlines, STYLES, strict=False)
    ]
    figure.legend(
        handles=[Patch(color=ERROR, alpha=0.6, label="error"), *lines],
        loc="outside lower left",
        ncols=3,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
    )
    figure.savefig(path, dpi=130, facecolor=GROUND)
    return path


def draw_closeup(
    axis: Axes,
    image: Volume,
    window: tuple[float, float],
    error: ErrorView,
    outlines: Sequence[NDArray[Any]],
) -> None:
    """Draw one error in its plane."""
    places = np.stack(np.unravel_index(error.voxels, image.shape), axis=1)
    normal = flattest(places, image.spacing)
    slices, extent = box_about(places, normal, image)
    low, high = window
    # Superior is up; what is axial is drawn as radiologists see it, with the front up.
    flip = slice(None, None, -1 if normal != 0 else 1)
    picture = image.voxels[slices][flip]
    axis.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="nearest")
    painted = np.zeros((*picture.shape, 4))
    painted[in_box(places, slices)[flip]] = to_rgba(ERROR, 0.55)
    axis.imshow(painted, extent=extent, interpolation="nearest")
    for outline, (colour, style) in zip(outlines, STYLES, strict=False):
        drawn = outline[slices][flip] > 0
        if drawn.any() and not drawn.all() and min(drawn.shape) > 1:
            axis.contour(
                drawn,
                levels=[0.5],
                colors=[colour],
                linestyles=[style],
                linewidths=1.2,
                extent=extent,
                origin="upper",
            )
    z = int(np.median(places[:, normal]))
    width = abs(extent[1] - extent[0])
    text = f"{PLANES[normal]}, slice {z}, {width:.0f} mm wide"
    words = axis.text(0.02, 0.02, text, transform=axis.transAxes, color=INK, fontsize=7)
    words.set_path_effects([withStroke(linewidth=1.8, foreground=GROUND)])


def in_box(places: NDArray[np.int64], box: Sequence[Any]) -> NDArray[np.bool_]:
    """Return which pixels of a piece of a slice are of an error.

    Parameters
    ----------
    places
        ``(n, 3)`` voxels of the error.
    box
        The number of the slice, and the slices along the other two axes.
    """
    (normal,) = (axis for axis in range(3) if isinstance(box[axis], int))
    here = places[places[:, normal] == box[normal]]
    across = [axis for axis in range(3) if axis != normal]
    first = np.array([box[axis].start for axis in across])
    shape = tuple(box[axis].stop - box[axis].start for axis in across)
    pixels = here[:, across] - first
    pixels = pixels[((pixels >= 0) & (pixels < shape)).all(axis=1)]
    mask = np.zeros(shape, bool)
    mask[tuple(pixels.T)] = True
    return mask


def flattest(places: NDArray[np.int64], spacing: Sequence[float]) -> int:
    """Return the axis along which an error reaches least: it is seen best across it."""
    reach = np.ptp(places, axis=0) * np.asarray(spacing)
    return int(np.argmin(reach))


def box_about(
    places: NDArray[np.int64], normal: int, image: Volume
) -> tuple[Any, tuple[float, float, float, float]]:
    """Return the piece of the slice to show, and its edges in mm for matplotlib."""
    index: list[Any] = [slice(None)] * 3
    values, counts = np.unique(places[:, normal], return_counts=True)
    index[normal] = int(values[counts.argmax()])
    across = [axis for axis in range(3) if axis != normal]
    low, high = places.min(axis=0), places.max(axis=0)
    reach = max(float((high - low + 1)[axis] * image.spacing[axis]) for axis in across)
    edge = max(LEAST_EDGE, MARGIN * reach)
    lengths = []
    for axis in across:
        half = max(2, round(edge / image.spacing[axis] / 2))
        middle = int(low[axis] + high[axis] + 1) // 2
        first, last = max(0, middle - half), min(image.shape[axis], middle + half + 1)
        index[axis] = slice(first, last)
        lengths.append((last - first) * image.spacing[axis])
    height, width = lengths
    return tuple(index), (0.0, width, height, 0.0)

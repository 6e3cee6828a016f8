"""A montage of slices: one column for each picture, one row for each plane, millimetres true.

Volumes are in canonical order, so axial slices are shown as radiologists see them (the patient's
left on the right of the picture) and coronal and sagittal ones with the head up. Orientation
letters say so on every slice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.volume import Volume

GROUND, INK, FAINT = "#15191e", "#f2f4f7", "#98a2b0"
COLUMN, RULE = 2.6, 0.3
"""Width of a column and height of the line for titles, in inches."""

PLANES = ("axial", "coronal", "sagittal")
LETTERS = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}
"""Letters at the left, right, top and bottom of a slice."""


@dataclass(frozen=True)
class Overlay:
    """Labels painted over a picture.

    Parameters
    ----------
    labels
        Integer array ``(z, y, x)``; 0 is not painted.
    colours
        Label -> colour.
    opacity
        0 (unseen) to 1 (opaque).
    legend
        Name -> colour, shown under the column.
    """

    labels: NDArray[Any]
    colours: Mapping[int, str]
    opacity: float = 0.55
    legend: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """One column of a montage.

    Parameters
    ----------
    title
        What is seen, in a word or two.
    volume
        The picture's values.
    window
        Values shown as the darkest and the brightest.
    colourmap
        A name of matplotlib's.
    overlay
        What is painted over it.
    bar
        Caption of a colour bar ("HU"); none without it.
    """

    title: str
    volume: Volume
    window: tuple[float, float]
    colourmap: str = "gray"
    overlay: Overlay | None = None
    bar: str | None = None


def window_of(voxels: NDArray[Any]) -> tuple[float, float]:
    """Return a display window of an image: its 1st and 99.5th percentile, never equal."""
    finite = voxels[np.isfinite(voxels)]
    low, high = np.percentile(finite, (1, 99.5)) if finite.size else (0.0, 1.0)
    return float(low), float(high if high > low else low + 1)


def plot_slices(panels: Sequence[Panel], path: Path, *, centre: Sequence[int]) -> Path:
    """Draw panels of one grid in three planes as a PNG.

    Parameters
    ----------
    centre
        Voxel ``(z, y, x)`` that all three planes pass through.

    Raises
    ------
    ShapeMismatch
        If the panels do not share a grid.
    """
    if len(shapes := {panel.volume.shape for panel in panels}) != 1:
        raise ShapeMismatch(f"the panels' shapes {sorted(shapes)} differ; resample them first")
    extents = plane_extents(panels[0].volume)
    heights = [COLUMN * height / width for width, height in extents.values()]
    legends = 0.24 * max(len(panel.overlay.legend) if panel.overlay else 0 for panel in panels)
    foot = 0.1 + max(legends, 0.55 if any(panel.bar for panel in panels) else 0.0)
    size = (COLUMN * len(panels), sum(heights) + 0.08 * len(heights) + RULE + foot)
    figure = Figure(figsize=size, facecolor=GROUND)
    top = size[1] - RULE
    for plane, height in zip(PLANES, heights, strict=True):
        top -= height
        for column, panel in enumerate(panels):
            box = (column / len(panels), top / size[1], 1 / len(panels), height / size[1])
            axis = figure.add_axes(inset(box, size))
            draw_slice(axis, panel, plane, centre)
            if plane == PLANES[0]:
                axis.set_title(panel.title, color=INK, fontsize=11, pad=7)
        top -= 0.08
    for column, panel in enumerate(panels):
        draw_foot(figure, panel, column / len(panels), 1 / len(panels), foot / size[1])
    figure.savefig(path, dpi=150, facecolor=GROUND)
    return path


def inset(
    box: tuple[float, float, float, float], size: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Shrink a box of figure coordinates by a hair on the left and right."""
    left, bottom, width, height = box
    gap = 0.04 / size[0]
    return left + gap, bottom, width - 2 * gap, height


def plane_extents(volume: Volume) -> dict[str, tuple[float, float]]:
    """Return width and height of each plane's picture in mm."""
    z, y, x = np.multiply(volume.shape, volume.spacing)
    return {"axial": (x, y), "coronal": (x, z), "sagittal": (y, z)}


def cut(voxels: NDArray[Any], plane: str, centre: Sequence[int]) -> NDArray[Any]:
    """Return the slice of a plane as a picture, first row at the top."""
    z, y, x = centre
    planes: dict[str, NDArray[Any]]
    planes = {"axial": voxels[z], "coronal": voxels[::-1, y], "sagittal": voxels[::-1, :, x]}
    return planes[plane]


def draw_slice(axis: Axes, panel: Panel, plane: str, centre: Sequence[int]) -> None:
    """Draw one slice with its overlay and its letters."""
    width, height = plane_extents(panel.volume)[plane]
    low, high = panel.window
    axis.imshow(
        cut(panel.volume.voxels, plane, centre),
        cmap=panel.colourmap,
        vmin=low,
        vmax=high,
        extent=(0, width, height, 0),
        interpolation="nearest",
    )
    if panel.overlay is not None:
        picture = paint(cut(panel.overlay.labels, plane, centre), panel.overlay)
        axis.imshow(picture, extent=(0, width, height, 0), interpolation="nearest")
    axis.set_axis_off()
    for letter, (x, y) in zip(
        LETTERS[plane], ((0, 0.5), (1, 0.5), (0.5, 1), (0.5, 0)), strict=True
    ):
        axis.annotate(
            letter,
            (x, y),
            xytext=(12 * (0.5 - x), 12 * (0.5 - y)),
            xycoords="axes fraction",
            textcoords="offset points",
            color=INK,
            fontsize=7,
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=1.6, foreground=GROUND)],
        )


def paint(labels: NDArray[Any], overlay: Overlay) -> NDArray[np.float64]:
    """Return an RGBA picture of labels."""
    picture = np.zeros((*labels.shape, 4))
    for label, colour in overlay.colours.items():
        picture[labels == label] = to_rgba(colour, overlay.opacity)
    return picture


def draw_foot(figure: Figure, panel: Panel, left: float, width: float, height: float) -> None:
    """Draw the colour bar or the legend under a column."""
    if panel.bar is not None:
        scale = ScalarMappable(Normalize(*panel.window), panel.colourmap)
        axis = figure.add_axes((left + 0.1 * width, 0.62 * height, 0.8 * width, 0.1 * height))
        bar = figure.colorbar(scale, cax=axis, orientation="horizontal")
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=FAINT, labelsize=7, length=2, pad=2)
        bar.ax.set_xlabel(panel.bar, color=FAINT, fontsize=8, labelpad=1)
    if panel.overlay is not None and panel.overlay.legend:
        patches = [Patch(color=colour, label=name) for name, colour in panel.overlay.legend.items()]
        figure.legend(
            handles=patches,
            loc="upper center",
            bbox_to_anchor=(left + width / 2, height),
            labelcolor=INK,
            fontsize=8,
            frameon=False,
            handlelength=1,
        )

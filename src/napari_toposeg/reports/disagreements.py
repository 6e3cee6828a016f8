"""Pictures of where a segmentation and the truth differ: contours, and errors of topology marked.

The one idea: two pictures: a case as a whole, with its errors marked, a model in each row; and each
error that changes a Betti number from near.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from napari_toposeg.reports.closeups import ERROR
from napari_toposeg.reports.colours import BETTI_MARKS, class_colour
from napari_toposeg.reports.differing import Disagreement, Error
from napari_toposeg.reports.slices import GROUND, INK, PLANES

WIDTH = 9.0
"""Of a picture, in inches."""
NEAR = 10.0
"""Of what is shown about an error from near, in mm."""
MOST_ERRORS = 6
COLUMNS = 3
LEGEND = 5
"""Words of a legend that stand beside each other."""
LINES: tuple[tuple[str, Literal["-", "--"]], ...] = (("truth", "--"), ("prediction", "-"))


def plot_disagreement(case: Disagreement, path: Path) -> Path:
    """Draw a case as a PNG: a row for each model, a column for each plane."""
    (z, y, x), rows = case.reach, len(case.predictions)
    height, scale = max(y, z), WIDTH / (2 * x + y)
    figure = figure_of(rows * (height * scale + 0.3), case)
    grid = figure.subplots(rows, 3, squeeze=False, width_ratios=(x, x, y))
    for axes, (name, errors) in zip(grid, case.errors.items(), strict=True):
        for normal, (axis, width) in enumerate(zip(axes, (x, x, y), strict=True)):
            draw_slice(axis, case, name, normal, case.centre[normal])
            for error in errors:
                mark(axis, case, error, normal, case.centre[normal])
            frame(axis, place_of(case, case.middle, normal), width, height)
        count = f"{len(errors)} errors of topology" if errors else "no error of topology"
        axes[0].set_title(f"{name}: {count}", color=INK, fontsize=10, loc="left")
    draw_legend(figure, case, marks_of_errors())
    figure.savefig(path, dpi=120, facecolor=GROUND)
    return path


def plot_errors(case: Disagreement, model: str, path: Path) -> Path:
    """Draw the largest errors of topology of a model from near as a PNG, at most `MOST_ERRORS`."""
    errors = case.errors[model][:MOST_ERRORS]
    rows = -(-len(errors) // COLUMNS)
    figure = figure_of(rows * (WIDTH / COLUMNS + 0.25), case)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axis in grid.flat:
        axis.set_axis_off()
    for axis, error in zip(grid.flat, errors, strict=False):
        reach = np.ptp(error.voxels, axis=0) * np.asarray(case.truth.spacing)
        normal = int(reach.argmin())
        indices, counts = np.unique(error.voxels[:, normal], return_counts=True)
        index = int(indices[counts.argmax()])
        draw_slice(axis, case, model, normal, index, error)
        edge = float(reach.max()) + 2 * NEAR
        middle = (error.voxels.min(axis=0) + error.voxels.max(axis=0)) / 2
        frame(axis, place_of(case, middle, normal), edge, edge)
        title = f"{error.kind}, {case.names[error.label]}, {len(error.voxels)} voxels"
        axis.set_title(title, color=INK, fontsize=9, loc="left")
    draw_legend(figure, case, [Patch(color=ERROR, alpha=0.6, label="error")])
    figure.savefig(path, dpi=120, facecolor=GROUND)
    return path


def figure_of(height: float, case: Disagreement) -> Figure:
    """Return an empty figure with room for a legend."""
    legend = 0.35 + 0.2 * -(-(len(LINES) + len(case.names) + len(BETTI_MARKS)) // LEGEND)
    return Figure(figsize=(WIDTH, height + legend), facecolor=GROUND, layout="constrained")


def cut(voxels: NDArray[Any], normal: int, index: int) -> NDArray[Any]:
    """Return a slice with the head or the front up."""
    return np.asarray(np.take(voxels, index, normal)[:: -1 if normal else 1])


def place_of(
    case: Disagreement, voxel: Sequence[float] | NDArray[Any], normal: int
) -> tuple[float, float]:
    """Return where a voxel's centre lies in a slice: mm from the left and from the top."""
    across = [axis for axis in range(3) if axis != normal]
    down, right = ((voxel[axis] + 0.5) * case.truth.spacing[axis] for axis in across)
    height = case.truth.shape[across[0]] * case.truth.spacing[across[0]]
    return float(right), float(height - down if normal else down)


def draw_slice(
    axis: Axes,
    case: Disagreement,
    model: str,
    normal: int,
    index: int,
    error: Error | None = None,
) -> None:
    """Draw a slice with the contours of each class, in mm, and the voxels of an error."""
    axis.set_axis_off()
    down, right = (step for plane, step in enumerate(case.truth.spacing) if plane != normal)
    truth = cut(case.truth.voxels, normal, index)
    edges = (0.0, truth.shape[1] * right, truth.shape[0] * down, 0.0)
    ground = np.zeros(truth.shape)
    low, high = 0.0, 1.0
    if case.image is not None:
        ground, (low, high) = cut(case.image.voxels, normal, index), case.window
    axis.imshow(ground, cmap="gray", vmin=low, vmax=high, extent=edges, interpolation="nearest")
    if error is not None:
        painted = np.zeros(case.truth.shape, bool)
        painted[tuple(error.voxels.T)] = True
        colours = np.multiply.outer(cut(painted, normal, index), to_rgba(ERROR, 0.6))
        axis.imshow(colours, extent=edges, interpolation="nearest")
    predicted = cut(case.predictions[model], normal, index)
    for label in case.names:
        for labels, (_, style) in zip((truth, predicted), LINES, strict=True):
            outline(axis, labels == label, class_colour(label), style, (down, right))
    words = axis.text(
        0.02, 0.02, f"{PLANES[normal]} {index}", transform=axis.transAxes, color=INK, fontsize=7
    )
    words.set_path_effects([withStroke(linewidth=1.8, foreground=GROUND)])


def outline(
    axis: Axes, mask: NDArray[np.bool_], colour: str, style: str, steps: tuple[float, float]
) -> None:
    """Draw the contour of a mask, closed where it reaches the edge."""
    if mask.any():
        y, x = (
            (np.arange(-1, n + 1) + 0.5) * step for n, step in zip(mask.shape, steps, strict=True)
        )
        closed = np.pad(mask, 1)
        axis.contour(x, y, closed, [0.5], colors=[colour], linestyles=[style], linewidths=1.3)


def mark(axis: Axes, case: Disagreement, error: Error, normal: int, index: int) -> None:
    """Mark an error of topology where a slice goes through it."""
    here = error.voxels[error.voxels[:, normal] == index]
    if not len(here):
        return
    middle = here[np.linalg.norm(here - here.mean(axis=0), axis=1).argmin()]
    right, down = place_of(case, middle, normal)
    look = BETTI_MARKS[error.dimension]
    axis.plot(
        right,
        down,
        look.shape,
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=look.colour,
        markeredgewidth=2,
        path_effects=[withStroke(linewidth=3.5, foreground="white")],
    )


def frame(axis: Axes, middle: tuple[float, float], width: float, height: float) -> None:
    """Show a piece of a slice of so many mm about a place."""
    right, down = middle
    axis.set_xlim(right - width / 2, right + width / 2)
    axis.set_ylim(down + height / 2, down - height / 2)


def marks_of_errors() -> list[Line2D]:
    """Return what the marks mean."""
    return [
        Line2D(
            [],
            [],
            color=look.colour,
            marker=look.shape,
            markerfacecolor="none",
            markeredgewidth=2,
            linestyle="",
            label=f"wrong {word}",
        )
        for look, word in zip(BETTI_MARKS.values(), ("piece", "loop", "cavity"), strict=True)
    ]


def draw_legend(figure: Figure, case: Disagreement, further: Sequence[Artist]) -> None:
    """Say what lines, colours and marks mean."""
    lines = [Line2D([], [], color=INK, linestyle=style, label=name) for name, style in LINES]
    classes = [Patch(color=class_colour(label), label=name) for label, name in case.names.items()]
    figure.legend(
        handles=[*lines, *classes, *further],
        loc="outside lower left",
        ncols=LEGEND,
        frameon=False,
        fontsize=8,
        labelcolor=INK,
    )

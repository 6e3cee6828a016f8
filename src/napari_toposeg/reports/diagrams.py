"""Pictures of persistence diagrams: dimensions told apart by shape and colour, on equal axes.

A point is a feature: the farther from the diagonal, the larger the range of thresholds over which
it exists. Features that never die stand on the edge, beyond the dotted line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_toposeg.reports.colours import BETTI_MARKS
from napari_toposeg.topology import PersistenceDiagram

INK, FAINT = "#1f2933", "#9aa5b1"
SHOWN = 3000
"""Most points drawn for a dimension; the most persistent ones are kept."""


def plot_diagram(
    diagram: PersistenceDiagram,
    path: Path,
    *,
    title: str = "Persistence diagram",
    unit: str = "",
    min_persistence: float = 0.0,
) -> Path:
    """Draw one diagram; see `plot_diagrams`."""
    return plot_diagrams({title: (diagram, unit)}, path, min_persistence=min_persistence)


def plot_diagrams(
    diagrams: Mapping[str, tuple[PersistenceDiagram, str]],
    path: Path,
    *,
    min_persistence: float | Mapping[str, float] = 0.0,
) -> Path:
    """Draw diagrams side by side as a PNG.

    Parameters
    ----------
    diagrams
        Title -> diagram and the unit of its image ("HU", "" for none). Diagrams of the same unit
        share their axes, so that they can be compared by eye.
    min_persistence
        Features of a persistence not above it are left out, in the image's unit; one for all, or
        title -> bound.
    """
    figure = Figure(figsize=(4.3 * len(diagrams), 4.7), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(diagrams), squeeze=False)[0]
    limits = limits_by_unit(diagrams)
    for axis, (title, (diagram, unit)) in zip(axes, diagrams.items(), strict=True):
        bound = (
            min_persistence if isinstance(min_persistence, float | int) else min_persistence[title]
        )
        draw_diagram(axis, diagram.select(min_persistence=bound), limits[unit], unit)
        axis.set_title(title, fontsize=12, color=INK, loc="left", fontweight="bold")
    figure.savefig(path, dpi=130)
    return path


def limits_by_unit(
    diagrams: Mapping[str, tuple[PersistenceDiagram, str]],
) -> dict[str, tuple[float, float]]:
    """Return the range of births and deaths over all diagrams of a unit."""
    values: dict[str, list[NDArray[np.float64]]] = {}
    for diagram, unit in diagrams.values():
        values.setdefault(unit, []).extend((diagram.birth, diagram.death))
    return {unit: finite_range(np.concatenate(arrays)) for unit, arrays in values.items()}


def finite_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return least and largest finite value, never equal."""
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def draw_diagram(
    axis: Axes, diagram: PersistenceDiagram, limits: tuple[float, float], unit: str
) -> None:
    """Draw the features of one diagram with its diagonal and its edge of infinity."""
    low, high = limits
    span = high - low
    edge = low - 0.08 * span if diagram.superlevel else high + 0.08 * span
    draw_ground(axis, low, high, edge)
    for dimension, mark in BETTI_MARKS.items():
        features = diagram.select(dimension)
        count = len(features)
        features = features.rows(np.arange(min(count, SHOWN)))
        death = np.where(np.isfinite(features.death), features.death, edge)
        axis.scatter(
            features.birth,
            death,
            s=26,
            marker=mark.shape,
            facecolor=f"{mark.colour}99",
            edgecolor=mark.colour,
            linewidth=0.7,
            clip_on=False,
            zorder=3,
            label=f"{mark.label}: {count}",
        )
    axis.set_xlabel(f"birth ({unit})" if unit else "birth", color=INK)
    axis.set_ylabel(f"death ({unit})" if unit else "death", color=INK)
    away: Literal["upper left", "lower right"]
    away = "upper left" if diagram.superlevel else "lower right"
    axis.legend(loc=away, fontsize=9, frameon=False, labelcolor=INK, handletextpad=0.2)


def draw_ground(axis: Axes, low: float, high: float, edge: float) -> None:
    """Draw what the points stand on: the diagonal, the line of infinity, quiet spines."""
    margin = 0.04 * (high - low)
    axis.plot([low, high], [low, high], color=FAINT, linewidth=1, zorder=1)
    axis.axhline(
        (edge + (low if edge < low else high)) / 2, color=FAINT, linestyle=":", linewidth=1
    )
    axis.text(low, edge, "never dies", va="center", fontsize=8, color=FAINT, zorder=2)
    axis.set_xlim(low - margin, high + margin)
    axis.set_ylim(min(low, edge) - margin, max(high, edge) + margin)
    axis.set_box_aspect(1)
    axis.tick_params(colors=INK, labelsize=9)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(FAINT)

"""Few-label curves: what each arm reaches with how many labelled cases.

Arms are told apart by marker and line as well as by colour, and each is named beside the curves.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_toposeg.comparison.table import Cell
from napari_toposeg.comparison.trials import counted

Theme = Literal["light", "dark"]


class Paper(NamedTuple):
    """What curves are drawn on."""

    ground: str
    ink: str
    faint: str


PAPERS: dict[Theme, Paper] = {
    "light": Paper("#ffffff", "#1f2933", "#c3cad2"),
    "dark": Paper("#1d232a", "#e4e8ed", "#4b5663"),
}
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#8c8c8c")
"""Okabe and Ito's, those that are seen on light and on dark ground alike first."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.")
"""As many as have no factor in common with the markers: 24 arms differ without colour."""
APART = 0.06
"""Distance of neighbouring arms at one count, as a share of that between counts."""


def plot_curves(
    cells: Sequence[Cell], metrics: Mapping[str, str], path: Path, *, theme: Theme
) -> Path:
    """Draw a panel for each kind of mask (rows) and metric (columns) as a PNG.

    Arms with one count have no curve: they are left to the table where others have several.

    Parameters
    ----------
    metrics
        Their headings by name.
    """
    cells = with_curves(cells)
    masks = list(dict.fromkeys(cell.mask for cell in cells))
    arms = list(dict.fromkeys(cell.arm for cell in cells))
    counts = list(dict.fromkeys(cell.count for cell in cells))
    paper = PAPERS[theme]
    size = (3.6 * len(metrics) + 0.4, 2.9 * len(masks) + 0.7)
    figure = Figure(figsize=size, layout="constrained", facecolor=paper.ground)
    panels = figure.subplots(len(masks), len(metrics), squeeze=False)
    for mask, row in zip(masks, panels, strict=True):
        for metric, panel in zip(metrics, row, strict=True):
            draw(panel, [cell for cell in cells if cell.mask == mask], arms, counts, metric)
            dress(panel, paper, counts, f"{metrics[metric]}, {mask}")
    for column in panels.T:
        share_scale(column)
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=min(len(arms), 4),
        frameon=False,
        labelcolor=paper.ink,
        handlelength=3.5,
    )
    figure.savefig(path, dpi=130)
    return path


def with_curves(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Return the cells of the arms that have several counts, or all if none has."""
    counts: dict[str, set[int]] = {}
    for cell in cells:
        counts.setdefault(cell.arm, set()).add(cell.count)
    several = [cell for cell in cells if len(counts[cell.arm]) > 1]
    return several or cells


def share_scale(panels: Sequence[Axes]) -> None:
    """Give panels one scale where their values overlap; elsewhere it would flatten the curves."""
    lows, highs = zip(*(panel.get_ylim() for panel in panels), strict=True)
    if max(lows) < min(highs):
        for panel in panels:
            panel.set_ylim(min(lows), max(highs))


def draw(
    panel: Axes, cells: Sequence[Cell], arms: Sequence[str], counts: Sequence[int], metric: str
) -> None:
    """Draw the curve of each arm, with its intervals."""
    looks = zip(arms, cycle(COLOURS), cycle(MARKERS), cycle(LINES), strict=False)
    for number, (arm, colour, marker, line) in enumerate(looks):
        own = {cell.count: cell.mean(metric) for cell in cells if cell.arm == arm}
        shift = APART * (number - (len(arms) - 1) / 2)
        places = [counts.index(count) + shift for count in own]
        means = [value["mean"] for value in own.values()]
        below = [max(0.0, value["mean"] - value["low"]) for value in own.values()]
        above = [max(0.0, value["high"] - value["mean"]) for value in own.values()]
        panel.errorbar(
            places,
            means,
            (below, above),
            label=arm,
            color=colour,
            marker=marker,
            linestyle=line,
            markersize=6,
            linewidth=1.6,
            elinewidth=1,
            capsize=2,
        )


def dress(panel: Axes, paper: Paper, counts: Sequence[int], title: str) -> None:
    """Give a panel its ground, its title and the counts along its axis."""
    panel.set_facecolor(paper.ground)
    panel.set_title(title, loc="left", fontsize=10.5, color=paper.ink, fontweight="bold")
    panel.set_xticks(range(len(counts)), [counted(count) for count in counts])
    panel.set_xlim(-0.4, len(counts) - 0.6)
    panel.set_xlabel("labelled cases", color=paper.ink)
    panel.tick_params(colors=paper.ink, labelsize=9)
    panel.grid(axis="y", color=paper.faint, linewidth=0.5)
    panel.set_axisbelow(True)
    for side, spine in panel.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(paper.faint)

"""The one-minute story: eight painted slices of one real scan, two minutes, before and after.

The one idea: the scan and its training are those of `painted_slices`, and what came of them is
shown beside the truth, with the Dice of the voxels that nobody painted.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.dock.painted_slices import (
    SECONDS,
    Labels,
    Painted,
    fine_tuned,
    painted_slices,
    scans,
)
from napari_toposeg.learning.predict import segment
from napari_toposeg.metrics import dice
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.progress import finish
from napari_toposeg.reports.colours import class_colour
from napari_toposeg.reports.slices import Overlay, Panel, plot_slices, window_of

SCAN, SEED = "airway and vessels, chest CT", 0
HEADER = ("class", "the shipped model", "after eight slices and two minutes")
PAINTED_OPACITY = 0.35


def lines(picture: Path, *, quick: bool = False) -> Iterator[Sequence[str]]:
    """Draw the picture, and yield the Dice of each class outside of the painted slices."""
    scan = next(each for each in scans() if each.name == SCAN)
    before = shipped_labels(scan)
    run = fine_tuned(scan, SEED, SECONDS / 10 if quick else SECONDS)
    for number, name in enumerate(scan.classes, 1):
        truth = run.unseen & (scan.truth == number)
        found = [dice(run.unseen & (labels == number), truth) for labels in (before, run.labels)]
        yield name, *(f"{value:.3f}" for value in found)
    plot_slices(panels(scan, before, run.labels), picture, centre=centre_of(scan))


def shipped_labels(scan: Painted) -> Labels:
    """Return what the shipped model labels, as the classes of the scan that it knows."""
    found = finish(segment(scan.image, scan.shipped, device="cpu")).labels.voxels
    labels = np.zeros(scan.truth.shape, np.uint8)
    for number, known in enumerate(scan.known, 1):
        if known is not None:
            labels[found == known] = number
    return labels


def panels(scan: Painted, before: Labels, after: Labels) -> list[Panel]:
    """Return the columns of the picture."""
    colours = {number: class_colour(number) for number in range(1, len(scan.classes) + 1)}
    legend = {name: colours[number] for number, name in enumerate(scan.classes, 1)}
    painted = painted_slices(scan, SEED)
    return [
        panel(scan, "painted", painted, colours | {BACKGROUND: "#ffffff"}, {}, PAINTED_OPACITY),
        panel(scan, "shipped model", before, colours, {}),
        panel(scan, "two minutes later", after, colours, {}),
        panel(scan, "truth", scan.truth, colours, legend),
    ]


def panel(
    scan: Painted,
    title: str,
    labels: Labels,
    colours: Mapping[int, str],
    legend: Mapping[str, str],
    opacity: float = 0.7,
) -> Panel:
    """Return the scan with labels over it."""
    over = Overlay(labels, colours, opacity=opacity, legend=legend)
    return Panel(title, scan.image, window_of(scan.image.voxels), overlay=over)


def centre_of(scan: Painted) -> NDArray[np.intp]:
    """Return the voxel that the slices go through: unpainted, with most of the rarest class."""
    counts = [(scan.truth == number).sum() for number in range(1, len(scan.classes) + 1)]
    mask = (scan.truth == int(np.argmin(counts)) + 1) & (painted_slices(scan, SEED) == 0)
    others = [tuple(a for a in range(3) if a != axis) for axis in range(3)]
    return np.array([int(np.argmax(mask.sum(axes))) for axes in others])

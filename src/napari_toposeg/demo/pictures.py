"""The demo's montage: scan, hidden, reconstruction, residual, segmentation, defects."""

from pathlib import Path

import numpy as np

from napari_toposeg.demo.analysis import Analysis
from napari_toposeg.reports import Overlay, Panel, class_colour, plot_slices
from napari_toposeg.reports.slices import window_of
from napari_toposeg.topology import KINDS, Defects
from napari_toposeg.volume import Volume

VEIL = "#33465e"
"""Colour of what is hidden."""

QUIET, HARMLESS = ("compensated", "harmless"), "#8a94a0"
"""Kinds of errors that change no Betti number, and their colour."""


def draw_slices(analysis: Analysis, path: Path) -> Path:
    """Draw the montage through the place where most is to be seen."""
    image, rebuilt = analysis.case.image, analysis.reconstruction
    window = window_of(image.voxels)
    residual = rebuilt.residual
    brightest = float(np.percentile(residual.voxels[rebuilt.hidden.voxels > 0], 99.5))
    panels = [
        Panel("scan", image, window),
        Panel(
            "hidden from the encoder",
            image,
            window,
            overlay=Overlay(rebuilt.hidden.voxels, {1: VEIL}, 1.0, {"hidden": VEIL}),
        ),
        Panel("reconstruction", rebuilt.composite, window),
        Panel(
            "residual",
            residual,
            (0.0, max(brightest, 1e-6)),
            "inferno",
            bar=f"|error| ({analysis.case.unit})",
        ),
        Panel("segmentation", image, window, overlay=class_overlay(analysis)),
    ]
    if analysis.case.truth is not None and analysis.defects is not None:
        panels.append(
            Panel("topological errors", image, window, overlay=defect_overlay(analysis.defects))
        )
    return plot_slices(panels, path, centre=busiest(analysis.segmentation.labels))


def class_overlay(analysis: Analysis) -> Overlay:
    """Return the classes in their colours."""
    classes = {row.label: class_colour(row.label) for row in analysis.classes}
    legend = {row.name: classes[row.label] for row in analysis.classes}
    return Overlay(analysis.segmentation.labels.voxels, classes, legend=legend)


def defect_overlay(defects: Defects) -> Overlay:
    """Return the defects coloured by their kind."""
    present = set(map(str, defects.kind))
    colours: dict[str, str]
    changing = [kind for kind in KINDS if kind in present and kind not in QUIET]
    colours = {kind: class_colour(number) for number, kind in enumerate(changing, start=1)}
    colours |= {kind: HARMLESS for kind in QUIET if kind in present}
    painted = {number: colours[str(kind)] for number, kind in enumerate(defects.kind, start=1)}
    return Overlay(defects.labels, painted, 0.9, colours)


def busiest(labels: Volume) -> tuple[int, int, int]:
    """Return a voxel whose planes hold many labelled voxels; the middle if none is labelled."""
    mask = labels.voxels > 0
    if not mask.any():
        z, y, x = labels.shape
        return z // 2, y // 2, x // 2
    counts = (mask.sum(axis=(1, 2)), mask.sum(axis=(0, 2)), mask.sum(axis=(0, 1)))
    # The middle is preferred: at the border of a scan there is often little to recognise.
    z, y, x = (int(np.argmax(count * np.bartlett(len(count) + 2)[1:-1])) for count in counts)
    return z, y, x

"""Preview of a training: what the network made of one crop, beside what it should have made.

A row is a plane, a column a volume. Of a reconstruction the diagrams of both images stand beside
it, on the same axes: a feature that the network lost is a point that is missing below. Of a
segmentation the errors are painted over the image.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from napari_toposeg.config import write_atomically
from napari_toposeg.reports.colours import class_colour
from napari_toposeg.reports.diagrams import INK, draw_diagram, limits_by_unit
from napari_toposeg.topology import PersistenceDiagram, persistence

BLOCK = 48
"""Largest edge of the block in the crop's middle that the diagrams are of, in voxels."""

SHORT_LIVED = 0.05
"""Features of a persistence up to it are left out, as a share of the range 0..1."""

PLANES = ("z", "y", "x")
HIDDEN, MISSED, ADDED, CONFUSED = "#2f6f8f", "#E69F00", "#56B4E9", "#CC79A7"
LARGEST_RESIDUAL = 0.5
BRIGHT, LEAST_BRIGHT = 99.8, 0.1
"""Percentile of the image that is shown white, and the least value that is."""

SIDE, DIAGRAM, DPI = 2.1, 3.6, 100
"""Edge of a slice and width of a diagram, in inches."""

Slices = Mapping[str, NDArray[Any]]
Picture = NDArray[np.float64]


def plot_preview(volumes: Mapping[str, NDArray[Any]], path: Path, *, title: str = "") -> Path:
    """Draw a preview as a PNG.

    Parameters
    ----------
    volumes
        Arrays ``(z, y, x)`` of one shape by name: ``"image"`` in 0..1; with ``"rebuilt"`` a
        reconstruction is shown, with ``"truth"`` and ``"prediction"`` (class numbers, negative
        where unlabelled) a segmentation, else the image. What the network saw is the image
        without what is ``"hidden"``, or the image ``"seen"``.
    title
        Line above the picture.
    """
    bright = max(float(np.percentile(volumes["image"], BRIGHT)), LEAST_BRIGHT)
    rows = [pictures(each, bright) for each in middle_slices(volumes)]
    paired = "rebuilt" in volumes
    width = SIDE * len(rows[0])
    size = (width + DIAGRAM * paired, SIDE * len(PLANES) + 1)
    figure = Figure(figsize=size, facecolor="white", layout="constrained")
    figure.suptitle(title, color=INK, fontsize=12, x=0.01, ha="left")
    slices, *beside = figure.subfigures(
        1, 1 + paired, width_ratios=[width, DIAGRAM][: 1 + paired], squeeze=False
    )[0]
    draw_slices(slices, rows)
    if patches := legend(volumes):
        slices.legend(handles=patches, loc="outside lower left", ncols=4, **WORDS)
    for panel in beside:
        draw_pair(panel, volumes)
    content = BytesIO()
    figure.savefig(content, dpi=DPI, format="png")
    write_atomically(path, content.getvalue())
    return path


WORDS: dict[str, Any] = {"frameon": False, "fontsize": 9, "labelcolor": INK, "handlelength": 1}


def middle_slices(volumes: Mapping[str, NDArray[Any]]) -> list[Slices]:
    """Return of each plane one slice of all volumes: where most is labelled, else the middle."""
    shape = volumes["image"].shape
    centre = [edge // 2 for edge in shape]
    if "truth" in volumes and (volumes["truth"] > 0).any():
        labelled = volumes["truth"] > 0
        others = ((1, 2), (0, 2), (0, 1))
        centre = [int(labelled.sum(axis=axes).argmax()) for axes in others]
    return [
        {name: np.take(volume, centre[axis], axis) for name, volume in volumes.items()}
        for axis in range(len(PLANES))
    ]


def pictures(slices: Slices, bright: float) -> dict[str, Picture]:
    """Return title -> colours ``(h, w, 3)`` of the columns that the slices of a plane give.

    Parameters
    ----------
    bright
        Value that is shown white.
    """
    image = slices["image"].astype(np.float64)
    ground = grey(image / bright)
    shown = {"image": ground}
    if "hidden" in slices:
        shown["what it saw"] = painted(ground, {HIDDEN: slices["hidden"] > 0}, opacity=1)
    elif "seen" in slices:
        shown["what it saw"] = grey(slices["seen"] / bright)
    if "rebuilt" in slices:
        rebuilt = slices.get("hidden", np.ones_like(image)) > 0
        residual = np.where(rebuilt, np.abs(slices["rebuilt"] - image), 0)
        shown["rebuilt"] = grey(slices["rebuilt"] / bright)
        shown["residual"] = mpl.colormaps["magma"](residual / LARGEST_RESIDUAL)[..., :3]
    elif "prediction" in slices:
        shown["truth"] = painted(ground, by_class(slices["truth"]))
        shown["prediction"] = painted(ground, by_class(slices["prediction"]))
        shown["errors"] = painted(0.6 * ground, errors(slices), opacity=0.9)
    return shown


def grey(values: NDArray[Any]) -> Picture:
    """Return values in 0..1 as greys."""
    return np.repeat(np.clip(values, 0, 1).astype(np.float64)[..., None], 3, axis=-1)


def painted(
    picture: Picture, masks: Mapping[str, NDArray[np.bool_]], opacity: float = 0.6
) -> Picture:
    """Return a picture with colour -> mask painted over it."""
    picture = picture.copy()
    for colour, mask in masks.items():
        picture[mask] = (1 - opacity) * picture[mask] + opacity * np.array(to_rgb(colour))
    return picture


def by_class(labels: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
    """Return colour -> mask of the classes of a slice; those of one colour together."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for label in np.unique(labels[labels > 0]).astype(int):
        colour = class_colour(label)
        masks[colour] = masks.get(colour, np.zeros(labels.shape, bool)) | (labels == label)
    return masks


def errors(slices: Slices) -> dict[str, NDArray[np.bool_]]:
    """Return colour -> mask of what a segmentation missed, added and took for another class."""
    truth, prediction = slices["truth"], slices["prediction"]
    wrong = (truth >= 0) & (truth != prediction)
    return {
        MISSED: wrong & (prediction == 0),
        ADDED: wrong & (truth == 0),
        CONFUSED: wrong & (truth > 0) & (prediction > 0),
    }


def draw_slices(figure: SubFigure, rows: list[dict[str, Picture]]) -> None:
    """Draw pictures in a grid: a plane a row, a volume a column."""
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for plane, axes, row in zip(PLANES, grid, rows, strict=True):
        for axis, (title, picture) in zip(axes, row.items(), strict=True):
            axis.imshow(picture, interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
            if plane == PLANES[0]:
                axis.set_title(title, color=INK, fontsize=11)
        axes[0].set_ylabel(f"across {plane}", color=INK, fontsize=10)


def legend(volumes: Mapping[str, NDArray[Any]]) -> list[Patch]:
    """Return what the colours mean."""
    names = {HIDDEN: "hidden"} if "hidden" in volumes else {}
    if "rebuilt" in volumes:
        names |= {"black": "residual 0", "#fcfdbf": f"{LARGEST_RESIDUAL} and more"}
    if "prediction" in volumes:
        names |= {MISSED: "missed", ADDED: "added", CONFUSED: "another class"}
    return [Patch(facecolor=colour, edgecolor=INK, label=name) for colour, name in names.items()]


def draw_pair(figure: SubFigure, volumes: Mapping[str, NDArray[Any]]) -> None:
    """Draw the diagrams of the image and of what was rebuilt, one above the other."""
    diagrams = {name: diagram_of(volumes[name]) for name in ("image", "rebuilt")}
    limits = limits_by_unit({name: (each, "") for name, each in diagrams.items()})[""]
    for axis, (name, diagram) in zip(figure.subplots(2, 1), diagrams.items(), strict=True):
        draw_diagram(axis, diagram, limits, "")
        axis.set_title(f"{name}: diagram", color=INK, fontsize=11, loc="left")
    shape = " × ".join(str(edge) for edge in diagrams["image"].shape)
    note = (
        f"T-construction, superlevel: bright features of\nthe middle {shape} voxels "
        f"that last > {SHORT_LIVED}"
    )
    figure.supxlabel(note, color=INK, fontsize=9, x=0.02, ha="left")


def diagram_of(volume: NDArray[Any]) -> PersistenceDiagram:
    """Return the diagram of bright features of the block in the middle of a volume."""
    starts = [max(0, (edge - BLOCK) // 2) for edge in volume.shape]
    block = volume[tuple(slice(start, start + BLOCK) for start in starts)]
    return persistence(
        np.ascontiguousarray(block, np.float32),
        construction="T",
        superlevel=True,
        min_persistence=SHORT_LIVED,
        threads=1,
    )

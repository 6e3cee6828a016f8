"""What the demo finds out about a scan; the same in a window and without one."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import ndimage

from napari_toposeg.demo.cases import DemoCase
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.metrics import ClassTopology, class_topology, measure_case
from napari_toposeg.progress import Step
from napari_toposeg.resampling import resample
from napari_toposeg.topology import (
    Defects,
    PersistenceDiagram,
    find_defects,
    persistence,
)
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.cards import Card
    from napari_toposeg.learning.predict import Segmentation
    from napari_toposeg.learning.reconstruct import Reconstruction

MOST_VOXELS = 4_000_000
"""Larger volumes are coarsened for their diagram, which then takes about a second."""

SMOOTHING = 1.0
"""Sigma in voxels of the Gaussian before a diagram: noise alone makes thousands of features."""

TAU = 0.05
"""Features that last less than this share of the grey values' range are left out."""


@dataclass(frozen=True)
class Diagrams:
    """Persistence diagrams of the demo's volumes.

    Parameters
    ----------
    features
        Title -> superlevel diagram, 26-connected, and the unit of its volume.
    bounds
        Title -> least persistence that is shown.
    spacing
        Voxel size ``(z, y, x)`` in mm of the copy they were computed on.
    coarsened
        Whether that copy is coarser than the scan.
    """

    features: Mapping[str, tuple[PersistenceDiagram, str]]
    bounds: Mapping[str, float]
    spacing: tuple[float, float, float]
    coarsened: bool

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Return the number of features shown, by title, in dimensions 0, 1, 2."""
        kept = {
            title: diagram.select(min_persistence=self.bounds[title])
            for title, (diagram, _) in self.features.items()
        }
        return {
            title: (len(rows.select(0)), len(rows.select(1)), len(rows.select(2)))
            for title, rows in kept.items()
        }


@dataclass(frozen=True)
class Analysis:
    """All that the demo shows.

    Parameters
    ----------
    warnings
        Where a model is used for what it was not made for.
    defects
        Of the whole foreground, where the truth is known.
    """

    case: DemoCase
    cards: "tuple[Card, Card]"
    warnings: tuple[str, ...]
    reconstruction: "Reconstruction"
    segmentation: "Segmentation"
    diagrams: Diagrams
    classes: tuple[ClassTopology, ...]
    measures: Mapping[str, Any] = field(default_factory=dict)
    defects: Defects | None = None


def analyse(case: DemoCase, config: DemoConfig) -> Generator[Step, None, Analysis]:
    """Rebuild, segment and count.

    Raises
    ------
    ToposegError
        If a model is missing or does not fit.
    """
    from napari_toposeg.learning.cards import misfit
    from napari_toposeg.learning.predict import segment
    from napari_toposeg.learning.reconstruct import reconstruct

    rebuilder = choose_model("reconstruct", case.image, config.model)
    segmenter = choose_model("segment", case.image, config.segment_model)
    names = (config.model or rebuilder.name, config.segment_model or segmenter.name)
    reconstruction = yield from reconstruct(
        case.image, names[0], mask_ratio=config.mask_ratio, seed=config.seed, device=config.device
    )
    segmentation = yield from segment(case.image, names[1], device=config.device)
    diagrams = yield from draw_diagrams(case, reconstruction.composite, segmentation.probability)
    yield Step(1, 1, message="counting components, loops and cavities")
    return Analysis(
        case,
        (rebuilder, segmenter),
        tuple(filter(None, (misfit(card, case.image.modality) for card in (rebuilder, segmenter)))),
        reconstruction,
        segmentation,
        diagrams,
        count_classes(segmentation.labels, segmentation.classes, case.truth),
        measure(segmentation, case.truth),
        None
        if case.truth is None
        else find_defects(segmentation.labels.voxels > 0, case.truth.voxels > 0),
    )


def choose_model(
    task: Literal["reconstruct", "segment"], image: Volume, wanted: str | None
) -> "Card":
    """Return the card of the wanted model, else of the first for this kind of scan, or any.

    Raises
    ------
    InvalidCheckpoint
        If there is no such model, or it does another task.
    """
    from napari_toposeg.learning.cards import fitting_card, list_models, load_card

    if wanted is not None:
        card = load_card(wanted)
        if card.task != task:
            raise InvalidCheckpoint(
                f"{wanted} is a model to {card.task}, not to {task}; see 'models list'"
            )
        return card
    able = (card for card in list_models() if card.task == task)
    fitting = fitting_card(able, image.modality)
    if fitting is None:
        raise InvalidCheckpoint(f"there is no model to {task}; import or train one")
    return fitting


def draw_diagrams(
    case: DemoCase, rebuilt: Volume, probability: Volume
) -> Generator[Step, None, Diagrams]:
    """Compute the diagrams of the scan, its reconstruction and the probability of foreground."""
    volumes = {
        "Scan": (case.image, case.unit),
        "Reconstruction": (rebuilt, case.unit),
        "Foreground probability": (probability, ""),
    }
    features, bounds = {}, {}
    for number, (title, (volume, unit)) in enumerate(volumes.items(), start=1):
        yield Step(number, len(volumes), message="persistence diagrams")
        copy = bounded_copy(volume)
        grey = ndimage.gaussian_filter(copy.voxels.astype(np.float32), SMOOTHING)
        features[title] = (persistence(grey, construction="T", superlevel=True), unit)
        bounds[title] = TAU * (float(np.ptp(grey)) if unit else 1.0)
    bounds["Reconstruction"] = bounds["Scan"]
    return Diagrams(features, bounds, copy.spacing, copy.shape != case.image.shape)


def bounded_copy(volume: Volume) -> Volume:
    """Return a volume of at most `MOST_VOXELS` voxels over the same field of view."""
    extent = np.multiply(volume.shape, volume.spacing)
    finest = step = min(volume.spacing)
    # Finer axes are coarsened first: a slab of thick slices keeps its slices.
    while np.prod(np.ceil(extent / np.maximum(volume.spacing, step) - 1e-6)) > MOST_VOXELS:
        step *= 1.02
    if step == finest:
        return volume
    z, y, x = (max(along, step) for along in volume.spacing)
    return resample(volume, (z, y, x))


def count_classes(
    labels: Volume, names: Sequence[str], truth: Volume | None
) -> tuple[ClassTopology, ...]:
    """Count the topology of each class, and of the truth's where it has the same classes."""
    shared = truth if shares_classes(truth, names) else None
    return tuple(class_topology(labels, n, name, shared) for n, name in enumerate(names, start=1))


def shares_classes(truth: Volume | None, names: Sequence[str]) -> bool:
    """Tell whether a truth can have a model's classes: it has no label beyond them."""
    return truth is not None and int(truth.voxels.max()) <= len(names)


def measure(segmentation: "Segmentation", truth: Volume | None) -> Mapping[str, Any]:
    """Measure the segmentation against the truth, by class or, with other classes, as one."""
    if truth is None:
        return {}
    if shares_classes(truth, segmentation.classes):
        return measure_case(segmentation.labels, truth, segmentation.classes)
    return measure_case(foreground(segmentation.labels), foreground(truth), ("foreground",))


def foreground(labels: Volume) -> Volume:
    """Return all classes as one."""
    return labels.with_voxels((labels.voxels > 0).astype(np.uint8))

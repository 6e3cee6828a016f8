"""What the buttons do, as plain functions that a notebook or a script can call as well.

The one idea: a ``*_run`` is a generator for the background, a ``show_*`` puts its result into the
viewer on the main thread, and a ``*_layer`` does one after the other and waits.
"""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.io import WINDOWS, read_volume, write_volume
from napari_toposeg.metrics import ClassTopology, class_topology
from napari_toposeg.plugin.layers import KEY, add_volume, kind_of, layer_to_volume
from napari_toposeg.plugin.plotting import CLASS_COLOURS
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Step, finish
from napari_toposeg.topology import BettiNumbers, betti_numbers
from napari_toposeg.volume import Modality, Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.predict import Segmentation
    from napari_toposeg.learning.reconstruct import Reconstruction

SMOOTHING = 1.0
"""Sigma in voxels of the Gaussian before the topology of grey values is counted, against noise."""


def open_case(
    viewer: ViewerModel,
    path: str | Path,
    *,
    frame: int | None = None,
    series: str | None = None,
    modality: Modality | None = None,
) -> Any:
    """Read a file or a DICOM folder and add it as a layer: Labels for a label map, else Image.

    Raises
    ------
    ToposegError
        As `napari_toposeg.read_volume`.
    """
    volume = read_volume(path, frame=frame, series=series, modality=modality)
    return add_volume(viewer, volume, kind_of(volume))


def save_layer(layer: Layer, path: str | Path, *, like: Layer | None = None) -> Path:
    """Write a layer on its own grid, in the orientation of the file that it came from."""
    return write_volume(layer_to_volume(layer, like=like), Path(path))


def set_window(layer: Any, name: str) -> None:
    """Show a CT layer in one of the windows of `napari_toposeg.io.WINDOWS`."""
    low, high = WINDOWS[name]
    least, most = layer.contrast_limits_range
    layer.contrast_limits_range = (min(low, least), max(high, most))
    layer.contrast_limits = (low, high)


def set_modality(layer: Any, modality: Modality) -> None:
    """Correct what a layer's grey values are said to be."""
    known = dict(layer.metadata.get(KEY, {}))
    layer.metadata = dict(layer.metadata) | {KEY: known | {"modality": modality}}


@dataclass(frozen=True)
class KeptTopology:
    """Betti numbers of a scan and of its reconstruction above one threshold.

    Parameters
    ----------
    threshold
        In the unit of the scan; both are smoothed by a Gaussian of one voxel first.
    scan, rebuilt
        Betti numbers, foreground 26-connected, background 6-connected.
    """

    threshold: float
    scan: BettiNumbers
    rebuilt: BettiNumbers


def kept_topology(scan: Volume, rebuilt: Volume, threshold: float) -> KeptTopology:
    """Count the topology above a threshold before and after."""
    before, after = (
        ndimage.gaussian_filter(volume.voxels.astype(np.float32), SMOOTHING) > threshold
        for volume in (scan, rebuilt)
    )
    return KeptTopology(threshold, betti_numbers(before), betti_numbers(after))


def kept_topology_run(
    scan: Volume, rebuilt: Volume, threshold: float
) -> Generator[Step, None, KeptTopology]:
    """Count the same in the background."""
    count = partial(kept_topology, scan, rebuilt, threshold)
    return (
        yield from wait_for(
            count, "Counting components, loops and cavities", seconds=seconds_of(scan)
        )
    )


def seconds_of(volume: Volume) -> float:
    """Return about how long the Betti numbers of two masks of a volume take."""
    return 3e-8 * volume.voxels.size


def suggest_threshold(voxels: NDArray[Any]) -> float:
    """Otsu's threshold of at most about a million voxels."""
    from skimage.filters import threshold_otsu

    stride = max(1, int(np.ceil((voxels.size / 1e6) ** (1 / 3))))
    sample = voxels[::stride, ::stride, ::stride]
    return float(threshold_otsu(sample)) if sample.min() < sample.max() else float(sample.min())


def load_learning() -> Generator[Step, None, None]:
    """Import torch, seconds long the first time, in a way that can be cancelled."""

    def load() -> None:
        import napari_toposeg.learning.predict
        import napari_toposeg.learning.reconstruct  # noqa: F401

    yield from wait_for(load, "Loading the network", seconds=8)


def reconstruct_run(
    volume: Volume,
    model: str,
    *,
    mask_ratio: float,
    seed: int,
    device: str,
    threads: int,
    threshold: float,
) -> Generator[Step, None, "tuple[Reconstruction, KeptTopology]"]:
    """Hide patches, rebuild them, and count the topology that was kept."""
    yield from load_learning()
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.reconstruct import reconstruct

    choose_threads(threads)
    result = yield from reconstruct(volume, model, mask_ratio=mask_ratio, seed=seed, device=device)
    kept = yield from kept_topology_run(volume, result.composite, threshold)
    return result, kept


def show_reconstruction(
    viewer: ViewerModel, volume: Volume, reconstruction: "Reconstruction", contrast: Any = None
) -> tuple[Any, Any, Any]:
    """Add the hidden input, the reconstruction and |residual| as layers.

    Parameters
    ----------
    contrast
        Contrast limits of the first two, so that they compare with the scan as it is shown.
    """
    hidden = reconstruction.hidden.voxels.astype(bool)
    darkest = volume.voxels.min()
    visible = volume.with_voxels(np.where(hidden, darkest, volume.voxels), name=volume.name)
    same = {} if contrast is None else {"contrast_limits": contrast}
    return (
        add_volume(viewer, visible, "image", name=f"{volume.name} hidden input", **same),
        add_volume(
            viewer, reconstruction.composite, "image", name=f"{volume.name} reconstruction", **same
        ),
        add_volume(
            viewer,
            reconstruction.residual,
            "residual",
            name=f"{volume.name} |residual|",
            visible=False,
        ),
    )


def reconstruct_layer(
    viewer: ViewerModel, layer: Any, model: str, *, mask_ratio: float = 0.6, seed: int = 0
) -> "tuple[Reconstruction, KeptTopology]":
    """Reconstruct a layer, wait, and add the three layers of the result."""
    volume = layer_to_volume(layer)
    settings = read_settings()
    result, kept = finish(
        reconstruct_run(
            volume,
            model,
            mask_ratio=mask_ratio,
            seed=seed,
            device=settings.device,
            threads=settings.worker_threads,
            threshold=suggest_threshold(volume.voxels),
        )
    )
    show_reconstruction(viewer, volume, result, contrast=layer.contrast_limits)
    return result, kept


def segment_run(
    volume: Volume, model: str, *, device: str, overlap: float, threads: int
) -> Generator[Step, None, "tuple[Segmentation, tuple[ClassTopology, ...]]"]:
    """Segment a volume, and count the topology of each class."""
    yield from load_learning()
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.predict import segment

    choose_threads(threads)
    result = yield from segment(volume, model, device=device, overlap=overlap)
    table = []
    for label, name in enumerate(result.classes, start=1):
        count = partial(class_topology, result.labels, label, name)
        message = f"Counting the topology of {name}"
        table.append((yield from wait_for(count, message, seconds=seconds_of(volume))))
    return result, tuple(table)


def show_segmentation(
    viewer: ViewerModel, volume: Volume, segmentation: "Segmentation"
) -> tuple[Any, Any]:
    """Add the labels and, hidden, the probability of foreground as layers; return both."""
    probability = add_volume(
        viewer,
        segmentation.probability,
        "probability",
        name=f"{volume.name} probability",
        visible=False,
    )
    labels = add_volume(
        viewer,
        segmentation.labels,
        "labels",
        name=f"{volume.name} segmentation",
        colormap=class_colormap(len(segmentation.classes)),
        features={"class": ["background", *segmentation.classes]},
    )
    return labels, probability


def class_colormap(classes: int) -> DirectLabelColormap:
    """Return the colours of the labels 1..K, the same as in an annotation; 0 is clear."""
    colours = {
        number: CLASS_COLOURS[(number - 1) % len(CLASS_COLOURS)] for number in range(1, classes + 1)
    }
    return DirectLabelColormap(color_dict={None: "#00000000", 0: "#00000000"} | colours)


def segment_layer(
    viewer: ViewerModel, layer: Any, model: str, *, overlap: float = 0.25
) -> "tuple[Segmentation, tuple[ClassTopology, ...]]":
    """Segment a layer, wait, and add labels and probability as layers."""
    volume = layer_to_volume(layer)
    settings = read_settings()
    result, table = finish(
        segment_run(
            volume,
            model,
            device=settings.device,
            overlap=overlap,
            threads=settings.worker_threads,
        )
    )
    show_segmentation(viewer, volume, result)
    return result, table

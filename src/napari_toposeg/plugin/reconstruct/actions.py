"""What the Reconstruct tab does, as functions that a notebook can call on a viewer."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.loading import load_learning, seconds_of
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Step, finish
from napari_toposeg.topology import BettiNumbers, betti_numbers
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.reconstruct import Reconstruction


SMOOTHING = 1.0
"""Sigma in voxels of the Gaussian before the topology of grey values is counted, against noise."""


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


def suggest_threshold(voxels: NDArray[Any]) -> float:
    """Otsu's threshold of at most about a million voxels."""
    from skimage.filters import threshold_otsu

    stride = max(1, int(np.ceil((voxels.size / 1e6) ** (1 / 3))))
    sample = voxels[::stride, ::stride, ::stride]
    return float(threshold_otsu(sample)) if sample.min() < sample.max() else float(sample.min())


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

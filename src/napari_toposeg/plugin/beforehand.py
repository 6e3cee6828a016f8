"""Beforehand: what is known before a model runs on a scan: its time, memory, and whether it fits.

The one idea: these are estimates from sizes alone, measured once on the shipped networks, and said
as such; no torch, no Qt.
"""

from typing import Any

import numpy as np

from napari_toposeg.plugin.translation import tr
from napari_toposeg.volume import Spacing

Shape = tuple[int, int, int]

CPU_SECONDS_PER_VOXEL = 2.7e-6
"""Measured with the shipped network's size on one core: 0.3 s for a window of 48 voxels' edge."""

NETWORK_BYTES_PER_VOXEL = 3000
"""Of a window: the most that a shipped network was measured to take (topomae-ct-unet; vessels-ct
takes 930)."""

COARSE, FINE = 1.5, 2.0
"""A scan so many times coarser, or finer, than what a model was trained on is worth a word."""

GIB = 2**30


def count_windows(
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    crop: Shape,
    model_spacing: Spacing,
    overlap: float,
    multiple: int = 1,
) -> int:
    """Windows of a model's crop that cover a scan, once it is resampled to the model's spacing.

    Parameters
    ----------
    multiple
        The distance of windows is a multiple of so many voxels, as where they keep to patches.
    """
    windows = 1
    for voxels, edge in zip(model_shape(shape, spacing, model_spacing), crop, strict=True):
        padded = -(-voxels // multiple) * multiple
        stride = max(multiple, int(edge * (1 - overlap)) // multiple * multiple)
        windows *= 1 + max(0, -(-(padded - edge) // stride))
    return windows


def model_shape(
    shape: tuple[int, ...], spacing: tuple[float, ...], model_spacing: Spacing
) -> Shape:
    """Return about how many voxels a scan has at a model's spacing."""
    z, y, x = (
        max(1, round(length * step / wanted))
        for length, step, wanted in zip(shape, spacing, model_spacing, strict=True)
    )
    return z, y, x


def expected_seconds(windows: int, crop: Shape) -> float:
    """Return roughly how long windows take on one core, where nothing was measured yet."""
    return CPU_SECONDS_PER_VOXEL * windows * float(np.prod(crop))


def expected_bytes(
    shape: tuple[int, ...], spacing: tuple[float, ...], card: Any, *, channels: int
) -> float:
    """Return how many bytes a run takes at most, about, beside the scan itself.

    Parameters
    ----------
    channels
        Numbers that the run keeps for a voxel: of a segmentation the classes with background.
    """
    scan = float(np.prod(shape))
    model = float(np.prod(model_shape(shape, spacing, card.spacing)))
    window = NETWORK_BYTES_PER_VOXEL * float(np.prod(card.crop))
    return 4 * (2 * channels + 3) * (scan + model) + window


def memory_text(count: float) -> str:
    """Write a size in memory for a person."""
    if count < GIB:
        return tr("{size:.0f} MB").format(size=max(10, round(count / 2**20, -1)))
    return tr("{size:.1f} GB").format(size=count / GIB)


def warnings(card: Any, modality: str, spacing: Spacing) -> tuple[str, ...]:
    """Say plainly where a scan is not what a model was trained on: its kind, its voxel size."""
    from napari_toposeg.learning.cards import misfit

    found = (misfit(card, modality), spacing_misfit(card.spacing, spacing))
    return tuple(text for text in found if text)


def spacing_misfit(trained: Spacing, spacing: Spacing) -> str:
    """Say where a scan's voxels are much larger or smaller than a model's; empty where not."""
    ratios = [there / here for here, there in zip(trained, spacing, strict=True)]
    sizes = {"scan": millimetres(spacing), "model": millimetres(trained)}
    if max(ratios) > COARSE:
        text = tr(
            "Voxels of {scan} are brought to the model's {model} (z, y, x): what it sees between "
            "them is interpolated."
        )
        return text.format(**sizes)
    if min(ratios) < 1 / FINE:
        text = tr(
            "Voxels of {scan} are brought to the model's {model} (z, y, x): it does not see what "
            "is finer."
        )
        return text.format(**sizes)
    return ""


def spacing_of(layer: Any) -> Spacing:
    """Return the voxel size of a layer along ``(z, y, x)``, in its unit."""
    z, y, x = (float(step) for step in layer.scale)
    return z, y, x


def millimetres(spacing: Spacing) -> str:
    """Write a voxel size for a person, once where all edges are equal."""
    texts = [f"{edge:.3g}" for edge in spacing]
    return tr("{size} mm").format(size=texts[0] if len(set(texts)) == 1 else " × ".join(texts))

"""Sliding windows over a volume, blended with a Gaussian, one window a Step."""

# B batch, K classes with background

from collections.abc import Callable, Generator, Sequence

import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import Size3
from napari_toposeg.progress import Step

CENTRE_WEIGHT = 0.125
"""Sigma of the blending Gaussian, as a share of the window."""


def strides(window: Size3, overlap: float, *, multiple: int = 1) -> Size3:
    """Return the distance of neighbouring windows, a multiple of so many voxels."""
    z, y, x = (max(multiple, int(edge * (1 - overlap)) // multiple * multiple) for edge in window)
    return z, y, x


def places(shape: Sequence[int], window: Size3, stride: Size3) -> list[tuple[slice, ...]]:
    """Return where the windows lie that cover a volume; the last along each axis ends with it.

    A window may reach beyond a volume that is smaller.
    """
    padded = tuple(max(edge, size) for edge, size in zip(window, shape, strict=True))
    return list(dense_patch_slices(padded, window, stride))


def slide(
    image_BCZYX: Tensor,
    window: Size3,
    predict: Callable[[Tensor], Tensor | None],
    *,
    stride: Size3,
    message: str,
) -> Generator[Step, None, Tensor]:
    """Predict a whole volume window by window.

    Parameters
    ----------
    image_BCZYX
        One volume, ``(1, C, Z, Y, X)``; padded with zeros at its far ends where it is smaller than
        the window.
    predict
        From a window ``(1, C, z, y, x)`` to values ``(1, K, z, y, x)``, or None where it shall not
        count; every voxel of the volume needs a window that counts.
    stride
        Distance of neighbouring windows; the last along each axis ends with the volume.

    Returns
    -------
    Tensor
        Blended values ``(K, Z, Y, X)`` in float32, on the image's device.
    """
    shape = image_BCZYX.shape[2:]
    lacking = [max(0, edge - size) for edge, size in zip(window, shape, strict=True)]
    padded = F.pad(image_BCZYX, [n for gap in reversed(lacking) for n in (0, gap)])
    weight = compute_importance_map(
        window, mode="gaussian", sigma_scale=CENTRE_WEIGHT, device=padded.device
    )
    windows = places(shape, window, stride)
    total: Tensor | None = None
    weights = torch.zeros(padded.shape[2:], device=padded.device)
    for number, place in enumerate(windows, start=1):
        with torch.inference_mode():
            values = predict(padded[(slice(None), slice(None), *place)])
        if values is not None:
            if total is None:
                total = torch.zeros((values.shape[1], *padded.shape[2:]), device=padded.device)
            total[(slice(None), *place)] += values.float()[0] * weight
            weights[place] += weight
        yield Step(step=number, total=len(windows), message=message)
    assert total is not None
    z, y, x = shape
    return (total / weights)[:, :z, :y, :x]

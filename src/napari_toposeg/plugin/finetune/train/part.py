"""Segmentation of a part of a scan, as the whole scan would be segmented; no Qt here.

The one idea: intensities are scaled by the whole scan's numbers and the windows reach beyond the
part, so that what is seen of a part is what the whole would show, at a cost that is bounded.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.regions import Region, crop_volume
from napari_toposeg.progress import Run
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.checkpoints import Model
    from napari_toposeg.learning.normalisation import Normalisation

OVERLAP = 0.25


def segment_part(
    image: Volume, model: "Model", region: Region, scale: "Normalisation", *, message: str
) -> Run[NDArray[np.uint8]]:
    """Label a box of a scan.

    Parameters
    ----------
    region
        The box, in voxels of the scan.
    scale
        What becomes 0 and 1, as of the whole scan.
    message
        What is being done, for a person.

    Returns
    -------
    NDArray
        Class numbers ``(z, y, x)`` of the box.

    Raises
    ------
    OutOfMemory
        If the device has too little memory.
    """
    import torch

    from napari_toposeg.learning.devices import memory_errors_explained
    from napari_toposeg.learning.predict import segmentation_on
    from napari_toposeg.learning.windows import slide, strides
    from napari_toposeg.resampling import resample

    card = model.card
    around = crop_volume(image, grown(region, image, window_of(card, image)))
    scaled = around.with_voxels(scale.apply(around.voxels))
    prepared = resample(scaled, card.spacing, order=1)
    voxels = np.ascontiguousarray(prepared.voxels, np.float32)
    with memory_errors_explained():
        batch = torch.from_numpy(voxels).to(model.device)[None, None]
        probabilities = yield from slide(
            batch,
            card.crop,
            lambda window: model.network(window).softmax(1),
            stride=strides(card.crop, OVERLAP),
            message=message,
        )
    on_part = segmentation_on(
        crop_volume(image, region), prepared, probabilities.cpu().numpy(), card.classes
    )
    return np.asarray(on_part.labels.voxels, np.uint8)


def window_of(card: Any, image: Volume) -> tuple[int, int, int]:
    """Return how many whole voxels of a scan lie in a model's window along ``(z, y, x)``."""
    z, y, x = (
        max(1, int(edge * step / own + 1e-6))
        for edge, step, own in zip(card.crop, card.spacing, image.spacing, strict=True)
    )
    return z, y, x


def grown(region: Region, image: Volume, least: tuple[int, int, int]) -> Region:
    """Return a box grown about its middle to a least size, where the scan allows."""
    boxes = []
    for part, size, edge in zip(region, image.shape, least, strict=True):
        lacking = max(0, edge - (part.stop - part.start))
        start = max(0, min(part.start - lacking // 2, size - edge))
        boxes.append(slice(start, min(size, max(part.stop, start + edge))))
    z, y, x = boxes
    return z, y, x

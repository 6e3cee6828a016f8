"""Sweep: how one model goes over a whole scan, and its class probabilities on the scan's own grid.

Between the two stands the model's grid, on which it looks at windows; what it says is blended
there, brought to the scan's grid, and tempered as its card says.
"""

# K classes without background

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_toposeg.config import Flips, PrecisionName
from napari_toposeg.learning.answers import asked, planned_batch
from napari_toposeg.learning.calibration import tempered
from napari_toposeg.learning.cards import require_channels
from napari_toposeg.learning.checkpoints import Model
from napari_toposeg.learning.devices import memory_errors_explained
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.windows import Home, slide, strides
from napari_toposeg.progress import Step
from napari_toposeg.resampling import resample_to
from napari_toposeg.volume import Volume

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Sweep:
    """How a network goes over a volume.

    Parameters
    ----------
    overlap
        Of neighbouring windows, 0 to below 1.
    flips
        Axes along which windows are mirrored too; see `answers`.
    precision
        Arithmetic of the network; see `answers`.
    batch
        Windows at once; 0: planned by the device.
    home
        Where volume and sums are kept; see `windows`.
    air
        Span of values, scaled to 0..1, up to which a window counts as empty; see `windows.alike`.
    """

    overlap: float = 0.25
    flips: Flips = ""
    precision: PrecisionName = "auto"
    batch: int = 0
    home: Home = "auto"
    air: float = 0.0


def class_probabilities(
    volume: Volume, model: Model, sweep: Sweep, further: Sequence[Volume] = ()
) -> Generator[Step, None, Probabilities]:
    """Return what one model says on the volume's own grid, ``(K + 1, z, y, x)``, tempered."""
    card = model.card
    require_channels(card, 1 + len(further))
    channels = [
        prepare_image(channel, card.spacing, card.intensity) for channel in (volume, *further)
    ]
    with memory_errors_explained():
        whole = np.stack([channel.voxels for channel in channels])
        blended = yield from slide(
            torch.from_numpy(whole)[None],
            card.crop,
            asked(model.network, model.device, sweep.flips, sweep.precision),
            stride=strides(card.crop, sweep.overlap),
            message="segmenting",
            device=model.device,
            batch=planned_batch(sweep.batch, model.device),
            home=sweep.home,
            span=sweep.air,
        )
    return tempered(on_grid(volume, channels[0], blended.cpu().numpy()), card.temperature)


def on_grid(volume: Volume, prepared: Volume, probabilities: Probabilities) -> Probabilities:
    """Bring class probabilities from the model's grid to the image's; beyond is background."""
    found = np.empty((len(probabilities), *volume.shape), np.float32)
    for number, values in enumerate(probabilities):
        of_class = prepared.with_voxels(values, modality="probability")
        found[number] = resample_to(of_class, volume, order=1, fill=float(number == 0)).voxels
    return found

"""Features of a whole volume: what the deepest scale of a model's encoder sees, place by place.

Windows lie on the lattice of the features, so a feature of one window is that of another at the
same place, and the two are blended.
"""

# B batch, C channels of the image, D features

import csv
import io
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import Size3, write_atomically
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import require_channels
from napari_toposeg.learning.checkpoints import Model
from napari_toposeg.learning.devices import memory_errors_explained
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.networks.encoder import Encoder
from napari_toposeg.learning.windows import CENTRE_WEIGHT
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

TABLE = "features.csv"


@dataclass(frozen=True, eq=False)
class Features:
    """What an encoder sees in a volume.

    Parameters
    ----------
    features
        ``(D, z, y, x)`` float32.
    affine
        ``(4, 4)``; maps the index ``(x, y, z, 1)`` of a feature to the centre of what it spans, in
        RAS+ mm.
    pooled
        Mean over the places, ``(D,)`` float32.
    """

    features: NDArray[np.float32]
    affine: NDArray[np.float64]
    pooled: NDArray[np.float32]


def encode_with(
    volume: Volume, model: Model, *, further: Sequence[Volume] = ()
) -> Generator[Step, None, Features]:
    """Encode a volume, resampled to the model's spacing, window by window.

    Parameters
    ----------
    further
        The volume's other channels, on its grid.
    """
    encoder = encoder_of(model)
    require_channels(model.card, 1 + len(further))
    channels = [
        prepare_image(channel, model.card.spacing, model.card.intensity)
        for channel in (volume, *further)
    ]
    stride = encoder.strides[-1]
    with memory_errors_explained():
        whole = np.stack([channel.voxels for channel in channels])
        image = torch.from_numpy(whole).to(model.device)[None]
        features = yield from slide_features(image, encoder, model.card.crop)
    found = features.cpu().numpy()
    return Features(found, affine_of(channels[0], stride), found.mean((1, 2, 3)))


def encoder_of(model: Model) -> Encoder:
    """Return a model's encoder; of a ViT and a UNETR++ side by side, the ViT.

    Raises
    ------
    InvalidCheckpoint
        If the model has none.
    """
    for part in model.network.modules():
        if isinstance(part, Encoder):
            return part
    raise InvalidCheckpoint(f"{model.card.name!r} has no encoder; pick another model")


def slide_features(
    image_BCZYX: Tensor, encoder: Encoder, window: Size3
) -> Generator[Step, None, Tensor]:
    """Return the deepest features of one volume, ``(D, z, y, x)`` float32.

    Parameters
    ----------
    image_BCZYX
        ``(1, C, Z, Y, X)``; padded with zeros at its far ends to whole features and to one window.
    window
        In voxels; neighbours overlap by half.
    """
    stride = encoder.strides[-1]
    shape = image_BCZYX.shape[2:]
    grid = [-(-size // step) for size, step in zip(shape, stride, strict=True)]
    seen = [edge // step for edge, step in zip(window, stride, strict=True)]
    whole = [max(pair) for pair in zip(grid, seen, strict=True)]
    lacking = [n * step - size for n, step, size in zip(whole, stride, shape, strict=True)]
    padded = F.pad(image_BCZYX, [n for gap in reversed(lacking) for n in (0, gap)])
    weight = compute_importance_map(
        seen, mode="gaussian", sigma_scale=CENTRE_WEIGHT, device=padded.device
    )
    places = dense_patch_slices(whole, seen, [max(1, n // 2) for n in seen])
    total = torch.zeros((encoder.widths[-1], *whole), device=padded.device)
    weights = torch.zeros(whole, device=padded.device)
    for number, place in enumerate(places, start=1):
        voxels = tuple(
            slice(cut.start * step, cut.stop * step)
            for cut, step in zip(place, stride, strict=True)
        )
        with torch.inference_mode():
            features = encoder(padded[(slice(None), slice(None), *voxels)])[-1].float()[0]
        total[(slice(None), *place)] += features * weight
        weights[place] += weight
        yield Step(step=number, total=len(places), message="encoding")
    z, y, x = grid
    return (total / weights)[:, :z, :y, :x]


def affine_of(prepared: Volume, stride: Size3) -> NDArray[np.float64]:
    """Return the affine of features that span so many voxels ``(z, y, x)`` of a volume."""
    step = np.array(stride[::-1], dtype=np.float64)
    to_voxel = np.diag([*step, 1.0])
    to_voxel[:3, 3] = (step - 1) / 2
    return prepared.affine @ to_voxel


def write_features(features: Features, path: Path) -> Path:
    """Write features as arrays ``features``, ``affine`` and ``pooled`` of an ``.npz`` file."""
    content = io.BytesIO()
    np.savez(content, features=features.features, affine=features.affine, pooled=features.pooled)
    write_atomically(path, content.getvalue())
    return path


def write_table(pooled: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    """Write the pooled features of images, one image a line."""
    content = io.StringIO()
    table = csv.writer(content, lineterminator="\n")
    count = max(map(len, pooled.values()), default=0)
    table.writerow(["image", *(f"f{number}" for number in range(count))])
    for name, values in pooled.items():
        table.writerow([name, *(f"{value:.7g}" for value in values)])
    write_atomically(path, content.getvalue().encode())

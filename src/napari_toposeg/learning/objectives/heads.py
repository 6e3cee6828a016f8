"""What objectives put on an encoder for as long as they train it."""

# B batch, C channels, D embedding

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from napari_toposeg.config import NetworkConfig, Size3
from napari_toposeg.learning.networks import build_encoder
from napari_toposeg.learning.networks.dense_autoencoder import require_whole
from napari_toposeg.learning.networks.encoder import Encoder, cubes_of, with_token
from napari_toposeg.learning.networks.vit import initialise


class PixelShuffle(nn.Module):
    """One linear map from each feature to all voxels, or cells, that it spans.

    Parameters
    ----------
    width
        Channels of the features.
    channels
        Channels of the answer.
    stride
        Voxels of the answer along ``(z, y, x)`` for each feature.
    """

    def __init__(self, width: int, channels: int, stride: Size3) -> None:
        super().__init__()
        z, y, x = self.stride = stride
        self.map = nn.Conv3d(width, channels * z * y * x, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the answer ``(B, channels, Z, Y, X)`` to features ``(B, width, z, y, x)``."""
        small, steps = features.shape[2:], self.stride
        split: Tensor = self.map(features).reshape(len(features), -1, *steps, *small)
        Z, Y, X = (edge * step for edge, step in zip(small, steps, strict=True))
        return split.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(len(features), -1, Z, Y, X)


class Projection(nn.Sequential):
    """A perceptron from a crop's mean feature to an embedding."""

    def __init__(self, width: int, hidden: int, dimension: int, *, depth: int = 2) -> None:
        widths = [width, *[hidden] * (depth - 1)]
        layers = [
            layer
            for before, after in pairwise(widths)
            for layer in (nn.Linear(before, after), nn.GELU())
        ]
        super().__init__(*layers, nn.Linear(widths[-1], dimension))
        # Biases at the start would be an answer that all crops share.
        initialise(self)


class HidingEncoder(nn.Module):
    """An encoder that hides cubes, and whose coarsest features tell of what is around them.

    Of an encoder that leaves hidden places out at all scales, the coarsest features of a hidden
    cube are a token and nothing else, which only a decoder can mend. Such a one sees a learnt
    intensity in the place of hidden voxels instead.

    Raises
    ------
    InvalidConfig
        If the cubes do not consist of whole features, and a token cannot hide them.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        encoder = build_encoder(config, hides=True)
        self.cube, self.hidden_value = config.hidden_cube, None
        if encoder.masks_all_scales:
            encoder = build_encoder(config)
            self.hidden_value = nn.Parameter(torch.zeros(config.channels))
        else:
            require_whole(encoder, self.cube)
        self.encoder = encoder

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> list[Tensor]:
        """Return features from fine to coarse of images whose cubes are hidden."""
        hidden_B1zyx = cubes_of(hidden_BN, image_BCZYX, self.cube)
        features: list[Tensor]
        if self.hidden_value is None:
            features = self.encoder(image_BCZYX, hidden_B1zyx)
        else:
            features = self.encoder(with_token(image_BCZYX, hidden_B1zyx, self.hidden_value))
        return features


def pooled(features: list[Tensor]) -> Tensor:
    """Return the mean ``(B, D)`` of the coarsest features over all places."""
    return features[-1].mean((2, 3, 4))


def encoder_weights(encoder: nn.Module, config: NetworkConfig) -> Mapping[str, Tensor]:
    """Return the weights of an encoder as those of the network for the task "encode".

    A token for what is hidden is left out: nothing is hidden from an encoder alone.
    """
    with torch.device("meta"):
        plain: Encoder = build_encoder(config)
    known = plain.state_dict().keys()
    return {f"encoder.{name}": part for name, part in encoder.state_dict().items() if name in known}

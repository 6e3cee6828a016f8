"""What all networks have in common: an encoder that gives features from fine to coarse.

Mask convention, here and everywhere: True = hidden from the encoder. What is hidden is a cube of
voxels; a mask ``(B, 1, z, y, x)`` has one entry for each cube of the image.
"""

# B batch, C channels

import torch
from torch import Tensor, nn

from napari_toposeg.config import Size3
from napari_toposeg.errors import InvalidConfig


class Encoder(nn.Module):
    """From an image to features at several scales.

    Attributes
    ----------
    widths
        Channels of the features at each scale, from fine to coarse.
    strides
        Voxels along ``(z, y, x)`` that one feature of each scale spans.
    multiple
        Every edge of an image must be a multiple of these.
    masks_all_scales
        Whether features of every scale are hidden; otherwise the finest alone.
    centre, spread
        Mean and standard deviation of the intensities that it was made for: what it computes with
        are standard units. Without them most of what an untrained network sees of a dark scan is
        an offset, and it learns ten times as slowly.
    """

    widths: tuple[int, ...]
    strides: tuple[Size3, ...]
    multiple: Size3
    masks_all_scales: bool = False
    centre: float = 0.0
    spread: float = 1.0

    @property
    def embedding(self) -> nn.Module:
        """The module whose answer are the first features, ``(B, C, z, y, x)`` or ``(B, N, C)``."""
        raise NotImplementedError

    def forward(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return features from fine to coarse, each ``(B, widths[i], z, y, x)``.

        Parameters
        ----------
        hidden_B1zyx
            Cubes to hide, True = hidden; an encoder that was built with `hides` sees a learnt
            token, or nothing, in their place.
        """
        return self.features(self.standard(image_BCZYX), hidden_B1zyx)

    def features(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return the same of an image in standard units."""
        raise NotImplementedError

    def standard(self, image: Tensor) -> Tensor:
        """Bring intensities to standard units."""
        return (image - self.centre) / self.spread

    def intensity(self, answer: Tensor) -> Tensor:
        """Bring an answer in standard units to the image's."""
        return answer * self.spread + self.centre


class EncoderDecoder(nn.Module):
    """An encoder, and a decoder from its features to one answer for each voxel.

    Attributes
    ----------
    scale_weights
        Weights of the answers at each scale in training, from fine to coarse (deep supervision).
    """

    encoder: Encoder
    scale_weights: tuple[float, ...] = (1.0,)

    def decode(self, features: list[Tensor], image_BCZYX: Tensor) -> list[Tensor]:
        """Return answers from fine to coarse, the first ``(B, outputs, Z, Y, X)``.

        Parameters
        ----------
        image_BCZYX
            In standard units.
        """
        raise NotImplementedError

    def forward_scales(
        self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None
    ) -> list[Tensor]:
        """Return the answers at all scales, from fine to coarse."""
        seen = self.encoder.standard(image_BCZYX)
        return self.decode(self.encoder.features(seen, hidden_B1zyx), seen)

    def forward(
        self,
        image_BCZYX: Tensor,
        hidden_B1zyx: Tensor | None = None,
        *,
        all_scales: bool = False,
    ) -> Tensor | list[Tensor]:
        """Return the answer for every voxel, ``(B, outputs, Z, Y, X)``.

        Parameters
        ----------
        all_scales
            Return `forward_scales`. Training asks so, as precision, compilation and ranks come in
            by ``forward`` alone.
        """
        answers = self.forward_scales(image_BCZYX, hidden_B1zyx)
        return answers if all_scales else answers[0]


class EncoderOnly(nn.Module):
    """An encoder without anything on top, whose weights are named as in other networks."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return the encoder's features."""
        features: list[Tensor] = self.encoder(image_BCZYX, hidden_B1zyx)
        return features


def cubes_of(hidden_BN: Tensor, image: Tensor, cube: int) -> Tensor:
    """Return a mask of cubes in raster order as a volume ``(B, 1, z, y, x)``."""
    return hidden_BN.reshape(-1, 1, *(edge // cube for edge in image.shape[2:]))


def all_hidden(hidden_B1zyx: Tensor, grid: Size3) -> Tensor:
    """Return which features of a grid have all that they span hidden, ``(B, 1, z, y, x)``.

    Raises
    ------
    InvalidConfig
        If a feature neither lies in one cube nor consists of whole ones.
    """
    mask = hidden_B1zyx
    for axis, wanted in enumerate(grid, start=2):
        cubes = mask.shape[axis]
        if wanted % cubes == 0:
            mask = mask.repeat_interleave(wanted // cubes, axis)
        elif cubes % wanted == 0:
            mask = torch.unflatten(mask, axis, (wanted, -1)).all(axis + 1)
        else:
            raise InvalidConfig(
                f"{tuple(hidden_B1zyx.shape[2:])} cubes do not fit {tuple(grid)} features; hide "
                "cubes whose edge is a power of two, such as --cube 8 or --cube 16"
            )
    return mask


def with_token(features: Tensor, hidden_B1zyx: Tensor, token_C: Tensor) -> Tensor:
    """Put a token in the place of the features that are hidden."""
    z, y, x = features.shape[2:]
    place = all_hidden(hidden_B1zyx, (z, y, x))
    return torch.where(place, token_C.to(features.dtype)[None, :, None, None, None], features)

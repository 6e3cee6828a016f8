"""A ViT and a UNETR++ together: a pair for pretraining, one network for segmentation.

In pretraining both rebuild the same hidden cubes of the same images. For segmentation the ViT's
features, which see the whole crop at once, are added to those of the UNETR++ at the scale nearest
to the patch, on their way into its decoder. They enter through a convolution that starts at zero:
at the start the network is the UNETR++ alone.

Names of weights: the pair's are ``vit.*`` (`MaskedAutoencoder`) and ``upp.*`` (`DenseAutoencoder`);
the segmentation network's are ``encoder.vit.*``, ``encoder.upp.*``, ``join.*`` and otherwise those
of `UnetrPP`.

References
----------
Gu et al. 2024, arXiv:2406.10519. How the features are joined is of this project, for the paper has
no public code; the convolution at zero is that of Zhang et al. 2023, arXiv:2302.05543.
"""

# B batch, C channels, N cubes

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.config import Size3
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks.dense_autoencoder import DenseAutoencoder
from napari_toposeg.learning.networks.encoder import Encoder
from napari_toposeg.learning.networks.masked_autoencoder import (
    Autoencoder,
    MaskedAutoencoder,
    Rebuilt,
)
from napari_toposeg.learning.networks.unetr_pp import UnetrPP, UnetrPPEncoder
from napari_toposeg.learning.networks.vit import VisionTransformer


class Both(NamedTuple):
    """What each of a pair rebuilds of the same images; `Rebuilt.pooled_BD` are its features."""

    vit: Rebuilt
    upp: Rebuilt


class Pair(Autoencoder):
    """A masked ViT and a masked UNETR++ that hide the same cubes.

    Parameters
    ----------
    vit, upp
        The two; the cubes that they hide have one size.

    Raises
    ------
    InvalidConfig
        If the cubes differ.
    """

    def __init__(self, vit: MaskedAutoencoder, upp: DenseAutoencoder) -> None:
        super().__init__()
        if vit.cube != upp.cube:
            raise InvalidConfig(
                f"the ViT hides patches of {vit.cube} voxels and the UNETR++ cubes of {upp.cube}; "
                "they hide the same, so leave --cube open or give the patch"
            )
        self.vit, self.upp, self.cube = vit, upp, vit.cube

    def parts(self) -> dict[str, Autoencoder]:
        """Return the two by name."""
        return {"vit": self.vit, "upp": self.upp}

    def both(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Both:
        """Return what each of the two rebuilds."""
        return Both(self.vit(image_BCZYX, hidden_BN), self.upp(image_BCZYX, hidden_BN))

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Rebuilt:
        """Return the mean of what the two rebuild, and the pooled features of both in a row."""
        vit, upp = self.both(image_BCZYX, hidden_BN)
        return Rebuilt(
            (vit.predicted_BMV + upp.predicted_BMV) / 2,
            upp.true_BMV,
            image_BCZYX,
            hidden_BN,
            torch.cat([vit.pooled_BD, upp.pooled_BD], dim=1),
            self.cube,
        )


class FusedEncoder(Encoder):
    """Features of the UNETR++ from fine to coarse, among them the ViT's where its stride belongs.

    Attributes
    ----------
    place
        Where the ViT's features stand among the others.
    """

    def __init__(self, vit: VisionTransformer, upp: UnetrPPEncoder) -> None:
        super().__init__()
        vit.show(())
        self.vit, self.upp = vit, upp
        self.centre, self.spread = vit.centre, vit.spread
        (width,), (stride,) = vit.widths, vit.strides
        finer = [each for each in upp.strides if math.prod(each) < math.prod(stride)]
        self.place = len(finer)
        self.widths = (*upp.widths[: self.place], width, *upp.widths[self.place :])
        self.strides = (*upp.strides[: self.place], stride, *upp.strides[self.place :])
        z, y, x = map(math.lcm, upp.multiple, vit.multiple)
        self.multiple: Size3 = (z, y, x)

    @property
    def embedding(self) -> nn.Module:
        """The stem of the UNETR++."""
        return self.upp.embedding

    def features(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return features from fine to coarse; see `Encoder`."""
        (tokens,) = self.vit.features(image_BCZYX, hidden_B1zyx)
        features = self.upp.features(image_BCZYX, hidden_B1zyx)
        return [*features[: self.place], tokens, *features[self.place :]]


class Fused(UnetrPP):
    """The UNETR++ whose decoder receives the features of a ViT too.

    Parameters
    ----------
    vit, upp
        The encoders, usually pretrained as a pair.
    outputs, deep
        See `UnetrPP`.
    """

    def __init__(
        self, vit: VisionTransformer, upp: UnetrPPEncoder, *, outputs: int, deep: bool = True
    ) -> None:
        super().__init__(upp, outputs=outputs, deep=deep)
        self.encoder: FusedEncoder = FusedEncoder(vit, upp)
        self.scale = nearest_scale(upp.strides, vit.strides[-1])
        self.join = nn.Conv3d(vit.dimension, upp.widths[self.scale], 1)
        nn.init.zeros_(self.join.weight)
        assert self.join.bias is not None
        nn.init.zeros_(self.join.bias)

    def decode(self, features: list[Tensor], image_BCZYX: Tensor) -> list[Tensor]:
        """Return the answers from fine to coarse, see `UnetrPP`."""
        own, place = list(features), self.encoder.place
        tokens = own.pop(place)
        size = own[self.scale].shape[2:]
        raised = F.interpolate(self.join(tokens), size=size, mode="trilinear")
        own[self.scale] = own[self.scale] + raised
        return super().decode(own, image_BCZYX)


def nearest_scale(strides: tuple[Size3, ...], stride: Size3) -> int:
    """Return which of several strides spans the volume nearest to another's, as a ratio."""
    wanted = math.log(math.prod(stride))
    distances = [abs(math.log(math.prod(each)) - wanted) for each in strides]
    return distances.index(min(distances))

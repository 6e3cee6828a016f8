"""Segmentation network: the pretrained ViT encoder under a small convolutional U.

The transformer sees far but in whole patches; two convolutional levels beside it keep the fine
detail that thin structures need. The encoder's early, middle and last layers join at the patch
grid, are interpolated up, and meet the convolutional features at half and at full resolution.

References
----------
After UNETR (Hatamizadeh et al. 2022, arXiv:2103.10504), with interpolation in place of transposed
convolutions and a convolutional stem in place of its image branch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.learning.networks.encoder import EncoderDecoder
from napari_toposeg.learning.networks.instance_norm import InstanceNorm
from napari_toposeg.learning.networks.vit import VisionTransformer

FULL, HALF, COARSE = 16, 32, 64


class Convolutions(nn.Sequential):
    """Two 3 x 3 x 3 convolutions, each followed by instance norm and a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            InstanceNorm(outputs, affine=True),
            nn.LeakyReLU(0.01),
            nn.Conv3d(outputs, outputs, 3, padding=1, bias=False),
            InstanceNorm(outputs, affine=True),
            nn.LeakyReLU(0.01),
        )


class Segmenter(EncoderDecoder):
    """Answers for every voxel, such as logits of background and classes.

    Parameters
    ----------
    encoder
        The transformer, usually pretrained; its patch must be even.
    outputs
        Channels of the answer.
    """

    encoder: VisionTransformer

    def __init__(self, encoder: VisionTransformer, *, outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        encoder.show((encoder.depth // 3, 2 * encoder.depth // 3))
        half = encoder.patch // 2
        self.stem = Convolutions(encoder.channels, FULL)
        self.shrink = Convolutions(FULL, HALF, stride=2)
        self.coarse = nn.Conv3d(HALF, COARSE, half, stride=half)
        self.tokens = nn.Linear(sum(encoder.widths), COARSE)
        self.join_coarse = Convolutions(2 * COARSE, COARSE)
        self.narrow_coarse = nn.Conv3d(COARSE, HALF, 1)
        self.join_half = Convolutions(2 * HALF, HALF)
        self.narrow_half = nn.Conv3d(HALF, FULL, 1)
        self.join_full = Convolutions(2 * FULL, FULL)
        self.classify = nn.Conv3d(FULL, outputs, 1)

    def decode(self, features: list[Tensor], image_BCZYX: Tensor) -> list[Tensor]:
        """Return the answers ``(B, outputs, Z, Y, X)``; edges must be multiples of the patch."""
        seen = self.tokens(torch.cat(features, dim=1).movedim(1, -1)).movedim(-1, 1)
        full = self.stem(image_BCZYX)
        half = self.shrink(full)
        coarse = self.join_coarse(torch.cat([seen, self.coarse(half)], dim=1))
        raised = enlarge(self.narrow_coarse(coarse), half)
        half = self.join_half(torch.cat([raised, half], dim=1))
        raised = enlarge(self.narrow_half(half), full)
        return [self.classify(self.join_full(torch.cat([raised, full], dim=1)))]


def enlarge(features: Tensor, like: Tensor) -> Tensor:
    """Interpolate features to the grid of others."""
    return F.interpolate(features, size=like.shape[2:], mode="trilinear", align_corners=False)

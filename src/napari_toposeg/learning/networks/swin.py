"""Swin UNETR: a transformer of shifted windows under a convolutional decoder.

Both are MONAI's; here the transformer becomes an encoder that can hide cubes, behind the embedding
of its patches of two voxels.

Names of weights: ``swinViT.X`` of ``monai.networks.nets.SwinUNETR`` is ``encoder.swin.X``, every
other ``X`` is ``decoder.X``. The one key more is ``encoder.hidden_token``.

References
----------
Hatamizadeh et al. 2022, arXiv:2201.01266; Tang et al. 2022, arXiv:2111.14791 (pretraining); Liu et
al. 2021, arXiv:2103.14030 (the transformer).
"""

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from monai.networks.nets.swin_unetr import SwinTransformer, SwinUNETR
from torch import Tensor, nn

from napari_toposeg.learning.networks.encoder import Encoder, EncoderDecoder, with_token
from napari_toposeg.learning.networks.instance_norm import InstanceNorm

SCALES = 5


class SwinEncoder(Encoder):
    """The transformer: features at strides 2, 4, 8, 16 and 32, normalised over their channels."""

    def __init__(self, swin: SwinTransformer, *, hides: bool = False) -> None:
        super().__init__()
        self.swin = swin
        width = swin.embed_dim
        self.widths = tuple(width * 2**scale for scale in range(SCALES))
        self.strides = tuple((2**scale,) * 3 for scale in range(1, SCALES + 1))
        self.multiple = (2**SCALES,) * 3
        self.hidden_token = nn.Parameter(0.02 * torch.randn(width)) if hides else None

    @property
    def embedding(self) -> nn.Module:
        """The convolution from patches of two voxels to the first features."""
        embedding: nn.Module = self.swin.patch_embed
        return embedding

    def features(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return features from fine to coarse; see `Encoder`."""
        swin = self.swin
        features = swin.patch_embed(image_BCZYX)
        if hidden_B1zyx is not None:
            assert self.hidden_token is not None
            features = with_token(features, hidden_B1zyx, self.hidden_token)
        outputs = [swin.proj_out(features, normalize=True)]
        for stage in (swin.layers1, swin.layers2, swin.layers3, swin.layers4):
            features = stage[0](features.contiguous())
            outputs.append(swin.proj_out(features, normalize=True))
        return outputs


class SwinUnetr(EncoderDecoder):
    """Answers for every voxel of images whose edges are multiples of 32.

    Parameters
    ----------
    features
        Channels at the image's own scale, a multiple of 12; 48 as published.
    outputs, channels
        Channels of the answer and of the image.
    hides
        Have a token for hidden patches.
    """

    encoder: SwinEncoder

    def __init__(
        self, *, features: int, outputs: int, channels: int = 1, hides: bool = False
    ) -> None:
        super().__init__()
        # MONAI reads numbers out of tensors while it builds, which none on "meta" has.
        with torch.device("cpu"):
            whole = SwinUNETR(in_channels=channels, out_channels=outputs, feature_size=features)
        whole.to(torch.get_default_device())
        self.encoder = SwinEncoder(whole.swinViT, hides=hides)
        del whole.swinViT
        self.decoder = whole
        accept_one_voxel(whole.encoder10.layer)

    def decode(self, features: list[Tensor], image_BCZYX: Tensor) -> list[Tensor]:
        """Return the answers ``(B, outputs, Z, Y, X)``."""
        decoder = self.decoder
        at2, at4, at8, at16, at32 = features
        answer = decoder.decoder5(decoder.encoder10(at32), at16)
        answer = decoder.decoder4(answer, decoder.encoder4(at8))
        answer = decoder.decoder3(answer, decoder.encoder3(at4))
        answer = decoder.decoder2(answer, decoder.encoder2(at2))
        answer = decoder.decoder1(answer, decoder.encoder1(image_BCZYX))
        return [decoder.out(answer)]


def accept_one_voxel(block: UnetResBlock) -> None:
    """Let a block take images of 32 voxels an edge, whose deepest features are one voxel."""
    block.norm1 = InstanceNorm(block.norm1.num_features)
    block.norm2 = InstanceNorm(block.norm2.num_features)

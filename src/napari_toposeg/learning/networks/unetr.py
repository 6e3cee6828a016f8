"""UNETR: a vision transformer under a convolutional decoder.

Outputs of the transformer's blocks, spread over its depth, are raised to the scales between patch
and voxel, and joined from coarse to fine with what a convolutional block sees of the image. The
encoder is that of the masked autoencoder, so whatever was pretrained for one serves the other.

References
----------
Hatamizadeh et al. 2022, arXiv:2103.10504. Its decoder's blocks are MONAI's; with patch 16, learned
positions and equal weights the answers are those of ``monai.networks.nets.UNETR``. Its names and
ours: ``vit`` is `encoder`, ``encoder1`` `image`, ``encoder2`` to ``4`` `skips`, ``decoder5`` to
``2`` `ups`, ``out`` `answer`. Other patches have as many scales as halvings.
"""

from monai.networks.blocks.dynunet_block import UnetOutBlock
from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrPrUpBlock, UnetrUpBlock
from torch import Tensor, nn

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks.encoder import EncoderDecoder
from napari_toposeg.learning.networks.vit import VisionTransformer


def joined_layers(patch: int, depth: int) -> tuple[int, ...]:
    """Return the blocks (from 1) whose outputs the decoder joins: 4, 7 and 10 of 12 at patch 16.

    Raises
    ------
    InvalidConfig
        If the patch cannot be reached by doubling, or leaves no scale between patch and voxel.
    """
    scales = patch.bit_length() - 1
    if patch != 2**scales or scales < 2:
        raise InvalidConfig(
            f"unetr doubles its scale from the patch to the voxel, so the patch must be a power of "
            f"two from 4, got {patch}; give --patch 8 or --patch 16, or --network vit"
        )
    return tuple(depth * number // scales + 1 for number in range(1, scales))


class Unetr(EncoderDecoder):
    """Answers for every voxel of images whose edges are multiples of the patch.

    Parameters
    ----------
    encoder
        The transformer, usually pretrained; its patch must be a power of two from 4.
    outputs
        Channels of the answer.
    features
        Channels at the image's own scale; twice as many at each coarser one.
    """

    encoder: VisionTransformer

    def __init__(self, encoder: VisionTransformer, *, outputs: int, features: int = 16) -> None:
        super().__init__()
        self.encoder = encoder
        layers = joined_layers(encoder.patch, encoder.depth)
        encoder.show(layers)
        scales = len(layers)
        widths = [features * 2**scale for scale in range(scales + 1)]
        self.image = UnetrBasicBlock(3, encoder.channels, features, 3, 1, "instance", True)
        self.skips = nn.ModuleList(
            UnetrPrUpBlock(
                3, encoder.dimension, width, scales - scale, 3, 1, 2, "instance", True, True
            )
            for scale, width in enumerate(widths[1:], start=1)
        )
        coarser = [*widths[1:], encoder.dimension]
        self.ups = nn.ModuleList(
            UnetrUpBlock(3, above, width, 3, 2, "instance", True)
            for above, width in zip(reversed(coarser), reversed(widths), strict=True)
        )
        self.answer = UnetOutBlock(3, features, outputs)

    def decode(self, features: list[Tensor], image_BCZYX: Tensor) -> list[Tensor]:
        """Return the answers ``(B, outputs, Z, Y, X)``."""
        *shown, answer = features
        raised = [skip(layer) for skip, layer in zip(self.skips, shown, strict=True)]
        for up, skip in zip(self.ups, reversed([self.image(image_BCZYX), *raised]), strict=True):
            answer = up(answer, skip)
        return [self.answer(answer)]

"""Masked autoencoder: rebuild the hidden patches of a volume from the visible ones.

Mask convention, here and everywhere: True = hidden from the encoder. The encoder sees the visible
patches only; the decoder sees them beside one learnt token for each hidden place, and predicts the
voxels of the hidden patches only.

References
----------
He et al. 2022, arXiv:2111.06377; Zhou et al. 2023, arXiv:2203.05573 (medical volumes).
"""

# B batch, N patches, K visible, M hidden, V values in a patch, D embedding, E decoder embedding

from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_toposeg.learning.networks.vit import (
    Block,
    VisionTransformer,
    initialise,
    sinusoidal_positions,
    take,
)
from napari_toposeg.learning.patches import from_patches, patch_grid, to_patches


class Rebuilt(NamedTuple):
    """What a masked autoencoder makes of an image.

    Parameters
    ----------
    predicted_BMV
        Predicted voxels of the hidden patches.
    true_BMV
        Their true voxels.
    image_BCZYX
        The image.
    hidden_BN
        True = hidden.
    pooled_BD
        Mean of the encoder's deepest features; of one that drops what is hidden, of the visible.
    cube
        Edge of what is hidden as one, in voxels.
    """

    predicted_BMV: Tensor
    true_BMV: Tensor
    image_BCZYX: Tensor
    hidden_BN: Tensor
    pooled_BD: Tensor
    cube: int

    @property
    def composite_BCZYX(self) -> Tensor:
        """The image with its hidden patches replaced by the prediction."""
        return composite_of(self.image_BCZYX, self.predicted_BMV, self.hidden_BN, self.cube)


class Autoencoder(nn.Module):
    """What rebuilds hidden cubes.

    Attributes
    ----------
    cube
        Edge of what is hidden as one, in voxels.
    """

    cube: int

    def parts(self) -> "dict[str, Autoencoder]":
        """Return the autoencoders of which it consists, by name; most are one, without a name."""
        return {"": self}

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Rebuilt:
        """Hide cubes and rebuild them; every image of the batch hides equally many."""
        raise NotImplementedError


class MaskedAutoencoder(Autoencoder):
    """ViT encoder and a light transformer decoder; what is hidden are patches."""

    def __init__(
        self,
        encoder: VisionTransformer,
        *,
        dimension: int,
        depth: int,
        heads: int,
        channels: int = 1,
    ) -> None:
        super().__init__()
        self.encoder, self.cube = encoder, encoder.patch
        self.dimension = dimension
        self.narrow = nn.Linear(encoder.dimension, dimension)
        self.hidden_token = nn.Parameter(torch.zeros(dimension))
        self.blocks = nn.ModuleList(Block(dimension, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dimension)
        self.predict = nn.Linear(dimension, channels * encoder.patch**3)
        for part in (self.narrow, self.blocks, self.predict):
            initialise(part)
        nn.init.normal_(self.hidden_token, std=0.02)

    def forward(self, image_BCZYX: Tensor, hidden_BN: Tensor) -> Rebuilt:
        """Hide patches and rebuild them; every image of the batch hides equally many."""
        patch = self.encoder.patch
        grid = patch_grid(image_BCZYX.shape, patch)
        patches_BNV = to_patches(image_BCZYX, patch)
        order = hidden_BN.to(torch.int8).argsort(dim=1, stable=True)
        visible = hidden_BN.shape[1] - int(hidden_BN[0].sum())
        kept_BK, lost_BM = order[:, :visible], order[:, visible:]
        tokens_BKD = self.encoder.encode(self.encoder.standard(patches_BNV), grid, kept_BK)[-1]
        predicted = self.encoder.intensity(self.decode(tokens_BKD, kept_BK, lost_BM, grid))
        true = take(patches_BNV, lost_BM)
        return Rebuilt(predicted, true, image_BCZYX, hidden_BN, tokens_BKD.mean(1), patch)

    def decode(
        self, tokens_BKD: Tensor, kept_BK: Tensor, lost_BM: Tensor, grid: tuple[int, int, int]
    ) -> Tensor:
        """Predict the hidden patches in standard units, ``(B, M, V)``, from the visible tokens."""
        positions = (
            sinusoidal_positions(grid, self.dimension)
            .to(tokens_BKD.device)
            .expand(len(tokens_BKD), -1, -1)
        )
        visible_BKE = self.narrow(tokens_BKD) + take(positions, kept_BK)
        tokens = torch.cat([visible_BKE, self.hidden_token + take(positions, lost_BM)], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        predicted: Tensor = self.predict(self.norm(tokens[:, kept_BK.shape[1] :]))
        return predicted


def hidden_values(image_BCZYX: Tensor, hidden_BN: Tensor, patch: int) -> Tensor:
    """Return the voxels of the hidden patches, ``(B, M, V)``, in raster order of the patches."""
    hidden = int(hidden_BN[0].sum())
    patches_BNV = to_patches(image_BCZYX, patch)
    return patches_BNV[hidden_BN].reshape(len(image_BCZYX), hidden, patches_BNV.shape[2])


def composite_of(
    image_BCZYX: Tensor,
    values_BMV: Tensor,
    hidden_BN: Tensor,
    patch: int,
    box: tuple[slice, ...] | None = None,
) -> Tensor:
    """Return images whose hidden patches, in raster order, hold other values.

    Parameters
    ----------
    box
        Patches along ``(z, y, x)`` of which the composite is wanted; all by default.
    """
    box = box or (slice(None),) * 3
    grid = patch_grid(image_BCZYX.shape, patch)
    rank_BN = (hidden_BN.cumsum(1) - 1).clamp(min=0)
    hidden, rank = (each.reshape(-1, *grid)[:, *box].flatten(1) for each in (hidden_BN, rank_BN))
    part = image_BCZYX[:, :, *(in_voxels(cut, patch) for cut in box)]
    values = take(values_BMV, rank).to(part.dtype)
    patches = torch.where(hidden[:, :, None], values, to_patches(part, patch))
    return from_patches(patches, patch_grid(part.shape, patch), patch)


def in_voxels(patches: slice, patch: int) -> slice:
    """Return the voxels of a range of patches."""
    if patches.stop is None:
        return patches
    return slice(patches.start * patch, patches.stop * patch)


def draw_hidden(batch: int, patches: int, ratio: float, generator: torch.Generator) -> Tensor:
    """Draw masks ``(B, N)``, True = hidden, on the generator's device, all hiding equally many."""
    count = min(max(round(ratio * patches), 1), patches - 1)
    noise = torch.rand(batch, patches, generator=generator, device=generator.device)
    return noise.argsort(dim=1).argsort(dim=1) < count

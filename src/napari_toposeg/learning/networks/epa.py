"""Efficient paired attention: one look along channels and one along places, at linear cost.

Both share queries and keys. Channels attend to channels; places attend to a few projections of all
places, so that the cost grows with the number of tokens and not with its square. The projections
and the position codes have one weight for each place of a grid; on other grids they are
interpolated, trilinearly, and on their own they are used as they are.

Names of weights are those of the public code. There the projections ``E`` and ``F`` are one tensor
under two names; here it is `E` alone.

References
----------
Shaker et al. 2024, doi:10.1109/TMI.2024.3398728. The public code puts the tokens
of its spatial branch in the order of its channels (issue 62 of Amshaker/unetr_plus_plus);
`legacy_permute` repeats that for weights that were trained so. Its dropout is left out: chance
that is drawn within a network does not repeat from one process to two. Nor does its batch norm,
in whose place is instance norm where the config does not ask for it.
"""

# B batch, N tokens, C channels, P projections, H heads, D channels of a head

import math

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.config import NormName, Size3
from napari_toposeg.learning.networks.instance_norm import InstanceNorm

LAYER_SCALE = 1e-6
"""Weight of the attention at the start."""


class PairedAttention(nn.Module):
    """Channel and spatial attention, each projected to half of the channels and joined.

    Parameters
    ----------
    channels, heads
        Channels of a token, and heads of either attention.
    projections
        To how many the keys and values of all places are projected.
    grid
        Tokens along ``(z, y, x)`` that the projections are made for.
    legacy_permute
        Mix tokens and channels as the public code does.
    """

    def __init__(
        self, channels: int, *, heads: int, projections: int, grid: Size3, legacy_permute: bool
    ) -> None:
        super().__init__()
        self.heads, self.grid, self.legacy_permute = heads, grid, legacy_permute
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.temperature2 = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkvv = nn.Linear(channels, 4 * channels, bias=False)
        self.E = nn.Linear(math.prod(grid), projections)
        self.out_proj = nn.Linear(channels, channels // 2)
        self.out_proj2 = nn.Linear(channels, channels // 2)

    def forward(self, tokens_BNC: Tensor, grid: Size3) -> Tensor:
        """Return tokens of the same shape; they lie on `grid` in raster order."""
        B, N, C = tokens_BNC.shape
        split = self.qkvv(tokens_BNC).view(B, N, 4, self.heads, C // self.heads)
        query, key, value_channel, value_spatial = split.permute(2, 0, 3, 4, 1)
        weight_PN = self.projection_on(grid)
        key_BHDP, value_BHDP = (
            F.linear(each, weight_PN, self.E.bias) for each in (key, value_spatial)
        )
        query, key = (F.normalize(each, dim=-1) for each in (query, key))
        alike_BHDD = (query @ key.transpose(-2, -1)) * self.temperature
        by_channel = (alike_BHDD.softmax(-1) @ value_channel).permute(0, 3, 1, 2)
        near_BHNP = (query.transpose(-2, -1) @ key_BHDP) * self.temperature2
        by_place = near_BHNP.softmax(-1) @ value_BHDP.transpose(-2, -1)
        order = (0, 3, 1, 2) if self.legacy_permute else (0, 2, 1, 3)
        halves = (
            self.out_proj(by_place.permute(order).reshape(B, N, C)),
            self.out_proj2(by_channel.reshape(B, N, C)),
        )
        return torch.cat(halves, dim=-1)

    def projection_on(self, grid: Size3) -> Tensor:
        """Return the weights ``(P, N)`` of the projection of a grid.

        Those of another grid are divided by how many more tokens it has: a sum over places keeps
        its size.
        """
        if grid == self.grid:
            return self.E.weight
        resized = on_grid(self.E.weight, self.grid, grid)
        return resized * (math.prod(self.grid) / math.prod(grid))


class BatchNorm(nn.BatchNorm3d):
    """Batch norm that normalises a single value by the running statistics, as torch refuses to."""

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        if self.training and features.numel() == features.shape[1]:
            return F.batch_norm(
                features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(features)


def new_norm(norm: NormName, channels: int) -> nn.Module:
    """Return a norm with a weight and a bias for each channel."""
    match norm:
        case "instance":
            return InstanceNorm(channels, affine=True)
        case "batch":
            return BatchNorm(channels)


class PairedBlock(nn.Module):
    """Paired attention and two residual convolutions, at one scale.

    Parameters
    ----------
    channels, heads, projections, grid, legacy_permute
        See `PairedAttention`.
    norm
        Of the convolutions.
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: int,
        projections: int,
        grid: Size3,
        legacy_permute: bool,
        norm: NormName = "instance",
    ) -> None:
        super().__init__()
        self.grid = grid
        self.norm = nn.LayerNorm(channels)
        self.gamma = nn.Parameter(torch.full((channels,), LAYER_SCALE))
        self.epa_block = PairedAttention(
            channels,
            heads=heads,
            projections=projections,
            grid=grid,
            legacy_permute=legacy_permute,
        )
        self.conv51 = UnetResBlock(3, channels, channels, 3, 1, norm)
        self.conv51.norm1, self.conv51.norm2 = new_norm(norm, channels), new_norm(norm, channels)
        # The place of the public code's dropout keeps the number of what follows.
        self.conv8 = nn.Sequential(nn.Identity(), nn.Conv3d(channels, channels, 1))
        self.pos_embed = nn.Parameter(torch.zeros(1, math.prod(grid), channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return features ``(B, C, z, y, x)`` of the same shape."""
        z, y, x = features.shape[2:]
        tokens_BNC = features.flatten(2).transpose(1, 2) + self.positions_on((z, y, x))
        tokens_BNC = tokens_BNC + self.gamma * self.epa_block(self.norm(tokens_BNC), (z, y, x))
        attended = tokens_BNC.transpose(1, 2).reshape(features.shape)
        refined: Tensor = attended + self.conv8(self.conv51(attended))
        return refined

    def positions_on(self, grid: Size3) -> Tensor:
        """Return the position codes ``(1, N, C)`` of a grid."""
        if grid == self.grid:
            return self.pos_embed
        return on_grid(self.pos_embed[0].T, self.grid, grid).T[None]


def on_grid(weights_KN: Tensor, grid: Size3, wanted: Size3) -> Tensor:
    """Interpolate weights for the places of a grid, in raster order, to those of another."""
    volume = weights_KN.reshape(1, -1, *grid)
    return F.interpolate(volume, size=wanted, mode="trilinear").flatten(2)[0]

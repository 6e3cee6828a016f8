"""Vision transformer for volumes of any size.

Positions are fixed sines and cosines of the patch's place, so the same weights serve every crop; or
they are learned for one grid, as in most public weights, and interpolated to others. The encoder
embeds only the patches that it is given: hidden patches cost nothing.

References
----------
Dosovitskiy et al. 2021, arXiv:2010.11929; He et al. 2022, arXiv:2111.06377.
"""

# B batch, N patches, K kept patches, V values in a patch, D embedding, H heads

import math
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.config import Size3
from napari_toposeg.learning.networks.encoder import Encoder
from napari_toposeg.learning.patches import patch_grid, to_patches

LONGEST = 10.0
"""Longest wavelength of the position codes relative to the shortest, which is 2 pi patches."""


ATTENTION_GAIN = 1.2
"""Standard deviation of a query's components at the start, for a token of unit variance."""


@lru_cache(maxsize=32)
def sinusoidal_positions(grid: Size3, dimension: int, device: torch.device | None = None) -> Tensor:
    """Return fixed position codes ``(N, D)``: a third of the channels for each axis."""
    per_axis = dimension // 6
    frequency = 1.0 / LONGEST ** (torch.arange(per_axis) / max(per_axis - 1, 1))
    places_N3 = torch.cartesian_prod(*(torch.arange(float(size)) for size in grid)).reshape(-1, 3)
    angle = places_N3[:, :, None] * frequency
    codes = torch.cat([angle.sin(), angle.cos()], dim=2).flatten(1)
    return F.pad(codes, (0, dimension - codes.shape[1])).to(device)


class Block(nn.Module):
    """Pre-norm transformer block: fused self-attention, then a two-layer perceptron."""

    def __init__(self, dimension: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dimension)
        self.qkv = nn.Linear(dimension, 3 * dimension)
        self.project = nn.Linear(dimension, dimension)
        self.norm_perceptron = nn.LayerNorm(dimension)
        self.perceptron = nn.Sequential(
            nn.Linear(dimension, 4 * dimension), nn.GELU(), nn.Linear(4 * dimension, dimension)
        )

    def forward(self, tokens_BND: Tensor) -> Tensor:
        """Return tokens of the same shape."""
        B, N, D = tokens_BND.shape
        qkv = self.qkv(self.norm_attention(tokens_BND)).view(B, N, 3, self.heads, D // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = (
            F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(B, N, D)
        )
        tokens_BND = tokens_BND + self.project(attended)
        transformed: Tensor = tokens_BND + self.perceptron(self.norm_perceptron(tokens_BND))
        return transformed


class VisionTransformer(Encoder):
    """Encoder of patches: one scale, that of the patches.

    Parameters
    ----------
    patch
        Edge of a patch in voxels.
    dimension, depth, heads
        Width of a token, number of blocks, attention heads a block.
    channels
        Channels of the image.
    hides
        Have a token for hidden patches.
    grid
        Patches along ``(z, y, x)`` that positions are learned for; where None, they are fixed.
    """

    def __init__(
        self,
        *,
        patch: int,
        dimension: int,
        depth: int,
        heads: int,
        channels: int = 1,
        hides: bool = False,
        grid: Size3 | None = None,
    ) -> None:
        super().__init__()
        self.patch, self.dimension, self.depth = patch, dimension, depth
        self.channels, self.grid = channels, grid
        self.multiple = (patch,) * 3
        self.show(())
        self.embed = nn.Linear(channels * patch**3, dimension)
        self.blocks = nn.ModuleList(Block(dimension, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dimension)
        self.hidden_token = nn.Parameter(torch.zeros(dimension)) if hides else None
        self.positions = (
            nn.Parameter(0.02 * torch.randn(math.prod(grid), dimension)) if grid else None
        )
        initialise(self)

    def show(self, layers: tuple[int, ...]) -> None:
        """Let `forward` give the outputs of these blocks (from 1) too, before the last one's."""
        self.layers = layers
        count = len(layers) + 1
        self.widths, self.strides = (self.dimension,) * count, ((self.patch,) * 3,) * count

    @property
    def embedding(self) -> nn.Module:
        """The map from the voxels of a patch to its token."""
        return self.embed

    def features(self, image_BCZYX: Tensor, hidden_B1zyx: Tensor | None = None) -> list[Tensor]:
        """Return the tokens of all patches as ``(B, D, z, y, x)``; see `Encoder` and `show`."""
        grid = patch_grid(image_BCZYX.shape, self.patch)
        hidden_BN = None
        if hidden_B1zyx is not None:
            place = hidden_B1zyx.float()
            hidden_BN = F.interpolate(place, size=grid).bool().flatten(1)
        patches_BNV = to_patches(image_BCZYX, self.patch)
        shown = self.encode(patches_BNV, grid, layers=self.layers, hidden_BN=hidden_BN)
        return [tokens.transpose(1, 2).reshape(-1, self.dimension, *grid) for tokens in shown]

    def positions_on(self, grid: Size3, device: torch.device) -> Tensor:
        """Return the position codes ``(N, D)`` of a grid of patches."""
        if self.positions is None or self.grid is None:
            return sinusoidal_positions(grid, self.dimension, device)
        if grid == self.grid:
            return self.positions
        learned = self.positions.T.reshape(1, self.dimension, *self.grid)
        return F.interpolate(learned, size=grid, mode="trilinear").flatten(2)[0].T

    def encode(
        self,
        patches_BNV: Tensor,
        grid: Size3,
        kept_BK: Tensor | None = None,
        layers: tuple[int, ...] = (),
        hidden_BN: Tensor | None = None,
    ) -> list[Tensor]:
        """Encode patches.

        Parameters
        ----------
        patches_BNV
            All patches in raster order.
        grid
            Patches along ``(z, y, x)``.
        kept_BK
            Indices of the patches to look at; all where None.
        layers
            Numbers of blocks (from 1) whose output is wanted too.
        hidden_BN
            Patches to see a token in place of, True = hidden.

        Returns
        -------
        list of Tensor
            Outputs of the blocks asked for, then the normalised output of the last, each ``(B, K,
            D)``.
        """
        positions = self.positions_on(grid, patches_BNV.device)
        if kept_BK is not None:
            patches_BNV, positions = take(patches_BNV, kept_BK), positions[kept_BK]
        embedded = self.embed(patches_BNV)
        if hidden_BN is not None:
            assert self.hidden_token is not None
            token = self.hidden_token.to(embedded.dtype)
            embedded = torch.where(hidden_BN[:, :, None], token, embedded)
        tokens = embedded + positions
        outputs = []
        for number, block in enumerate(self.blocks, start=1):
            tokens = block(tokens)
            if number in layers:
                outputs.append(tokens)
        return [*outputs, self.norm(tokens)]


def take(values_BND: Tensor, index_BK: Tensor) -> Tensor:
    """Pick tokens: ``values[b, index[b, k]]``, shape ``(B, K, D)``."""
    return values_BND.gather(1, index_BK[:, :, None].expand(-1, -1, values_BND.shape[2]))


def initialise(module: nn.Module) -> None:
    """Xavier-uniform weights and zero biases for every linear layer, as in the reference MAE."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)
    for part in module.modules():
        if isinstance(part, Block):
            attend_to_neighbours(part)


def attend_to_neighbours(block: Block) -> None:
    """Start with equal queries and keys: a token looks at those like it, first its neighbours.

    From independent queries and keys a small model needs thousands of steps to find where its
    neighbours are, and predicts the mean until then. After mimetic initialisation: Trockman and
    Kolter 2023, arXiv:2305.09828.
    """
    dimension = block.qkv.in_features
    with torch.no_grad():
        query = block.qkv.weight[:dimension]
        nn.init.normal_(query, std=ATTENTION_GAIN * dimension**-0.5)
        block.qkv.weight[dimension : 2 * dimension] = query

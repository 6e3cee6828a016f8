"""What published vision transformers share: blocks under other names, and a grid of positions."""

# N tokens, D embedding, G edge of the grid

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from napari_toposeg.config import NetworkConfig, SizeName
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.importing.converted import (
    Converted,
    edge_of,
    is_cube,
    size_of,
    turned_grid,
    turned_kernel,
)
from napari_toposeg.learning.networks import width_of

MONAI = {
    "norm1": "norm_attention",
    "attn.qkv": "qkv",
    "attn.out_proj": "project",
    "norm2": "norm_perceptron",
    "mlp.linear1": "perceptron.0",
    "mlp.linear2": "perceptron.2",
}
TIMM = MONAI | {
    "attn.proj": "project",
    "mlp.fc1": "perceptron.0",
    "mlp.fc2": "perceptron.2",
}
BLOCK = re.compile(r"blocks\.(\d+)\.(.+)\.(weight|bias)")


def convert_transformer(
    tensors: Mapping[str, Tensor],
    *,
    prefix: str,
    names: Mapping[str, str],
    embedding: str,
    positions: str,
    about: Mapping[str, object],
) -> Converted:
    """Bring a transformer that was trained on RAS axes to the encoder of a ViT.

    Parameters
    ----------
    prefix
        What the names of its blocks begin with.
    names
        The layers of a block: theirs and ours.
    embedding, positions
        Names of the patch embedding, without its ending, and of the positions.
    about
        Entries of the card.
    """
    kernel = kernel_of(tensors[f"{embedding}.weight"])
    places_ND = places_of(tensors[positions].float())
    grid = edge_of(len(places_ND), "positions")
    sources = {
        "embed.weight": f"{embedding}.weight",
        "embed.bias": f"{embedding}.bias",
        "positions": positions,
        **block_names(tensors, prefix, names),
        **{f"norm.{part}": f"{prefix}norm.{part}" for part in ("weight", "bias")},
    }
    lacking = [theirs for theirs in sources.values() if theirs not in tensors]
    if lacking:
        raise InvalidCheckpoint(
            f"the transformer lacks {len(lacking)} tensors, first {lacking[0]}; is the file whole?"
        )
    weights = {ours: tensors[theirs].float() for ours, theirs in sources.items()}
    weights["embed.weight"] = turned_kernel(kernel).flatten(1)
    weights["positions"] = turned_grid(places_ND.reshape(grid, grid, grid, -1)).flatten(0, 2)
    depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    width = kernel.shape[0]
    for number in range(depth):
        weights.setdefault(f"blocks.{number}.qkv.bias", torch.zeros(3 * width))
    what = f"a ViT of {depth} blocks and tokens of {width} numbers"
    network = NetworkConfig(
        name="vit",
        size=size_of((width, depth), dimensions, what),
        patch=kernel.shape[-1],
        channels=kernel.shape[1],
        positions="learned",
        grid=(grid, grid, grid),
    )
    return Converted(
        network,
        "encode",
        {f"encoder.{name}": tensor.contiguous() for name, tensor in weights.items()},
        {f"encoder.{ours}": theirs for ours, theirs in sources.items()},
        tuple(name for name in tensors if name not in sources.values()),
        about,
    )


def dimensions(size: SizeName) -> tuple[int, int]:
    """Return the width of a token and the number of blocks of a size."""
    return width_of(size).dimension, width_of(size).depth


def block_names(
    tensors: Mapping[str, Tensor], prefix: str, names: Mapping[str, str]
) -> dict[str, str]:
    """Return our names of the tensors of all blocks, each with theirs."""
    found = {}
    for theirs in tensors:
        match = BLOCK.fullmatch(theirs.removeprefix(prefix))
        if theirs.startswith(prefix) and match and match[2] in names:
            found[f"blocks.{match[1]}.{names[match[2]]}.{match[3]}"] = theirs
    if not found:
        raise InvalidCheckpoint(f"there is no block of a transformer under {prefix or 'the top'!r}")
    return found


def places_of(positions_1ND: Tensor) -> Tensor:
    """Return positions ``(N, D)`` of the patches alone: that of a class token comes first."""
    places_ND = positions_1ND[0]
    return places_ND[1:] if is_cube(len(places_ND) - 1) else places_ND


def kernel_of(weight: Tensor) -> Tensor:
    """Return a patch embedding as a kernel ``(D, C, x, y, z)``, from a convolution or a layer.

    A layer takes the voxels of a patch in the order ``(x, y, z, C)``; of one channel, as the
    published ones are.
    """
    if weight.ndim == 5:
        return weight.float()
    patch = edge_of(weight.shape[1], "voxels of a patch")
    return weight.float().reshape(-1, 1, patch, patch, patch)

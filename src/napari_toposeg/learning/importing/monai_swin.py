"""The transformer of MONAI's Swin UNETR, as its self-supervised pretraining or a UNETR has it.

It was trained on RAS axes, and is turned: the embedding, the table of relative positions and the
order of the corners that are merged. It then answers to a turned scan as it did, but for where the
borders of its windows lie, which no turning of weights can mirror.

References
----------
Tang et al. 2022, arXiv:2111.14791; Project-MONAI/research-contributions, SwinUNETR/Pretrain: CT,
-1000..1000 HU, windows of 96 voxels.
"""

# D features, V values that are merged, W edge of the table of relative positions, H heads

from torch import Tensor

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.importing.converted import (
    Converted,
    edge_of,
    size_of,
    turned_grid,
    turned_kernel,
)
from napari_toposeg.learning.importing.reading import Published
from napari_toposeg.learning.networks import swin_width_of

EMBEDDING = "patch_embed.proj.weight"
STAGES = ("patch_embed.", "layers1.", "layers2.", "layers3.", "layers4.")
SECOND_VERSION = "layers1c."
CORNERS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1))
"""Corners of two voxels an edge in the order in which MONAI's ``PatchMerging`` joins them."""
ABOUT = {
    "crop": (96, 96, 96),
    "spacing": (2.0, 1.5, 1.5),
    "modality": "CT",
    "data": "Not told by the file; the weights that MONAI published are of about 5,050 CT "
    "scans. Their pretraining did not resample: the spacing here is that of fine-tuning on BTCV.",
}


def recognises(published: Published) -> bool:
    """Tell whether these are weights of MONAI's Swin transformer."""
    return any(
        name.endswith("layers1.0.blocks.0.attn.relative_position_bias_table")
        for name in published.tensors
    )


def convert(published: Published) -> Converted:
    """Bring them to the encoder of a Swin UNETR."""
    tensors = published.tensors
    embedding = next((name for name in tensors if name.endswith(EMBEDDING)), None)
    if embedding is None:
        raise InvalidCheckpoint("the Swin transformer lacks a patch embedding; is the file whole?")
    prefix = embedding.removesuffix(EMBEDDING)
    if any(name.startswith(f"{prefix}{SECOND_VERSION}") for name in tensors):
        raise InvalidCheckpoint(
            "the Swin transformer is of MONAI's second version (use_v2), which has residual "
            "convolutions before each stage; only the first version can be imported"
        )
    sources = {
        f"encoder.swin.{renamed(name.removeprefix(prefix))}": name
        for name in tensors
        if name.removeprefix(prefix).startswith(STAGES)
    }
    features, channels = tensors[embedding].shape[:2]
    size = size_of(features, swin_width_of, f"a Swin transformer of {features} features")
    return Converted(
        NetworkConfig(name="swin", size=size, channels=channels),
        "encode",
        {ours: turned(ours, tensors[theirs]) for ours, theirs in sources.items()},
        sources,
        tuple(name for name in tensors if name not in sources.values()),
        ABOUT,
    )


def renamed(name: str) -> str:
    """Return MONAI's name of today: the layers of a perceptron were once named as in timm."""
    return name.replace(".mlp.fc1.", ".mlp.linear1.").replace(".mlp.fc2.", ".mlp.linear2.")


def turned(name: str, tensor: Tensor) -> Tensor:
    """Turn a tensor that was trained on RAS axes, if it depends on them."""
    if name.endswith(EMBEDDING):
        return turned_kernel(tensor).contiguous()
    if name.endswith("relative_position_bias_table"):
        edge = edge_of(len(tensor), "relative positions")
        return turned_grid(tensor.reshape(edge, edge, edge, -1)).flatten(0, 2)
    if ".downsample." in name:
        return turned_corners(tensor)
    return tensor


def turned_corners(tensor_V: Tensor) -> Tensor:
    """Reorder the corners that are merged, which the last axis joins."""
    order = [CORNERS.index((1 - x, 1 - y, z)) for z, y, x in CORNERS]
    corners = tensor_V.reshape(*tensor_V.shape[:-1], len(order), -1)
    return corners[..., order, :].flatten(-2)

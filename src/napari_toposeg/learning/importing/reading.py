"""Reading a file of published weights: tensors by name, and what else it tells.

Only tensors and plain values are read: a checkpoint of any other kind could run code as it is
opened, and is refused.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import SUFFIX
from napari_toposeg.learning.checkpoints import read_tensors

CONTAINERS = ("state_dict", "network_weights", "model", "model_state_dict", "net")
"""Entries of a checkpoint that hold its weights, as the frameworks name them."""


class Published(NamedTuple):
    """What a file holds: weights by name, without what parallel training puts before the names."""

    tensors: dict[str, Tensor]
    extra: Mapping[str, Any]


def read_published(path: Path) -> Published:
    """Read a ``.safetensors`` file, or one that ``torch.save`` wrote.

    Raises
    ------
    InvalidCheckpoint
        If it cannot be read, holds more than tensors and plain values, or holds no weights.
    """
    content: Mapping[str, Any] = read_tensors(path) if path.suffix == SUFFIX else unpickled(path)
    named = next((name for name in CONTAINERS if isinstance(content.get(name), dict)), None)
    weights = content[named] if named else content
    tensors = {str(name): value for name, value in weights.items() if isinstance(value, Tensor)}
    if not tensors:
        raise InvalidCheckpoint(
            f"{path.name} holds no weights by name, but {', '.join(map(str, content)) or 'nothing'}"
            f"; they were looked for at its top and under {', '.join(CONTAINERS)}"
        )
    extra = {name: value for name, value in content.items() if named and name != named}
    return Published(without_wrapper(tensors), extra)


def unpickled(path: Path) -> dict[str, Any]:
    """Read tensors and plain values; refuse anything that could run code."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # The other reasons are bytes that no checkpoint has.
        if "unsupported global" not in str(error).lower():
            raise InvalidCheckpoint(
                f"{path.name} is no checkpoint of PyTorch; give a .pt, .pth or {SUFFIX} file"
            ) from error
        raise InvalidCheckpoint(
            f"{path.name} holds Python objects beside its tensors (such as an argparse.Namespace "
            "of settings); they can run code as they are read, so it is not opened. If you trust "
            "it, take the weights out once: torch.save(torch.load('OLD', weights_only=False)"
            "['state_dict'], 'NEW'), and import NEW"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise InvalidCheckpoint(
            f"{path} cannot be read as a checkpoint of PyTorch ({error}); copy it again"
        ) from error
    if not isinstance(content, dict):
        raise InvalidCheckpoint(
            f"{path.name} holds a {type(content).__name__} and no weights by name; save a "
            "state_dict"
        )
    return content


def without_wrapper(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop what parallel training and compilation put before every name."""
    for wrapper in ("module.", "_orig_mod."):
        if all(name.startswith(wrapper) for name in tensors):
            tensors = {name.removeprefix(wrapper): tensor for name, tensor in tensors.items()}
    return tensors

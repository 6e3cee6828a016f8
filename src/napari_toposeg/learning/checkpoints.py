"""Checkpoints: safetensors files of weights, with the model card in the header.

Loading is strict: a tensor that is missing, left over or of another shape is an error. Only
`transfer` takes a part, and it reports what it took.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from napari_toposeg.config import write_atomically
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import Card, load_card, resolve_model
from napari_toposeg.learning.devices import resolve_device
from napari_toposeg.learning.networks import build

STATE, OPTIMISER = "state.", "optimiser."
"""Prefixes of the tensors that only a training needs."""


@dataclass(frozen=True)
class Model:
    """A network with its weights, in evaluation mode, and its card."""

    network: nn.Module
    card: Card
    device: str


def save_checkpoint(
    path: Path,
    weights: Mapping[str, Tensor],
    card: Card,
    *,
    extra: Mapping[str, str] | None = None,
    precision: torch.dtype | None = None,
) -> None:
    """Write weights and card whole or not at all.

    Parameters
    ----------
    weights
        Tensors by name; floating ones are stored in `precision` where given.
    extra
        Further text entries of the header.
    """
    stored = {
        name: tensor.detach()
        .to("cpu", precision if precision and tensor.is_floating_point() else tensor.dtype)
        .contiguous()
        for name, tensor in weights.items()
    }
    write_atomically(path, save(stored, {"card": card.model_dump_json(), **(extra or {})}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a file onto the CPU."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise InvalidCheckpoint(f"{path} is damaged ({error}); copy or train it again") from error


def model_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of the model alone, without those that only its training needs."""
    return {
        name: tensor
        for name, tensor in read_tensors(path).items()
        if not name.startswith((STATE, OPTIMISER))
    }


def load_model(name_or_path: str | Path, device: str = "cpu") -> Model:
    """Build the network that the card describes and load its weights, strictly.

    Raises
    ------
    InvalidCheckpoint
        If the model is missing or damaged, or its tensors are not the network's.
    """
    path = resolve_model(name_or_path)
    card = load_card(path)
    network = build(card.network, task=card.task, classes=len(card.classes))
    load_strictly(network, model_tensors(path), source=path.name)
    device = resolve_device(device)
    return Model(network.eval().to(device), card, device)


def load_strictly(network: nn.Module, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Load weights that must fit the network exactly."""
    expected = network.state_dict()
    missing = sorted(expected.keys() - weights.keys())
    unexpected = sorted(weights.keys() - expected.keys())
    reshaped = sorted(
        name
        for name in expected.keys() & weights.keys()
        if expected[name].shape != weights[name].shape
    )
    if missing or unexpected or reshaped:
        raise InvalidCheckpoint(
            f"{source} does not fit the network: missing {missing[:3]}, unexpected "
            f"{unexpected[:3]}, "
            f"other shape {reshaped[:3]} ({len(missing)}, {len(unexpected)}, {len(reshaped)} in "
            "all); "
            "give a model of the same network and size"
        )
    network.load_state_dict({name: weights[name].to(expected[name].dtype) for name in expected})

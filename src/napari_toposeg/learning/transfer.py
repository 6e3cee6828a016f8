"""Transfer: start a network from the weights of another model, and say what became of every key.

Tensors are matched by their keys (see `transfer_keys`). An encoder is taken whole or not at all.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import Card, load_card, resolve_model
from napari_toposeg.learning.checkpoints import model_tensors
from napari_toposeg.learning.fitting import Fitted, fitted
from napari_toposeg.learning.networks.encoder import Encoder
from napari_toposeg.learning.transfer_keys import Key, answers, keyed
from napari_toposeg.learning.transfer_report import TransferReport, report


def start_from(
    weights: Mapping[str, Tensor],
    card: Card,
    name_or_path: str | Path,
    *,
    encoder_only: bool = False,
) -> TransferReport:
    """Fill a network's weights, in place, with those of another model.

    Parameters
    ----------
    weights
        Tensors of the network by name, as its ``state_dict`` gives them.
    card
        Describes the network.
    name_or_path
        Name, run folder or file of the model to start from.
    encoder_only
        Leave its decoder, even where it fits.

    Raises
    ------
    InvalidCheckpoint
        If there is no such model, the two have no encoder in common, or a key of an encoder that
        they have in common cannot be taken.
    """
    path = resolve_model(name_or_path)
    source = load_card(path)
    given = model_tensors(path)
    own_names, given_names = keyed(weights, card), keyed(given, source)
    common = {key.part for key in own_names.keys() & given_names.keys() if key.of_encoder}
    if not common:
        raise InvalidCheckpoint(
            f"{source.name!r} is a {source.network.name} and has no encoder in common with a "
            f"{card.network.name}; start from another model, or give --network "
            f"{source.network.name}"
        )
    without = answers(source, card)
    fits: dict[Key, Fitted] = {}
    for key in own_names.keys() & given_names.keys():
        if (not key.of_encoder and encoder_only) or key in without:
            continue
        shape = tuple(weights[own_names[key]].shape)
        fit = fitted(key.name, given[given_names[key]], shape, source.network, card.network)
        if fit is not None:
            fits[key] = fit
    require_whole(common, own_names, given_names, fits, source=source, card=card)
    with torch.no_grad():
        for key, fit in fits.items():
            weights[own_names[key]].copy_(fit.tensor)
    return report(source.name, own_names, given_names, fits)


def start_pretraining(
    network: nn.Module, weights: Mapping[str, Tensor], card: Card, name_or_path: str | Path
) -> TransferReport:
    """Fill the weights of an objective with those of a model; teacher and student start alike.

    Parameters
    ----------
    network
        All that the objective trains or keeps.
    weights
        Those of it that the card describes, by the names of what it describes.
    """
    became = start_from(weights, card, name_or_path)
    if card.task == "encode":
        begun = {name.removeprefix("encoder."): tensor for name, tensor in weights.items()}
        for part in network.modules():
            if isinstance(part, Encoder) and part.state_dict().keys() == begun.keys():
                part.load_state_dict(begun)
    return became


def require_whole(
    common: Collection[str],
    own: Mapping[Key, str],
    given: Mapping[Key, str],
    fits: Collection[Key],
    *,
    source: Card,
    card: Card,
) -> None:
    """Raise InvalidCheckpoint unless every key of the encoders in common was taken."""
    lacking, unused = (
        [
            name
            for key, name in names.items()
            if key.part in common and key not in fits and not key.of_masking
        ]
        for names in (own, given)
    )
    if lacking or unused:
        raise InvalidCheckpoint(
            f"the encoder of {source.name!r} ({told(source.network)}) does not fit "
            f"{told(card.network)}: {len(lacking)} tensors of the network find no match "
            f"({listed(lacking)}), {len(unused)} of the model are left over ({listed(unused)}); "
            "give the network and size of the model"
        )


def told(network: NetworkConfig) -> str:
    """Return what a network is in a few words."""
    return f"{network.name} {network.size}, patch {network.patch}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more if names else "none"

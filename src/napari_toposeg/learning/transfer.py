"""Transfer: start a network from the weights of another model, and say what became of every key.

The one idea: each tensor belongs to a part of its network, such as the encoder of a ViT, and has a
name within that part. Parts are called alike in every network that holds them, so that a pretrained
pair, one of the two, and the network that joins them are all served by one rule. An encoder is
taken whole or not at all.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_toposeg.config import NetworkConfig, write_atomically
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import Card, load_card, resolve_model
from napari_toposeg.learning.checkpoints import model_tensors
from napari_toposeg.learning.fitting import Fitted, fitted
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.networks.encoder import Encoder

DECODER = " decoder"
REPORT = "transfer.json"


class Key(NamedTuple):
    """A tensor's place: a part of the network, and the name within."""

    part: str
    name: str

    @property
    def of_encoder(self) -> bool:
        """Whether it belongs to an encoder."""
        return not self.part.endswith(DECODER)

    @property
    def of_masking(self) -> bool:
        """Whether it stands for what is hidden, which only some pretraining needs."""
        return self.name.endswith("hidden_token")


@dataclass(frozen=True)
class TransferReport:
    """What became of every key of a model and of the network that starts from it.

    Parameters
    ----------
    source
        Name of the model.
    taken, resized, inflated
        Keys of the network that hold the model's values: as they were, interpolated to another
        size, or repeated over further channels.
    fresh
        Keys of the network that stay as initialised.
    left
        Keys of the model that the network has no use for.
    """

    source: str
    taken: tuple[str, ...]
    resized: tuple[str, ...]
    inflated: tuple[str, ...]
    fresh: tuple[str, ...]
    left: tuple[str, ...]

    def summary(self) -> str:
        """Return one line of counts."""
        counts = ", ".join(
            f"{len(keys)} {name}"
            for name, keys in asdict(self).items()
            if name != "source" and (keys or name == "taken")
        )
        return f"{self.source}: {counts}"

    def write(self, folder: Path) -> None:
        """Write the report into the folder of a run that is about to begin."""
        begun = (folder / "last.safetensors").exists()
        if not begun and not folder.is_file():
            text = json.dumps({"summary": self.summary(), **asdict(self)}, indent=1)
            write_atomically(folder / REPORT, text.encode())


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


def parts_of(card: Card) -> dict[str, str]:
    """Return the parts of a network, each with what its tensors' names begin with.

    Where beginnings overlap, the longest that fits a name tells its part.
    """
    name = card.network.name
    match name, card.task:
        case "fused", "reconstruct":
            return {
                "vit": "vit.encoder.",
                "masked" + DECODER: "vit.",
                "unetr-pp": "upp.network.encoder.",
                "unetr-pp" + DECODER: "upp.network.",
            }
        case "fused", _:
            return {"vit": "encoder.vit.", "unetr-pp": "encoder.upp.", "unetr-pp" + DECODER: ""}
        case (("vit" | "unetr"), "reconstruct"):
            return {"vit": "encoder.", "masked" + DECODER: ""}
        case (("vit" | "unetr"), _):
            return {"vit": "encoder.", name + DECODER: ""}
        case _, "reconstruct":
            return {name: "network.encoder.", name + DECODER: "network."}
    return {name: "encoder.", name + DECODER: ""}


def keyed(names: Iterable[str], card: Card) -> dict[Key, str]:
    """Return the names of a network's tensors by their keys."""
    parts = sorted(parts_of(card).items(), key=lambda part: len(part[1]), reverse=True)
    keys: dict[Key, str] = {}
    for name in names:
        part, beginning = next(
            (each for each in parts if name.startswith(each[1])), ("other" + DECODER, "")
        )
        keys[Key(part, name.removeprefix(beginning))] = name
    return keys


def answers(source: Card, card: Card) -> set[Key]:
    """Return the keys of the layers that answer, where the two networks answer different things.

    They are those whose shape depends on the number of classes.
    """
    if (source.task, source.classes) == (card.task, card.classes):
        return set()
    with torch.device("meta"):
        few, more = (
            build(card.network, task="segment", classes=classes).state_dict() for classes in (1, 2)
        )
    parts = card.model_copy(update={"task": "segment"})
    return {key for key, name in keyed(few, parts).items() if few[name].shape != more[name].shape}


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


def report(
    source: str, own: Mapping[Key, str], given: Mapping[Key, str], fits: Mapping[Key, Fitted]
) -> TransferReport:
    """Write down what became of every key."""

    def changed(change: str) -> tuple[str, ...]:
        return tuple(own[key] for key in own if key in fits and fits[key].change == change)

    return TransferReport(
        source,
        changed("taken"),
        changed("resized"),
        changed("inflated"),
        fresh=tuple(name for key, name in own.items() if key not in fits),
        left=tuple(name for key, name in given.items() if key not in fits),
    )

"""Keys: what the tensors of a network are, whatever network they lie in.

The one idea: each tensor belongs to a part of its network, such as the encoder of a ViT, and has a
name within that part. Parts are called alike in every network that holds them, so that a pretrained
pair, one of the two, and the network that joins them are all served by one rule.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch

from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.networks import build

DECODER = " decoder"


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

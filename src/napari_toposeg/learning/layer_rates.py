"""Learning rates of parts: less for the early layers of a pretrained encoder, none if frozen.

What is early in a pretrained encoder is general and should move little; what is new must move. A
layer is a block of a vision transformer, and a stage of every other encoder. An encoder can be held
for the first steps too, until the decoder knows what to ask of it.

References
----------
Clark et al. 2020, arXiv:2003.10555, and He et al. 2022, arXiv:2111.06377: the rate of a layer is
that of the layer after it times a decay; decoders learn at the full rate. Kumar et al. 2022,
arXiv:2202.10054: the decoder first, then all.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from napari_toposeg.learning.networks.encoder import Encoder, EncoderDecoder
from napari_toposeg.learning.networks.resenc_unet import ResidualEncoder
from napari_toposeg.learning.networks.swin import SwinEncoder
from napari_toposeg.learning.networks.unetr_pp import UnetrPPEncoder
from napari_toposeg.learning.networks.vit import VisionTransformer

Layers = list[tuple[str, ...]]
"""What the names of each layer's parameters begin with, from early to late."""


def freeze_encoder(network: EncoderDecoder) -> None:
    """Let the decoder alone learn."""
    network.encoder.requires_grad_(False)


def parameter_groups(network: nn.Module, decay: float, *, thawed: int = 0) -> list[dict[str, Any]]:
    """Return the parameters that learn, by name, in groups of one rate.

    Parameters
    ----------
    decay
        Rate of a layer of an encoder relative to that of the next; 1: one rate for all.
    thawed
        Steps after which encoders learn too.

    Returns
    -------
    list of dict
        Each with ``params``, pairs of name and parameter, ``scale``, their rate relative to that of
        the run, and ``held``, the steps in which they do not learn; the highest rate first.
    """
    stacks = stacks_of(network)
    by_kind: dict[tuple[float, int], list[tuple[str, nn.Parameter]]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            held = thawed if any(map(name.startswith, stacks)) else 0
            kind = decay ** layers_above(name, stacks), held
            by_kind.setdefault(kind, []).append((name, parameter))
    return [
        {"params": parameters, "scale": scale, "held": held}
        for (scale, held), parameters in sorted(by_kind.items(), key=lambda group: -group[0][0])
    ]


def stacks_of(network: nn.Module) -> dict[str, Layers]:
    """Return the layers of each encoder by what all its parameters' names begin with."""
    return {
        f"{name}." if name else "": layers_of(module)
        for name, module in network.named_modules()
        if isinstance(module, VisionTransformer | SwinEncoder | UnetrPPEncoder | ResidualEncoder)
    }


def layers_of(encoder: Encoder) -> Layers:
    """Return the layers of an encoder; what is in none, such as a last norm, lies above them."""
    match encoder:
        case VisionTransformer():
            first = ("embed.", "positions", "hidden_token")
            return [first, *((f"blocks.{number}.",) for number in range(encoder.depth))]
        case SwinEncoder():
            stages = ((f"swin.layers{number}.",) for number in range(1, len(encoder.widths)))
            return [("swin.patch_embed.", "hidden_token"), *stages]
        case UnetrPPEncoder():
            numbers = range(len(encoder.widths))
            finest, *later = ((f"downsample_layers.{n}.", f"stages.{n}.") for n in numbers)
            return [(*finest, "hidden_token"), *later]
        case ResidualEncoder():
            stages = ((f"stages.{number}.",) for number in range(len(encoder.widths)))
            return [("stem.", "hidden_token"), *stages]
        case _:
            return []


def layers_above(name: str, stacks: Mapping[str, Layers]) -> int:
    """Return how many layers of its encoder, the decoder counted as one, lie above a weight."""
    beginning = next((each for each in stacks if name.startswith(each)), None)
    if beginning is None:
        return 0
    own, layers = name.removeprefix(beginning), stacks[beginning]
    place = next((n for n, each in enumerate(layers) if own.startswith(each)), len(layers))
    return len(layers) - place

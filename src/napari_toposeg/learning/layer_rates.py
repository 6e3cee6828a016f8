"""Learning rates of parts: less for the early layers of a pretrained transformer, none if frozen.

What is early in a pretrained encoder is general and should move little; what is new must move.

References
----------
Clark et al. 2020, arXiv:2003.10555, and He et al. 2022, arXiv:2111.06377: the rate of a block is
that of the block after it times a decay; decoders learn at the full rate.
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import nn

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.networks.encoder import EncoderDecoder
from napari_toposeg.learning.networks.vit import VisionTransformer

BLOCK = re.compile(r"blocks\.(\d+)\.")


def freeze_encoder(network: EncoderDecoder) -> None:
    """Let the decoder alone learn."""
    network.encoder.requires_grad_(False)


def parameter_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Return the parameters that learn, by name, in groups of one rate.

    Parameters
    ----------
    decay
        Rate of a block of a vision transformer relative to that of the next; 1: one rate for all.

    Returns
    -------
    list of dict
        Each with ``params``, pairs of name and parameter, and ``scale``, their rate relative to
        that of the run; the highest first.

    Raises
    ------
    InvalidConfig
        If the rate is to decay over the blocks of a network that has none.
    """
    depths = transformer_depths(network)
    if decay != 1 and not depths:
        raise InvalidConfig(
            f"layer_decay {decay} is for networks with a vision transformer; use vit, unetr or "
            "fused, or leave it at 1"
        )
    by_scale: dict[float, list[tuple[str, nn.Parameter]]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            scale = decay ** layers_above(name, depths)
            by_scale.setdefault(scale, []).append((name, parameter))
    return [
        {"params": parameters, "scale": scale}
        for scale, parameters in sorted(by_scale.items(), key=lambda group: -group[0])
    ]


def transformer_depths(network: nn.Module) -> dict[str, int]:
    """Return the blocks of each vision transformer by what its parameters' names begin with."""
    return {
        f"{name}." if name else "": module.depth
        for name, module in network.named_modules()
        if isinstance(module, VisionTransformer)
    }


def layers_above(name: str, depths: Mapping[str, int]) -> int:
    """Return how many layers of its transformer, the decoder counted as one, lie above a weight."""
    beginning = next((each for each in depths if name.startswith(each)), None)
    if beginning is None:
        return 0
    own, depth = name.removeprefix(beginning), depths[beginning]
    if block := BLOCK.match(own):
        return depth - int(block[1])
    return 0 if own.startswith("norm.") else depth + 1

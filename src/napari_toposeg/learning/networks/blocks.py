"""Blocks: the parts that a network repeats, which can be sharded or computed anew one by one."""

from collections.abc import Iterator
from typing import Any

import torch
from monai.networks.blocks.dynunet_block import UnetResBlock
from torch import nn
from torch.utils.checkpoint import checkpoint


def blocks_of(network: nn.Module) -> Iterator[nn.Module]:
    """Yield a network's blocks: the innermost items of its lists of modules, and residual blocks.

    No block lies within another.
    """
    for part in network.children():
        items = list(part) if isinstance(part, nn.ModuleList) else [part]
        for item in items:
            listed = isinstance(part, nn.ModuleList) and any(True for _ in item.children())
            nested = any(isinstance(each, nn.ModuleList) for each in item.modules())
            if isinstance(item, UnetResBlock) or (listed and not nested):
                yield item
            else:
                yield from blocks_of(item)


def compute_anew(network: nn.Module) -> None:
    """Let each block forget its activations, and compute them again in the backward pass.

    The names of the weights stay.

    References
    ----------
    Chen et al. 2016, "Training deep nets with sublinear memory cost", arXiv:1604.06174.
    """
    for block in blocks_of(network):
        forward = block.forward

        def forgetful(*inputs: Any, forward: Any = forward, **named: Any) -> Any:
            if not torch.is_grad_enabled():
                return forward(*inputs, **named)
            return checkpoint(forward, *inputs, use_reentrant=False, **named)

        block.forward = forgetful

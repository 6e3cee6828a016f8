"""Contrastive losses, in full precision, whose negatives come from all devices.

Each device answers for its own samples and compares them with everybody's. What the others compare
with them flows back through the gathering, so that the mean of the devices' gradients, which DDP
and FSDP take, is the gradient that one device would have had with the whole batch.

A batch that is computed in parts, one after the other, has the negatives of each part only.

References
----------
NT-Xent: Chen et al. 2020, arXiv:2002.05709. By groups: Khosla et al. 2020, arXiv:2004.11362.
KoLeo: Sablayrolles et al. 2019, arXiv:1806.03198.
"""

# B samples, A all samples on all devices, D embedding

from typing import Any

import torch
from torch import Tensor
from torch import distributed as ranks
from torch.nn import functional as F


def nt_xent(
    first_BD: Tensor, second_BD: Tensor, *, temperature: float, gather: bool = True
) -> Tensor:
    """Cross-entropy of finding the other view of a sample among all views of all samples.

    Parameters
    ----------
    first_BD, second_BD
        Embeddings of two views of each sample; their length does not matter.
    temperature
        What cosines are divided by.
    gather
        Compare with the samples of all devices; they must all take part, with equally many.
    """
    own_AD = normalised(torch.cat([first_BD, second_BD]))
    keys_AD = gathered(own_AD) if gather else own_AD
    own, views = torch.arange(len(own_AD), device=own_AD.device), len(own_AD)
    start = views * rank() if gather else 0
    with full_precision(own_AD):
        logits = own_AD @ keys_AD.T / temperature
    logits = logits.index_put((own, start + own), torch.full_like(logits[:, 0], -torch.inf))
    return F.cross_entropy(logits, start + (own + views // 2) % views)


def group_contrast(
    own_BD: Tensor, group_B: Tensor, *, temperature: float, gather: bool = True
) -> Tensor | None:
    """Cross-entropy of finding the samples of one's own group among all others.

    Parameters
    ----------
    group_B
        Number of each sample's group.

    Returns
    -------
    Tensor or None
        None where all samples are of one group, or no two of any.
    """
    own_BD = normalised(own_BD)
    keys_AD, group_A = (gathered(own_BD), gathered(group_B)) if gather else (own_BD, group_B)
    start = len(own_BD) * rank() if gather else 0
    same_AA = group_A[:, None] == group_A[None, :]
    positives_A = same_AA.sum(1) - 1
    if bool(same_AA.all()) or not bool((positives_A > 0).any()):
        return None
    own = slice(start, start + len(own_BD))
    itself = torch.eye(len(group_A), dtype=torch.bool, device=own_BD.device)[own]
    with full_precision(own_BD):
        logits = (own_BD @ keys_AD.T / temperature).masked_fill(itself, -torch.inf)
    found = logits.log_softmax(1).masked_fill(itself | ~same_AA[own], 0.0).sum(1)
    loss_B = -found / positives_A[own].clamp(min=1)
    # A share of the anchors of all devices, whose number is not the same on each.
    return loss_B.sum() * len(group_A) / len(own_BD) / (positives_A > 0).sum()


def koleo(own_BD: Tensor, *, gather: bool = True) -> Tensor | None:
    """Mean negative logarithm of the distance to the nearest other sample, on the unit sphere.

    Returns
    -------
    Tensor or None
        None where there is one sample only.
    """
    own_BD = normalised(own_BD)
    keys_AD = gathered(own_BD) if gather else own_BD
    if len(keys_AD) < 2:
        return None
    start = len(own_BD) * rank() if gather else 0
    with torch.no_grad(), full_precision(own_BD):
        cosine = own_BD @ keys_AD.T
        cosine[:, start : start + len(own_BD)].fill_diagonal_(-2.0)
        nearest = cosine.argmax(1)
    apart_B = (own_BD - keys_AD[nearest]).square().sum(1)
    # Two equal samples would have an endless loss and gradient.
    return -0.5 * (apart_B + 1e-8).log().mean()


def normalised(values_BD: Tensor) -> Tensor:
    """Return vectors of length 1, float32."""
    return F.normalize(values_BD.float(), dim=1)


def full_precision(like: Tensor) -> torch.autocast:
    """Return the context in which a product is not computed in 16 bits."""
    return torch.autocast(like.device.type, enabled=False)


def several() -> bool:
    """Return whether several devices work together."""
    return ranks.is_available() and ranks.is_initialized() and ranks.get_world_size() > 1


def rank() -> int:
    """Return which of the devices this is."""
    return ranks.get_rank() if several() else 0


def gathered(own: Tensor) -> Tensor:
    """Return the tensors of all devices, of equal shape, one after the other."""
    if not several():
        return own
    everyones: Tensor = Gathering.apply(own)  # type: ignore[no-untyped-call]
    return everyones


def mean_of_devices(own: Tensor) -> Tensor:
    """Return the mean over devices, without a gradient."""
    if not several():
        return own
    total = own.detach().clone()
    ranks.all_reduce(total)
    return total / ranks.get_world_size()


class Gathering(torch.autograd.Function):
    """Gather forwards; backwards each device gets what all devices ask of its own."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        """Gather."""
        parts = [torch.empty_like(own) for _ in range(ranks.get_world_size())]
        ranks.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Add up what all devices ask, and take one's own part."""
        total = gradients[0].contiguous().clone()
        ranks.all_reduce(total)
        return total.chunk(ranks.get_world_size())[ranks.get_rank()]

"""A loss and others, joined by the ratio of their gradients.

The gradients are needed at the network's answers to weigh the other losses; their sum then goes
back into the network, so that nothing behind the answers is differentiated twice.

The ratio is that of the whole batch, also where each process has a share of it: the squares of the
norms are added up among processes. Where a batch is computed in parts, one after the other, the
squares of a part stand for the whole: scaled by its share of the samples, and of the fields that
the other losses look at.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed

LEAST = 1e-12
"""Smallest norm that a weight is divided by."""


class Answer(NamedTuple):
    """A network's answer, and the same cut off from the network, for the losses to depend on."""

    output: Tensor
    loose: Tensor

    @classmethod
    def of(cls, output: Tensor) -> "Answer":
        """Cut an answer off."""
        return cls(output, output.detach().requires_grad_())


class Share(NamedTuple):
    """How much of a step's batch is at hand, and of what the second loss looks at; 1: all."""

    samples: float = 1.0
    fields: float = 1.0


ALL = Share()


class AllJoined(NamedTuple):
    """The weighted sum of losses, and the weight of each but the first: see `Joined`."""

    loss: Tensor
    weights: tuple[Tensor, ...]


class Joined(NamedTuple):
    """The weighted sum of two losses, and the weight of the second.

    Averaged over the parts of a batch, the weight is the mean over the fields looked at.
    """

    loss: Tensor
    weight: Tensor


def join(
    first: Tensor,
    second: Tensor,
    answers: Sequence[Answer],
    *,
    ratio: float,
    share: Share = ALL,
) -> Joined:
    """Add a second loss to a first so that its gradient has a share of the first one's norm.

    Every process of a distributed run must call it, also one that has no field to look at.

    Parameters
    ----------
    first, second
        Scalar losses, computed from what is loose in ``answers``; their graphs are used up.
    ratio
        Wanted ratio of the weighted second to the first norm; the weight is at most 1.
    share
        Of the batch, in this process.

    Returns
    -------
    Joined
        Its loss goes back into the network through the answers' outputs.
    """
    loss, (weight,) = join_all(first, [second], answers, ratios=[ratio], share=share)
    return Joined(loss, weight)


def join_all(
    first: Tensor,
    others: Sequence[Tensor],
    answers: Sequence[Answer],
    *,
    ratios: Sequence[float],
    share: Share = ALL,
) -> AllJoined:
    """Add losses to a first so that each one's gradient has its share of the first one's norm.

    Parameters
    ----------
    others
        At least one; all look at the same fields.
    ratios
        Wanted ratio of each weighted norm to the first: see `join`.
    """
    loose = [answer.loose for answer in answers]
    of_first = torch.autograd.grad(first, loose, retain_graph=True)
    of_others = [
        torch.autograd.grad(other, loose, retain_graph=number < len(others))
        for number, other in enumerate(others, start=1)
    ]
    squares_first, *squares_others, samples, fields = summed_up(
        torch.stack([*map(squares, (of_first, *of_others)), *of_first[0].new_tensor(share).float()])
    )
    norm = (squares_first / samples).sqrt()
    norms = [(each / fields.clamp(min=LEAST)).sqrt() for each in squares_others]
    weights = [
        (ratio * norm / other.clamp(min=LEAST)).clamp(max=1.0) * (fields > 0)
        for ratio, other in zip(ratios, norms, strict=True)
    ]
    value, gradients = first.detach(), list(of_first)
    for weight, other, of_other in zip(weights, others, of_others, strict=True):
        value = value + weight * other.detach()
        gradients = [a + weight.to(b) * b for a, b in zip(gradients, of_other, strict=True)]
    loss: Tensor = KnownGradients.apply(  # type: ignore[no-untyped-call]
        value, *gradients, *(answer.output for answer in answers)
    )
    return AllJoined(loss, tuple(weight * fields / samples for weight in weights))


def squares(gradients: Sequence[Tensor]) -> Tensor:
    """Return the square of the norm of several gradients together."""
    return torch.stack([gradient.float().square().sum() for gradient in gradients]).sum()


def summed_up(values: Tensor) -> Tensor:
    """Return the sum over all processes of a distributed run; elsewhere the values."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(values)
    return values


class KnownGradients(torch.autograd.Function):
    """A value whose gradients are known already."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, *gradients_and_outputs: Tensor) -> Tensor:
        """Return the value."""
        ctx.save_for_backward(*gradients_and_outputs[: len(gradients_and_outputs) // 2])
        return value.clone()

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients."""
        gradients = ctx.saved_tensors
        return None, *(None for _ in gradients), *(above.to(each) * each for each in gradients)

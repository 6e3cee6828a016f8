"""Two losses joined by the ratio of their gradients.

Both gradients are needed at the network's answer to weigh the second loss; their sum then goes
back into the network, so that nothing behind the answer is differentiated twice.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

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


class Joined(NamedTuple):
    """The weighted sum of two losses, and the weight of the second."""

    loss: Tensor
    weight: Tensor


def join(first: Tensor, second: Tensor, answer: Answer, *, share: float) -> Joined:
    """Add a second loss to a first so that its gradient has a share of the first one's norm.

    Parameters
    ----------
    first, second
        Scalar losses, computed from ``answer.loose``; their graphs are used up.
    share
        Wanted ratio of the weighted second to the first norm; the weight is at most 1.

    Returns
    -------
    Joined
        Its loss goes back into the network through ``answer.output``.
    """
    (of_first,) = torch.autograd.grad(first, answer.loose, retain_graph=True)
    (of_second,) = torch.autograd.grad(second, answer.loose)
    weight = share * of_first.float().norm() / of_second.float().norm().clamp(min=LEAST)
    weight = weight.clamp(max=1.0)
    value = first.detach() + weight * second.detach()
    gradient = of_first + weight.to(of_second) * of_second
    loss: Tensor = KnownGradient.apply(  # type: ignore[no-untyped-call]
        answer.output, value, gradient
    )
    return Joined(loss, weight)


class KnownGradient(torch.autograd.Function):
    """A value whose gradient is known already."""

    @staticmethod
    def forward(ctx: Any, shared: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        """Return the value."""
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient."""
        (gradient,) = ctx.saved_tensors
        return above.to(gradient) * gradient, None, None

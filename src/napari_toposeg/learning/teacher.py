"""A network and its teacher: the running mean of its weights, which is the model that is kept.

The teacher learns nothing by itself. It can tell the network what voxels are that nobody labelled.

References
----------
Tarvainen, Valpola 2017, arXiv:1703.01780.
"""

import copy
from typing import Self

import torch
from torch import Tensor, nn

from napari_toposeg.learning.networks.encoder import EncoderDecoder


class Taught(nn.Module):
    """A network that is trained, and the running mean of its weights.

    In training the answers are the network's, else the teacher's.

    Parameters
    ----------
    network
        At its start; the teacher starts equal.
    decay
        Share of the mean that a step leaves.
    knows
        Whether the start can segment already. If not, the first steps are forgotten sooner.
    """

    def __init__(self, network: EncoderDecoder, decay: float, *, knows: bool = False) -> None:
        super().__init__()
        self.student = network
        self.teacher = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay, self.knows = decay, knows

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the student; the teacher drops nothing."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(
        self, image_BCZYX: Tensor, *, all_scales: bool = False, told: bool = False
    ) -> Tensor | list[Tensor]:
        """Return the answer for every voxel, ``(B, outputs, Z, Y, X)``.

        Parameters
        ----------
        all_scales
            Return the answers at all scales, from fine to coarse.
        told
            Return `tell`, whatever the mode.
        """
        if told:
            return self.tell(image_BCZYX)
        network = self.student if self.training else self.teacher
        answer: Tensor | list[Tensor] = network(image_BCZYX, all_scales=all_scales)
        return answer

    def tell(self, image_BCZYX: Tensor) -> Tensor:
        """Return the teacher's probabilities of the classes, ``(B, K, Z, Y, X)``, float32."""
        with torch.no_grad():
            told: Tensor = self.teacher(image_BCZYX)
            return told.float().softmax(1)

    def follow(self, step: int) -> None:
        """Move the teacher towards the student after a step, counted from 1."""
        decay = self.decay if self.knows else min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, now in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
                kept.lerp_(now.to(kept), 1 - decay)
            buffers = zip(self.teacher.buffers(), self.student.buffers(), strict=True)
            for kept_buffer, buffer in buffers:
                kept_buffer.copy_(buffer)

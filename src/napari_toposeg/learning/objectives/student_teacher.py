"""A student and its teacher: two encoders, each under a head that tells prototypes (for `dino`).

The teacher learns nothing; it is moved towards the student, and sees the large views only.
"""

# W views, D features, K prototypes

import copy
from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from napari_toposeg.config import NetworkConfig
from napari_toposeg.learning.losses.contrastive import full_precision, normalised
from napari_toposeg.learning.networks import build_encoder
from napari_toposeg.learning.objectives.heads import Projection, pooled

PROTOTYPES, BOTTLENECK, HIDDEN = 4096, 256, 1024


class Branch(nn.Module):
    """An encoder, and a head that tells how much its answer is like each of the prototypes."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = build_encoder(config)
        self.project = Projection(self.encoder.widths[-1], HIDDEN, BOTTLENECK, depth=3)
        self.prototypes = nn.Parameter(torch.randn(PROTOTYPES, BOTTLENECK) * 0.02)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return features ``(W, D)`` and cosines with the prototypes ``(W, K)``, float32."""
        features = pooled(self.encoder(views))
        narrow = normalised(self.project(features))
        with full_precision(narrow):
            return features, narrow @ normalised(self.prototypes).T


class Answers(NamedTuple):
    """What student and teacher make of views: see `Branch`; local views come after global ones."""

    features_WD: Tensor
    student_WK: Tensor
    teacher_features_WD: Tensor
    teacher_WK: Tensor


class StudentTeacher(nn.Module):
    """A student, a teacher that is never trained, and the centre of the teacher's answers."""

    centre_K: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.student = Branch(config)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.register_buffer("centre_K", torch.zeros(PROTOTYPES))

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the student; the teacher drops nothing."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, views: Sequence[Tensor]) -> Answers:
        """Answer to views of one size after the other, the global ones first."""
        answers = [self.student(of_a_size) for of_a_size in views]
        with torch.no_grad():
            teacher = self.teacher(views[0])
        return Answers(answers[0][0], torch.cat([each[1] for each in answers]), *teacher)

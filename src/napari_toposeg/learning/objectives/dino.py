"""DINO (`dino`): a student tells from a small view what a teacher tells from a large one.

    loss = mean over pairs of views of  -sum softmax((t - c) / T_t) log softmax(s / T_s)
           + 0.1 * KoLeo

Each crop is seen in two global views, pieces of 50 to 100 % of its edges brought to the crop's
size, and in local ones, of 20 to 50 % brought to half of it, or the size nearest to that which the
network takes. Views are turned, mirrored and lit anew. The teacher is the student's exponential
mean (momentum 0.992 to 1, by a cosine) and sees global views only; its answers are centred by their
own running mean c over the samples of all devices, and sharpened (T_t 0.04 to 0.07, T_s 0.1), which
together keep the answers from being all alike. KoLeo spreads the student's features.

Whether they do become all alike is watched. ``entropy`` is the teacher's mean entropy relative to
the largest there is: 1 means it tells all prototypes alike. ``spread`` is the standard deviation of
normalised features over crops relative to that of random directions: 0 means one feature for all.
The loss falls in both collapses, so the best weights are chosen by another thing: how much more
alike two views of one crop are than views of two, in the teacher's features.

What differs: the centre moves once a step, by the mean of the step's parts and devices; the last
layer's weight vectors have length 1 always, which is the original's weight normalisation with its
fixed gain; the last layer is trained from the first step. Of 3DINO neither the terms for single
patches (iBOT) nor the centring by Sinkhorn-Knopp are here; its head is 2048 wide with 65536
prototypes. Features are the mean of all tokens, so that every network has them.

References
----------
Caron et al. 2021, arXiv:2104.14294. In volumes Xu et al. 2025, arXiv:2501.11755 (3DINO), whose
momentum, temperatures and weight of KoLeo are taken from its settings.
"""

# B crops, V views, W views of all crops (V B), D features, K prototypes

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.losses.contrastive import koleo, mean_of_devices, normalised
from napari_toposeg.learning.objectives.heads import encoder_weights
from napari_toposeg.learning.objectives.student_teacher import Answers, StudentTeacher
from napari_toposeg.learning.objectives.views import cut_views, draw_lights, draw_views, fitting
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch, Evaluation

GLOBAL_SPAN, LOCAL_SPAN = (0.5, 1.0), (0.2, 0.5)
STUDENT_TEMPERATURE, TEACHER_TEMPERATURES, WARM_UP = 0.1, (0.04, 0.07), 0.3
MOMENTUM, CENTRE_MOMENTUM = 0.992, 0.9


class SelfDistillation:
    """The objective: see `objective.Objective`."""

    def __init__(self, network: NetworkConfig, config: PretrainConfig) -> None:
        self.config, self.built = config, network
        self.pair = StudentTeacher(network)
        self.network: nn.Module = self.pair
        self.seen: list[Tensor] = []

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Draw the views of each crop."""
        edges = batch["image"].shape[2:]
        drawn: dict[str, list[Any]] = {"maps": [], "lights": []}
        for sample in batch["samples"]:
            random = random_of(self.config.seed, step, sample, Purpose.VIEWS)
            maps = [
                draw_views(2, GLOBAL_SPAN, edges, random),
                draw_views(self.config.local_views, LOCAL_SPAN, edges, random),
            ]
            drawn["maps"].append(np.concatenate(maps))
            drawn["lights"].append(draw_lights(2 + self.config.local_views, random))
        return {
            **batch,
            **{name: torch.from_numpy(np.stack(part)) for name, part in drawn.items()},
        }

    def views(self, batch: Batch) -> list[Tensor]:
        """Cut the global views, then the local ones if there are any."""
        image, maps, lights = batch["image"], batch["maps"], batch["lights"]
        edges = image.shape[2:]
        sizes = [(edges, slice(0, 2))]
        if self.config.local_views:
            local = fitting(edges, self.pair.student.encoder.multiple, 0.5)
            sizes.append((local, slice(2, None)))
        return [cut_views(image, maps[:, which], lights[:, which], size) for size, which in sizes]

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the cross-entropy with the teacher, and KoLeo."""
        answers: Answers = network(self.views(batch))
        told_WK = self.told(answers.teacher_WK, step)
        self.seen.append(answers.teacher_WK.mean(0))
        distilled = distillation(answers.student_WK, told_WK, views=2 + self.config.local_views)
        terms = {"dino": distilled}
        total = distilled
        views = answers.features_WD.chunk(2)
        spread = [koleo(each) for each in views] if self.config.koleo else []
        apart = [each for each in spread if each is not None]
        if apart:
            terms["koleo"] = torch.stack(apart).mean()
            total = total + self.config.koleo * terms["koleo"]
        return {"loss": total, **terms, "entropy": relative_entropy(told_WK)}

    def told(self, teacher_WK: Tensor, step: int) -> Tensor:
        """Return what the teacher tells: centred, sharpened, as shares of the prototypes."""
        centred = teacher_WK.float() - self.pair.centre_K
        return (centred / teacher_temperature(step, self.config.steps)).softmax(1)

    def after(self, step: int) -> None:
        """Move the teacher towards the student, and the centre to the step's answers."""
        momentum = 1 - (1 - MOMENTUM) * (1 + math.cos(math.pi * step / self.config.steps)) / 2
        with torch.no_grad():
            for kept, now in zip(
                self.pair.teacher.parameters(), self.pair.student.parameters(), strict=True
            ):
                kept.lerp_(now.to(kept), 1 - momentum)
            if self.seen:
                mean_K = mean_of_devices(torch.stack(self.seen).mean(0))
                self.pair.centre_K.lerp_(mean_K, 1.0 if step == 1 else 1 - CENTRE_MOMENTUM)
        self.seen.clear()

    def judge(self, network: nn.Module, batch: Batch) -> Evaluation:
        """Measure how well views of a crop find each other, and whether all answers are alike."""
        answers: Answers = network(self.views(batch)[:1])
        first, second = normalised(answers.teacher_features_WD).chunk(2)
        found, apart = found_among(first @ second.T)
        metrics = {
            "views_found": found,
            "views_apart": apart,
            "entropy": float(relative_entropy(self.told(answers.teacher_WK, self.config.steps))),
            "spread": float(first.std(0, correction=0).mean()) * first.shape[1] ** 0.5,
        }
        image = batch["image"][0, 0].float().cpu().numpy()
        return Evaluation(apart, metrics, {"image": image})

    def weights(self) -> Mapping[str, Tensor]:
        """Return the teacher's encoder's."""
        return encoder_weights(self.pair.teacher.encoder, self.built)


def distillation(student_WK: Tensor, told_WK: Tensor, *, views: int) -> Tensor:
    """Mean cross-entropy of the teacher's global views with the student's other views.

    Parameters
    ----------
    student_WK
        Of all views, the first of each crop, then the second.
    told_WK
        The teacher's shares for the first two.
    """
    logged = (student_WK.float() / STUDENT_TEMPERATURE).log_softmax(1).chunk(views)
    pairs = [
        -(told * seen).sum(1).mean()
        for one, told in enumerate(told_WK.chunk(2))
        for other, seen in enumerate(logged)
        if one != other
    ]
    return torch.stack(pairs).mean()


def found_among(cosines_BB: Tensor) -> tuple[float, float]:
    """Tell how well the other view of a crop is told from those of other crops.

    Parameters
    ----------
    cosines_BB
        Of a view of each crop, along the first axis, with the other view of each crop.

    Returns
    -------
    tuple of float
        Share of other crops that are less alike than the crop itself (0.5 by chance), and by how
        many standard deviations the crop is more alike than the others are on average.
    """
    crops = len(cosines_BB)
    if crops < 2:
        return 0.5, 0.0
    own_B1 = cosines_BB.diagonal()[:, None]
    others_BB = cosines_BB[~torch.eye(crops, dtype=torch.bool, device=own_B1.device)]
    others_BB = others_BB.reshape(crops, crops - 1)
    less = (others_BB < own_B1).float() + 0.5 * (others_BB == own_B1).float()
    gap = own_B1.mean() - others_BB.mean()
    # Features that are all alike differ by rounding only.
    return float(less.mean()), float(gap / (others_BB.std(correction=0) + 1e-4))


def relative_entropy(told_WK: Tensor) -> Tensor:
    """Return the mean entropy of shares, relative to that of equal ones."""
    entropy: Tensor = torch.special.entr(told_WK).sum(1).mean()
    return entropy / math.log(told_WK.shape[1])


def teacher_temperature(step: int, steps: int) -> float:
    """Return the teacher's temperature: it rises over the first 30 % of the run."""
    cold, warm = TEACHER_TEMPERATURES
    return cold + (warm - cold) * min(1.0, step / max(1.0, WARM_UP * steps))

"""Deep supervision: answers at several scales, each judged against the target at its own.

References
----------
Lee et al. 2015, arXiv:1409.5185; for segmentation with weights that halve from scale to scale
nnU-Net (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.losses.overlap import dice_cross_entropy


def coarse_loss(
    answers: Sequence[Tensor],
    target_BZYX: Tensor,
    weights: Sequence[float],
    class_weights_K: Tensor | None = None,
) -> Tensor:
    """Return the weighted sum of Dice and cross-entropy over the scales below the finest.

    Parameters
    ----------
    answers
        Logits ``(B, K, z, y, x)`` from fine to coarse; the first is left to the caller.
    weights
        One for each answer.
    class_weights_K
        See `dice_cross_entropy`.
    """
    losses = [
        weight * torch.stack(dice_cross_entropy(answer, target, class_weights_K)).sum()
        for answer, weight in zip(answers[1:], weights[1:], strict=True)
        for target in [at_scale(target_BZYX, answer)]
    ]
    return torch.stack(losses).sum() if losses else answers[0].new_zeros(())


def at_scale(target_BZYX: Tensor, answer: Tensor) -> Tensor:
    """Return the class of the voxel nearest to the centre of each coarser voxel."""
    volume = target_BZYX[:, None].float()
    near = F.interpolate(volume, size=answer.shape[2:], mode="nearest-exact")
    return near[:, 0].to(target_BZYX.dtype)

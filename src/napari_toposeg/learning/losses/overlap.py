"""Cross-entropy plus soft Dice, with voxels that have no label left out of both."""

# B batch, K classes with background

from typing import NamedTuple

import torch
from torch import Tensor, distributed
from torch.nn import functional as F

from napari_toposeg.learning.losses.joined import summed_up
from napari_toposeg.learning.places import IGNORED as IGNORED


class DiceCrossEntropy(NamedTuple):
    """The two terms; their sum is the loss."""

    dice_loss: Tensor
    cross_entropy: Tensor


def dice_cross_entropy(
    logits_BKZYX: Tensor, target_BZYX: Tensor, weights_K: Tensor | None = None
) -> DiceCrossEntropy:
    """Soft Dice over the classes (background apart) and cross-entropy over all.

    Cross-entropy is a mean over crops, of which one without any label has no error. Dice is that of
    all crops together, as a class is missing in many: that of each crop by itself learns small
    classes more slowly. So the sums of a class are added up among the processes of a distributed
    run, every one of which must call this. The mean over their equal shares is the batch's, and so
    is that of the gradients.

    Parameters
    ----------
    target_BZYX
        Class numbers, -1 where unlabelled.
    weights_K
        Of the classes, above 0: both means are weighted by them, of voxels and of classes. Without
        them all weigh alike.

    References
    ----------
    Milletari et al. 2016, doi:10.1109/3DV.2016.79; the sum as in nnU-Net,
    doi:10.1038/s41592-020-01008-z.
    """
    logits_BKZYX = logits_BKZYX.float()
    labelled_BZYX = target_BZYX != IGNORED
    errors_BZYX = F.cross_entropy(
        logits_BKZYX, target_BZYX, weights_K, ignore_index=IGNORED, reduction="none"
    )
    cross_entropy = (errors_BZYX.sum((1, 2, 3)) / counted(target_BZYX, weights_K)).mean()
    probability = logits_BKZYX.softmax(1) * labelled_BZYX[:, None]
    truth = (
        F.one_hot(target_BZYX.clamp(min=0), logits_BKZYX.shape[1]).movedim(-1, 1)
        * labelled_BZYX[:, None]
    )
    axes = (0, 2, 3, 4)
    shared_K, total_K = of_all_ranks(
        torch.stack([(probability * truth).sum(axes), (probability + truth).sum(axes)])
    )
    dice_K = (2 * shared_K[1:] + 1.0) / (total_K[1:] + 1.0)
    dice = dice_K.mean() if weights_K is None else weighted_mean(dice_K, weights_K[1:])
    return DiceCrossEntropy(1.0 - mean_of_shares(dice), cross_entropy)


def counted(target_BZYX: Tensor, weights_K: Tensor | None) -> Tensor:
    """Return the weights of the labelled voxels of each crop, added up; 1 where there are none."""
    labelled_BZYX = target_BZYX != IGNORED
    if weights_K is None:
        return labelled_BZYX.sum((1, 2, 3)).clamp(min=1)
    total_B = (weights_K[target_BZYX.clamp(min=0)] * labelled_BZYX).sum((1, 2, 3))
    return torch.where(total_B > 0, total_B, 1.0)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of values by their weights."""
    return (values * weights).sum() / weights.sum()


def of_all_ranks(sums: Tensor) -> Tensor:
    """Return the sum over all processes, which depends on this one's part of it alone."""
    own = sums.detach()
    return sums + (summed_up(own.clone()) - own)


def mean_of_shares(value: Tensor) -> Tensor:
    """Return a value of all processes with such a gradient that the mean of theirs is the whole."""
    together = distributed.is_available() and distributed.is_initialized()
    count = distributed.get_world_size() if together else 1
    return count * value - (count - 1) * value.detach()


def hard_dice(prediction: Tensor, target: Tensor, classes: int) -> Tensor:
    """Dice ``(classes,)`` over the labelled voxels, NaN where neither has the class."""
    labelled = target != IGNORED
    scores = []
    for number in range(1, classes + 1):
        a, b = (prediction == number) & labelled, (target == number) & labelled
        total = a.sum() + b.sum()
        scores.append(
            2.0 * (a & b).sum() / total
            if total
            else torch.tensor(float("nan"), device=target.device)
        )
    return torch.stack([score.float() for score in scores])

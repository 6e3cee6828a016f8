"""Cross-entropy plus soft Dice, with voxels that have no label left out of both."""

# B batch, one crop each; K classes with background

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.places import IGNORED as IGNORED


class DiceCrossEntropy(NamedTuple):
    """The two terms; their sum is the loss."""

    dice_loss: Tensor
    cross_entropy: Tensor


def dice_cross_entropy(logits_BKZYX: Tensor, target_BZYX: Tensor) -> DiceCrossEntropy:
    """Soft Dice over the classes (background apart) and cross-entropy over all.

    Both are means over the crops of what each has by itself, so that the mean over equal parts of
    a batch is the batch's. A crop without any label counts as one without any error.

    Parameters
    ----------
    target_BZYX
        Class numbers, -1 where unlabelled.

    References
    ----------
    Milletari et al. 2016, doi:10.1109/3DV.2016.79; the sum, and Dice by crop, as in nnU-Net,
    doi:10.1038/s41592-020-01008-z.
    """
    logits_BKZYX = logits_BKZYX.float()
    labelled_BZYX = target_BZYX != IGNORED
    errors_BZYX = F.cross_entropy(logits_BKZYX, target_BZYX, ignore_index=IGNORED, reduction="none")
    counts_B = labelled_BZYX.sum((1, 2, 3)).clamp(min=1)
    cross_entropy = (errors_BZYX.sum((1, 2, 3)) / counts_B).mean()
    probability = logits_BKZYX.softmax(1) * labelled_BZYX[:, None]
    truth = (
        F.one_hot(target_BZYX.clamp(min=0), logits_BKZYX.shape[1]).movedim(-1, 1)
        * labelled_BZYX[:, None]
    )
    axes = (2, 3, 4)
    shared_BK, total_BK = (probability * truth).sum(axes), (probability + truth).sum(axes)
    dice_BK = (2 * shared_BK[:, 1:] + 1.0) / (total_BK[:, 1:] + 1.0)
    return DiceCrossEntropy(1.0 - dice_BK.mean(), cross_entropy)


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

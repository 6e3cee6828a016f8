"""How well a reconstruction keeps fine structures and topology, where they were hidden.

Everything is judged on hidden voxels: by the error, by how well the rebuilt intensity tells thin
vessels from background (average precision; Dice at a threshold that other phantoms chose), and by
the topology of the composite against that of the image: the area between their Betti curves, and
the unmatched features of Betti matching. Diagrams are of the superlevel sets ("T", 26-connected) of
images blurred by one voxel, features of a persistence of 0.05 and more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.data.utils import dense_patch_slices
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.learning.baselines import hidden_voxels, interpolated
from napari_toposeg.learning.checkpoints import Model
from napari_toposeg.learning.objectives.masked import draw_hidden_each
from napari_toposeg.learning.patches import to_patches
from napari_toposeg.topology import BettiMatching, betti_curve, match_barcodes, persistence

Array = NDArray[np.float32]
Fill = Callable[["Judged"], Array]
"""From a volume to what takes the place of its hidden voxels, and the rest."""
LEVELS = np.linspace(0.0, 1.0, 101)
BLUR, LEAST = 1.0, 0.05
THIN = 1.5
"""Vessels whose radius is below this, in voxels, are thin."""
THRESHOLDS = np.linspace(0.05, 0.8, 76)


@dataclass(frozen=True)
class Judged:
    """One volume, its truth if it has one, and what is hidden of it, ``(z, y, x)`` each."""

    image: Array
    vessels: NDArray[np.bool_] | None
    hidden: NDArray[np.bool_]


def hide(
    image: Array, vessels: NDArray[np.bool_] | None, cube: int, ratio: float, seed: int
) -> Judged:
    """Hide cubes of a volume whose edges are multiples of the cube, the same for every model."""
    count = int(np.prod([edge // cube for edge in image.shape]))
    hidden_BN = draw_hidden_each(seed, 0, [0], count, ratio)
    shape = torch.Size((1, 1, *image.shape))
    return Judged(image, vessels, hidden_voxels(hidden_BN, shape, cube)[0, 0].numpy())


def rebuilt(model: Model, case: Judged) -> Array:
    """Return the composite of a volume, rebuilt in windows of the size that was trained on."""
    cube, window = model.card.network.hidden_cube, model.card.crop
    composite = case.image.copy()
    for place in dense_patch_slices(case.image.shape, window, window):
        image, hidden = (
            torch.from_numpy(part[place].astype(np.float32))[None, None]
            for part in (case.image, case.hidden)
        )
        hidden_BN = to_patches(hidden, cube).amax(2) > 0
        with torch.inference_mode():
            composite[place] = model.network(image, hidden_BN).composite_BCZYX[0, 0].float()
    return composite


def filled_in(case: Judged) -> Array:
    """Return a volume whose hidden voxels are interpolated: the rival without a network."""
    image, hidden = (torch.from_numpy(part)[None, None] for part in (case.image, case.hidden))
    return interpolated(image, hidden)[0, 0].numpy()


def thin_part(vessels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what an opening by a ball of the radius `THIN` takes away."""
    reach = int(np.ceil(THIN))
    z, y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1, -reach : reach + 1]
    return vessels & ~ndimage.binary_opening(vessels, z * z + y * y + x * x <= THIN**2)


def average_precision(scores: Array, positive: NDArray[np.bool_]) -> float:
    """Return the mean precision at the positives, in the order of falling scores."""
    order = np.argsort(-scores, kind="stable")
    found = positive[order].cumsum()
    precision = found / np.arange(1, len(found) + 1)
    return float(precision[positive[order]].mean())


def judge(case: Judged, composite: Array, threshold: float) -> dict[str, float]:
    """Measure one reconstruction."""
    error = (composite - case.image)[case.hidden]
    measured = {"mse": float(np.mean(error**2))} | topology(case.image, composite)
    if case.vessels is not None:
        scores, positive = told_apart(case, composite)
        measured["average precision"] = average_precision(scores, positive)
        measured["dice"] = dice_at(scores, positive, threshold)
    return measured


def told_apart(case: Judged, composite: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return rebuilt intensities of hidden thin vessels and background, and which are vessels."""
    assert case.vessels is not None
    thin = thin_part(case.vessels)
    counted = case.hidden & (thin | ~case.vessels)
    return composite[counted], thin[counted]


def dice_at(scores: Array, positive: NDArray[np.bool_], threshold: float) -> float:
    """Return the Dice of what lies above a threshold."""
    above = scores > threshold
    return float(2 * (above & positive).sum() / max(1, above.sum() + positive.sum()))


def best_threshold(cases: Sequence[Judged], composites: Sequence[Array]) -> float:
    """Return the threshold with the highest mean Dice, on volumes that are not judged."""
    told = [told_apart(case, image) for case, image in zip(cases, composites, strict=True)]
    means = [np.mean([dice_at(*each, level) for each in told]) for level in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(means))])


def topology(image: Array, composite: Array) -> dict[str, float]:
    """Compare the topology of two images."""
    a, b = (ndimage.gaussian_filter(each, BLUR) for each in (image, composite))
    diagrams = [persistence(each, superlevel=True, min_persistence=LEAST) for each in (a, b)]
    area = sum(
        float(np.abs(np.subtract(*(betti_curve(d, LEVELS, dimension=k) for d in diagrams))).mean())
        for k in (0, 1)
    )
    matching = match_barcodes(b, a, dimensions=(0, 1))
    return {"betti curves": area, "betti matching": float(unmatched(matching))}


def unmatched(matching: BettiMatching) -> int:
    """Count the features of enough persistence that only one of the images has."""
    alone = (matching.only_prediction, matching.only_truth)
    return sum(int((np.abs(each.persistence) >= LEAST).sum()) for each in alone)

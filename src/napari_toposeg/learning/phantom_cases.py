"""Phantoms to train on: synthetic vessels with their exact labels, as cases and as examples."""

from typing import Literal

import numpy as np

from napari_toposeg.learning.cases import Case
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.volume import Spacing

PHANTOM_EDGE = 64
"""Edge of a training phantom, in voxels."""

PHANTOM_SPACING = (1.0, 1.0, 1.0)
"""Voxel size of a training phantom in mm, where nothing else says it."""


def phantom_cases(
    count: int,
    *,
    first_seed: int,
    spacing: Spacing,
    role: Literal["train", "validation"] = "train",
    scales: tuple[int, ...] = (1,),
) -> list[Case]:
    """Draw vessel phantoms with their exact labels; noise and chest wall differ among them.

    Parameters
    ----------
    spacing
        Voxel size in mm ``(z, y, x)``.
    scales
        Each phantom is drawn with voxels, and so vessels, larger by one of these factors.
    """
    return [
        phantom_case(seed, spacing, role, scales[seed % len(scales)])
        for seed in range(first_seed, first_seed + count)
    ]


def phantom_case(
    seed: int, spacing: Spacing, role: Literal["train", "validation"], scale: int = 1
) -> Case:
    """Draw one vessel phantom."""
    random = np.random.default_rng((seed, 1))
    noise, wall = float(random.uniform(20, 80)), float(random.choice([0, 6, 10]))
    z, y, x = (PHANTOM_EDGE // scale,) * 3
    dz, dy, dx = (scale * step for step in spacing)
    phantom = vessel_tree(
        (z, y, x), spacing=(dz, dy, dx), seed=seed, noise=noise, wall=wall / scale
    )
    return Case(f"phantom-{seed}", phantom.image, phantom.truth, role)

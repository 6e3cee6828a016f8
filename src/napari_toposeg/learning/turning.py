"""Random rotation and scaling of unlabelled crops, and where their points go.

A crop that is turned keeps its `place`: the map to the volume is composed with the turn, so that
what is told of the crop's corners stays true.
"""

# B batch

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch
from napari_toposeg.volume import Spacing


def draw_turns(
    seed: int,
    step: int,
    samples: Sequence[int],
    edges: Sequence[int],
    *,
    rotation: float,
    scale: float,
    share: float = 1.0,
    stretch: float = 1.0,
    spacing: Spacing = (1.0, 1.0, 1.0),
    still: int | None = None,
) -> Tensor:
    """Draw ``(B, 3, 3)`` maps of a crop's coordinates ``(z, y, x)`` in -1..1, rigid in mm.

    Parameters
    ----------
    edges
        The crop's, in voxels along ``(z, y, x)``.
    rotation
        Largest angle about each axis, in degrees.
    scale
        Largest factor by which a crop is enlarged, and shrunk.
    share
        Probability that a crop is rotated, that it is scaled, and that it is stretched.
    stretch
        Largest factor by which each axis is enlarged, and shrunk, by itself.
    spacing
        Voxel size along ``(z, y, x)``; by default rigid in mm is rigid in voxels.
    still
        Axis along which nothing moves, and about which alone is rotated.
    """
    moves = np.arange(3) != (-1 if still is None else still)
    turns_about = ~moves | (still is None)
    turns = []
    for sample in samples:
        random = random_of(seed, step, sample, Purpose.TURN)
        factor, angles = scale ** random.uniform(-1, 1), rotation * random.uniform(-1, 1, 3)
        scaled, rotated = random.random(2) < share
        matrix = np.diag(np.where(moves & scaled, factor, 1.0))
        for axis, angle in enumerate(np.deg2rad(angles * turns_about) if rotated else ()):
            matrix = matrix @ rotation_about(axis, angle)
        factors, stretched = stretch ** random.uniform(-1, 1, 3), random.random() < share
        matrix = matrix @ np.diag(np.where(moves & stretched, factors, 1.0))
        half = np.asarray(edges) * np.asarray(spacing) / 2
        turns.append(matrix * half[None, :] / half[:, None])
    return torch.from_numpy(np.stack(turns)).float()


def rotation_about(axis: int, angle: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the rotation of ``(z, y, x)`` about one of the axes."""
    first, second = (other for other in range(3) if other != axis)
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def grid_of(turns: Tensor, shape: Sequence[int]) -> Tensor:
    """Return where the voxels of turned crops ``(B, C, Z, Y, X)`` come from, for `grid_sample`."""
    # Its order is (x, y, z).
    return F.affine_grid(F.pad(turns.flip(1, 2), (0, 1)), list(shape), align_corners=False)


def turned(batch: Batch) -> Batch:
    """Turn the crops of a batch by its ``turns``, on whichever device it is."""
    if "turns" not in batch:
        return batch
    turns, image, inside = batch["turns"], batch["image"], batch["inside"]
    grid = grid_of(turns, image.shape)
    seen = F.grid_sample(image * inside, grid, align_corners=False)
    kept = F.grid_sample(inside.to(image.dtype), grid, align_corners=False) > 0.999
    place = batch["place"]
    moved = torch.cat([place[:, :, :3] @ turns.to(place), place[:, :, 3:]], dim=2)
    rest = {name: part for name, part in batch.items() if name != "turns"}
    return {**rest, "image": seen * kept, "inside": kept, "place": moved}

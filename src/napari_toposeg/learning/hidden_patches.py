"""Hidden patches: which patches of a model's lattice a pattern hides; random ones drawn here."""

import numpy as np
import torch

from napari_toposeg.config import Size3
from napari_toposeg.errors import InvalidConfig, InvalidVolume
from napari_toposeg.learning.checkpoints import Model
from napari_toposeg.learning.hiding import (
    Cubes,
    Edges,
    Marked,
    Mask,
    Pattern,
    Slabs,
    cube_grid,
    cubes_as_patches,
    marked_patches,
    slab_patches,
)
from napari_toposeg.learning.networks.masked_autoencoder import draw_hidden
from napari_toposeg.learning.seeds import seeded


def hidden_patches(pattern: Pattern, model: Model, edges: Edges, device: torch.device) -> Mask:
    """Return which patches of a lattice a pattern hides; random ones are drawn on the device."""
    z, y, x = (len(cuts) - 1 for cuts in edges)
    if z * y * x < 2:
        card = model.card
        raise InvalidVolume(
            f"the volume is one patch of {card.network.hidden_cube} voxels of {card.spacing} mm "
            "(z, y, x), too small to hide a part; use a larger volume"
        )
    match pattern:
        case Cubes():
            return drawn_cubes(pattern, model, (z, y, x), device)
        case Slabs():
            return slab_patches(pattern, (z, y, x))
        case Marked():
            return marked_patches(pattern, edges)


def drawn_cubes(pattern: Cubes, model: Model, grid: Size3, device: torch.device) -> Mask:
    """Draw cubes of patches at random.

    Raises
    ------
    InvalidConfig
        If the share lies outside of 0..1, or all of the scan is one cube.
    """
    ratio = model.card.mask_ratio if pattern.ratio is None else pattern.ratio
    if ratio is None or not 0 < ratio < 1:
        raise InvalidConfig(f"the mask ratio must lie between 0 and 1, got {ratio}")
    cubes = cube_grid(grid, pattern.edge)
    count = int(np.prod(cubes))
    if count < 2:
        raise InvalidConfig(
            f"a cube of {pattern.edge} patches holds all {grid} patches (z, y, x) of the scan; "
            "choose a smaller cube"
        )
    drawn = draw_hidden(1, count, ratio, seeded(pattern.seed, 0, device))
    return cubes_as_patches(drawn.cpu().numpy().reshape(cubes), grid, pattern.edge)

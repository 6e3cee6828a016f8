"""Where a volume's grid is drawn, and the grid that a drawn layer stands for.

The one idea: napari's axes z, y, x run to Superior, Posterior and Left in mm, so a grid along the
patient's axes is drawn exactly, and an oblique one upright about its own centre.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def placement(affine: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return where the first voxel is drawn: mm along ``(z, y, x)`` = Superior, Posterior, Left.

    Exact for a grid along the patient's axes; an oblique one is drawn upright about its centre.
    """
    middle = (np.array(shape[::-1]) - 1) / 2
    right, anterior, superior = affine[:3, :3] @ middle + affine[:3, 3]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[::-1]
    place: NDArray[np.float64] = np.array([superior, -anterior, -right]) - spacing * middle[::-1]
    return place


def upright_affine(scale: Sequence[float], translate: Sequence[float]) -> NDArray[np.float64]:
    """Affine (index ``(x, y, z, 1)`` to RAS+ mm) of a grid along the patient's axes.

    Parameters
    ----------
    scale, translate
        Voxel size and place of the first voxel in mm along ``(z, y, x)``.
    """
    affine = np.diag([-scale[2], -scale[1], scale[0], 1.0])
    affine[:3, 3] = -translate[2], -translate[1], translate[0]
    return affine


def still_places(
    affine: NDArray[np.float64],
    shape: tuple[int, ...],
    scale: NDArray[np.float64],
    translate: NDArray[np.float64],
) -> bool:
    """Tell whether a remembered affine still is what the layer shows."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[::-1]
    z, y, x = shape
    there = placement(affine, (z, y, x))
    return np.allclose(spacing, scale, rtol=1e-4) and np.allclose(there, translate, atol=1e-3)


def millimetres(unit: object) -> float:
    """Return the length of a layer's unit in mm; pixels are taken for mm."""
    match str(unit):
        case "nanometer" | "nm":
            return 1e-6
        case "micrometer" | "um" | "µm":
            return 1e-3
        case "centimeter" | "cm":
            return 10.0
        case "meter" | "m":
            return 1e3
        case _:
            return 1.0

"""Resampling: the same patient on another grid.

The one idea: everything is an affine from the output's index to the input's. ITK then interpolates
in index space, so flipped, oblique and sheared grids need no case of their own.
"""

from dataclasses import replace
from typing import Any, Literal

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.volume import Spacing, Volume

Order = Literal[0, 1, 3]

SAME_GRID = 1e-6
"""Largest difference of two maps between grids, in voxels, at which they are the same grid."""


def resample(volume: Volume, spacing: Spacing, *, order: Order | None = None) -> Volume:
    """Resample to another voxel size, in the same directions and around the same centre.

    The new grid has exactly the spacing that is asked for and covers the whole field of view: along
    each axis it reaches beyond it by less than one new voxel. All its voxel centres lie inside.

    Parameters
    ----------
    volume
        What to resample.
    spacing
        Voxel size in mm along ``(z, y, x)``.
    order
        0 nearest neighbour, 1 linear, 3 cubic B-spline; default: 0 for label maps, else 1.

    Raises
    ------
    InvalidConfig
        If the spacing is not positive, or label maps would be blended.
    """
    wanted = np.array(spacing, dtype=float)
    if wanted.shape != (3,) or not np.isfinite(wanted).all() or (wanted <= 0).any():
        raise InvalidConfig(f"spacing is three positive numbers in mm (z, y, x), got {spacing}")
    ratio = wanted / volume.spacing
    # A grid that is longer by a thousandth of a voxel is not a reason for another slice.
    shape = np.maximum(np.ceil(np.array(volume.shape) / ratio - 1e-3), 1).astype(int)
    # In continuous indices the edges of a grid of n voxels are -0.5 and n - 0.5.
    start = ((np.array(volume.shape) - 1) - (shape - 1) * ratio) / 2
    to_input = np.diag([*ratio[::-1], 1.0])
    to_input[:3, 3] = start[::-1]
    grid = (int(shape[0]), int(shape[1]), int(shape[2]))
    return on_grid(volume, to_input, grid, volume.affine @ to_input, order=order, fill=None)


def resample_to(
    volume: Volume, reference: Volume, *, order: Order | None = None, fill: float | None = None
) -> Volume:
    """Resample onto the very grid of another volume, whatever the directions of either.

    Parameters
    ----------
    volume
        What to resample.
    reference
        The volume whose grid, affine and file orientation the result has.
    order
        0 nearest neighbour, 1 linear, 3 cubic B-spline; default: 0 for label maps, else 1.
    fill
        Value outside of ``volume``; default: 0 for label and probability maps, else its least.

    Raises
    ------
    InvalidConfig
        If label maps would be blended.
    """
    to_input = np.linalg.inv(volume.affine) @ reference.affine
    result = on_grid(volume, to_input, reference.shape, reference.affine, order=order, fill=fill)
    return replace(result, orientation=reference.orientation)


def on_grid(
    volume: Volume,
    to_input: NDArray[np.float64],
    shape: tuple[int, int, int],
    affine: NDArray[np.float64],
    *,
    order: Order | None,
    fill: float | None,
) -> Volume:
    """Sample a volume where ``to_input`` sends the indices ``(x, y, z)`` of a grid."""
    order = chosen_order(volume, order)
    voxels = volume.voxels
    if (order > 0 and voxels.dtype.kind != "f") or voxels.dtype == np.float16:
        voxels = voxels.astype(np.float32)
    if shape != volume.shape or not is_identity(to_input, shape):
        outside = default_fill(volume) if fill is None else fill
        smooth = anti_aliased(voxels, to_input) if order > 0 else voxels
        voxels = interpolate(smooth, to_input, shape, order, outside)
    return replace(volume, voxels=voxels, affine=affine)


def chosen_order(volume: Volume, order: Order | None) -> Order:
    """Return the order of interpolation, the fitting one where none was named."""
    if order is None:
        return 0 if volume.modality == "label" else 1
    if order not in (0, 1, 3):
        raise InvalidConfig(f"order is 0 (nearest), 1 (linear) or 3 (cubic B-spline), got {order}")
    if order > 0 and volume.modality == "label":
        raise InvalidConfig(
            f"order {order} would blend the class numbers of a label map; use order=0, or "
            "resample one probability map for each class"
        )
    return order


def is_identity(to_input: NDArray[np.float64], shape: tuple[int, int, int]) -> bool:
    """Tell whether no voxel of the grid moves by more than a millionth of a voxel."""
    corners = np.array(np.meshgrid(*([0, size - 1] for size in shape[::-1]))).reshape(3, -1)
    return bool(np.abs(nib.affines.apply_affine(to_input, corners.T) - corners.T).max() < SAME_GRID)


def default_fill(volume: Volume) -> float:
    """Return what lies outside of a volume: background, or the darkest there is."""
    return 0.0 if volume.modality in ("label", "probability") else float(volume.voxels.min())


def anti_aliased(voxels: NDArray[Any], to_input: NDArray[np.float64]) -> NDArray[Any]:
    """Blur along each axis as far as the new grid is coarser than the old one.

    The Gaussian turns the old voxel's point spread into the new one's, both taken as Gaussians as
    wide at half height as the voxel.

    References
    ----------
    Cardoso et al. 2015, doi:10.1007/978-3-319-24571-3_81.
    """
    coarser = np.linalg.norm(to_input[:3, :3], axis=1)[::-1]
    to_sigma = 1 / (2 * np.sqrt(2 * np.log(2)))
    sigmas = to_sigma * np.sqrt(np.maximum(coarser**2 - 1, 0))
    for axis, sigma in enumerate(sigmas):
        if sigma > 0.05:
            voxels = ndimage.gaussian_filter1d(voxels, sigma, axis=axis, mode="nearest")
    return voxels


def interpolate(
    voxels: NDArray[Any],
    to_input: NDArray[np.float64],
    shape: tuple[int, int, int],
    order: Order,
    fill: float,
) -> NDArray[Any]:
    """Sample an array ``(z, y, x)`` by ITK; up to half a voxel beyond the last centre is inside."""
    number = np.uint8 if voxels.dtype == bool else voxels.dtype.newbyteorder("=")
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels, dtype=number))
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_input[:3, :3].ravel().tolist())
    transform.SetTranslation(to_input[:3, 3].tolist())
    sampler = sitk.ResampleImageFilter()
    sampler.SetSize([int(size) for size in shape[::-1]])
    sampler.SetTransform(transform)
    sampler.SetInterpolator(
        {0: sitk.sitkNearestNeighbor, 1: sitk.sitkLinear, 3: sitk.sitkBSpline}[order]
    )
    sampler.SetDefaultPixelValue(float(fill))
    result: NDArray[Any] = sitk.GetArrayFromImage(sampler.Execute(image))
    return result.astype(voxels.dtype.newbyteorder("="), copy=False)

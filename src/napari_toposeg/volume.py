"""Volume: one 3D scan, label map or probability map, with its geometry in the patient.

The one idea: voxels are held in the *canonical* order, axes ``(z, y, x)`` that run as near as the
grid allows to Superior, Posterior and Left, so that a slice looks as radiologists show it. The
affine is the true one of those voxels, oblique part included, and ``orientation`` remembers the
order of the file, so that writing undoes exactly what reading did: axes are permuted and flipped,
never resampled.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import nibabel as nib
import numpy as np
from nibabel.affines import obliquity, voxel_sizes
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidVolume, ShapeMismatch

Modality = Literal["CT", "MR", "PT", "label", "probability", "unknown"]
Spacing = tuple[float, float, float]

CANONICAL = "LPS"
"""World directions in which the axes x, y, z of a Volume increase, as near as the grid allows."""


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels on a grid in the patient.

    Parameters
    ----------
    voxels
        Array ``(z, y, x)`` in canonical order, in the file's own number type and unit (HU for CT).
    affine
        ``(4, 4)``; maps the index ``(x, y, z, 1)`` of a voxel to RAS+ millimetres, as nibabel does:
        it is the affine of ``voxels.T``.
    modality
        What the numbers are.
    orientation
        Axis codes of the file in the file's own order, such as ``"RAS"`` or ``"PIR"``; restored on
        writing.
    name
        A short name for layers and files, without extension; never taken from patient fields.
    notes
        What a user should know of this volume ("gantry tilt of 12.0 degrees", "frame 0 of 2").

    Raises
    ------
    InvalidVolume
        If the array is not three-dimensional or empty, or the affine is not an invertible 4 x 4
        matrix.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    modality: Modality = "unknown"
    orientation: str = CANONICAL
    name: str = "volume"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        require_volume(self.voxels)
        affine = np.array(self.affine, dtype=np.float64)
        require_affine(affine)
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along ``(z, y, x)``."""
        z, y, x = self.voxels.shape
        return z, y, x

    @property
    def spacing(self) -> Spacing:
        """Voxel size in mm along ``(z, y, x)``."""
        x, y, z = voxel_sizes(self.affine)
        return float(z), float(y), float(x)

    @property
    def obliquity(self) -> float:
        """Largest angle between a grid axis and its nearest patient axis, in degrees."""
        return float(np.degrees(obliquity(self.affine)).max())

    def with_voxels(
        self, voxels: NDArray[Any], *, modality: Modality | None = None, name: str | None = None
    ) -> "Volume":
        """Return other voxels of the same shape on this very grid.

        Raises
        ------
        ShapeMismatch
            If the shape differs.
        """
        if voxels.shape != self.voxels.shape:
            raise ShapeMismatch(
                f"voxels {voxels.shape} do not fit the grid {self.voxels.shape}; resample them "
                "to it first"
            )
        return replace(
            self, voxels=voxels, modality=modality or self.modality, name=name or self.name
        )


def corner_distance(one: Volume, other: Volume) -> float:
    """Return how far apart corners of two grids of one shape lie at most, in mm."""
    ends = [(0, n - 1) for n in reversed(one.shape)]
    corners = np.stack([*np.meshgrid(*ends), np.ones((2, 2, 2))]).reshape(4, -1)
    apart = (one.affine - other.affine) @ corners
    return float(np.linalg.norm(apart[:3], axis=0).max())


def require_volume(voxels: NDArray[Any]) -> None:
    """Raise InvalidVolume unless the array is three-dimensional, not empty and of real numbers."""
    if voxels.ndim != 3 or 0 in voxels.shape:
        raise InvalidVolume(
            f"a volume has three axes (z, y, x) of at least one voxel, got shape {voxels.shape}"
        )
    if voxels.dtype.kind not in "buif":
        raise InvalidVolume(
            f"voxels must be real numbers, got {voxels.dtype}; convert colour to grey values first"
        )


def require_affine(affine: NDArray[np.float64]) -> None:
    """Raise InvalidVolume unless the affine is a finite 4 x 4 matrix that can be inverted."""
    usable = affine.shape == (4, 4) and np.isfinite(affine).all()
    # Relative to the voxel size, so that nanometres are no less usable than millimetres.
    if usable:
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        usable = abs(np.linalg.det(affine[:3, :3])) > 1e-6 * lengths.prod()
    if not usable:
        raise InvalidVolume(
            f"the affine must be an invertible 4 x 4 matrix, got {affine.tolist()}; "
            "the file's header gives no usable geometry: repair it first"
        )


def from_file_order(
    stored: NDArray[Any],
    affine: NDArray[np.float64],
    *,
    modality: Modality = "unknown",
    name: str = "volume",
    notes: tuple[str, ...] = (),
) -> Volume:
    """Build a Volume from voxels as a file holds them.

    Parameters
    ----------
    stored
        Array in the file's axis order, first axis first (nibabel's ``(i, j, k)``).
    affine
        ``(4, 4)``, index ``(i, j, k, 1)`` to RAS+ mm.
    """
    if stored.ndim != 3:
        raise InvalidVolume(f"a volume has three axes, got shape {stored.shape}")
    source, to_canonical = orientations(affine)
    voxels = nib.orientations.apply_orientation(stored, to_canonical).T
    canonical_affine = affine @ nib.orientations.inv_ornt_aff(to_canonical, stored.shape)
    codes = "".join(nib.orientations.ornt2axcodes(source))
    return Volume(
        voxels, canonical_affine, modality=modality, orientation=codes, name=name, notes=notes
    )


def empty_in_file_order(
    shape: tuple[int, ...], affine: NDArray[np.float64], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return an array to be filled as a file holds it, whose memory lies in canonical order.

    What `from_file_order` makes of it then is contiguous, and costs no copy of the volume.

    Parameters
    ----------
    shape
        Of the three axes in the file's order.
    affine
        ``(4, 4)``, index ``(i, j, k, 1)`` to RAS+ mm.
    """
    source, to_canonical = orientations(affine)
    canonical = nib.orientations.axcodes2ornt(CANONICAL)
    sizes = np.empty(3, int)
    sizes[to_canonical[:, 0].astype(int)] = shape
    voxels = np.empty(tuple(sizes[::-1]), dtype)
    stored: NDArray[Any] = nib.orientations.apply_orientation(
        voxels.T, nib.orientations.ornt_transform(canonical, source)
    )
    return stored


def orientations(affine: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return how a file's axes lie in the patient, and what brings them into canonical order.

    Raises
    ------
    InvalidVolume
        If the affine gives no direction for one of the axes.
    """
    require_affine(affine)
    source = nib.io_orientation(affine)
    if np.isnan(source).any():
        raise InvalidVolume(
            "the affine gives no direction for one of the axes; repair the file's header first"
        )
    canonical = nib.orientations.axcodes2ornt(CANONICAL)
    return source, nib.orientations.ornt_transform(source, canonical)


def to_file_order(volume: Volume) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return voxels and affine in the order of the file that the volume came from.

    The inverse of `from_file_order`: the array's first axis is the file's first axis.
    """
    target = nib.orientations.axcodes2ornt(volume.orientation)
    here = nib.io_orientation(volume.affine)
    to_file = nib.orientations.ornt_transform(here, target)
    canonical = volume.voxels.T
    stored = nib.orientations.apply_orientation(canonical, to_file)
    return stored, volume.affine @ nib.orientations.inv_ornt_aff(to_file, canonical.shape)

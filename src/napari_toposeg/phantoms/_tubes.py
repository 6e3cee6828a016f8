"""The kernels of the phantoms: a tube along a polyline, drawn into a box of voxels."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Points = NDArray[np.float64]
Field = NDArray[np.float32]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_tube(
    points: Points,
    radii: NDArray[np.float64],
    origin: NDArray[np.int64],
    spacing: NDArray[np.float64],
    inside: NDArray[np.bool_],
    fraction: Field,
) -> None:
    """Draw a tube of varying radius into a box.

    ``points (n, 3)``, ``radii (n,)`` and ``spacing`` are in mm, voxel ``i`` of the whole grid being
    centred at ``i * spacing``; ``origin`` is the box's first voxel. ``inside`` receives the voxels
    whose centre is in the tube and those that its axis runs through, so that the thinnest tube is
    26-connected; ``fraction`` the share of each voxel that the tube fills.
    """
    for s in range(len(points) - 1):
        draw_segment(points[s : s + 2], radii[s : s + 2], origin, spacing, inside, fraction)
        mark_axis(points[s : s + 2], origin, spacing, inside)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def draw_segment(
    ends: Points,
    radii: NDArray[np.float64],
    origin: NDArray[np.int64],
    spacing: NDArray[np.float64],
    inside: NDArray[np.bool_],
    fraction: Field,
) -> None:
    """Draw a cone between two points with round ends; see `draw_tube`."""
    voxel = (spacing[0] * spacing[1] * spacing[2]) ** (1 / 3)
    step = ends[1] - ends[0]
    length2 = step[0] ** 2 + step[1] ** 2 + step[2] ** 2
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for k in range(3):
        reach = max(radii) + voxel
        low[k] = int(np.ceil((min(ends[:, k]) - reach) / spacing[k])) - origin[k]
        high[k] = int(np.floor((max(ends[:, k]) + reach) / spacing[k])) - origin[k] + 1
    for z in range(max(0, low[0]), min(inside.shape[0], high[0])):
        dz = (z + origin[0]) * spacing[0] - ends[0, 0]
        for y in range(max(0, low[1]), min(inside.shape[1], high[1])):
            dy = (y + origin[1]) * spacing[1] - ends[0, 1]
            for x in range(max(0, low[2]), min(inside.shape[2], high[2])):
                dx = (x + origin[2]) * spacing[2] - ends[0, 2]
                t = (dz * step[0] + dy * step[1] + dx * step[2]) / length2
                t = min(1.0, max(0.0, t))
                square = (dz - t * step[0]) ** 2 + (dy - t * step[1]) ** 2
                distance = np.sqrt(square + (dx - t * step[2]) ** 2)
                radius = radii[0] + t * (radii[1] - radii[0])
                if distance <= radius:
                    inside[z, y, x] = True
                filled = min(1.0, max(0.0, 0.5 + (radius - distance) / voxel))
                # A tube thinner than a voxel fills at most its cross-section's share of it.
                filled *= min(1.0, np.pi * (radius / voxel) ** 2)
                fraction[z, y, x] = max(fraction[z, y, x], filled)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mark_axis(
    ends: Points,
    origin: NDArray[np.int64],
    spacing: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> None:
    """Mark the voxels that the line between two points runs through, sampled each 1/4 voxel."""
    length = np.sqrt(np.sum((ends[1] - ends[0]) ** 2))
    samples = int(np.ceil(4 * length / min(spacing))) + 1
    for i in range(samples + 1):
        place = (ends[0] + (ends[1] - ends[0]) * i / samples) / spacing
        z = int(np.floor(place[0] + 0.5)) - origin[0]
        y = int(np.floor(place[1] + 0.5)) - origin[1]
        x = int(np.floor(place[2] + 0.5)) - origin[2]
        if 0 <= z < inside.shape[0] and 0 <= y < inside.shape[1] and 0 <= x < inside.shape[2]:
            inside[z, y, x] = True

"""The one kernel of the phantoms: a tube along a polyline, drawn into a box of voxels."""

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
    voxel = (spacing[0] * spacing[1] * spacing[2]) ** (1 / 3)
    finest = min(spacing[0], spacing[1], spacing[2])
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for s in range(len(points) - 1):
        a = points[s]
        step = points[s + 1] - a
        length2 = step[0] ** 2 + step[1] ** 2 + step[2] ** 2
        reach = max(radii[s], radii[s + 1]) + voxel
        for k in range(3):
            first = min(a[k], a[k] + step[k]) - reach
            last = max(a[k], a[k] + step[k]) + reach
            low[k] = max(0, int(np.ceil(first / spacing[k])) - origin[k])
            high[k] = min(inside.shape[k], int(np.floor(last / spacing[k])) - origin[k] + 1)
        for z in range(low[0], high[0]):
            dz = (z + origin[0]) * spacing[0] - a[0]
            for y in range(low[1], high[1]):
                dy = (y + origin[1]) * spacing[1] - a[1]
                for x in range(low[2], high[2]):
                    dx = (x + origin[2]) * spacing[2] - a[2]
                    t = (dz * step[0] + dy * step[1] + dx * step[2]) / length2
                    t = min(1.0, max(0.0, t))
                    distance = np.sqrt(
                        (dz - t * step[0]) ** 2 + (dy - t * step[1]) ** 2 + (dx - t * step[2]) ** 2
                    )
                    radius = radii[s] + t * (radii[s + 1] - radii[s])
                    if distance <= radius:
                        inside[z, y, x] = True
                    filled = min(1.0, max(0.0, 0.5 + (radius - distance) / voxel))
                    # A tube thinner than a voxel fills at most its cross-section's share of it.
                    filled *= min(1.0, np.pi * (radius / voxel) ** 2)
                    fraction[z, y, x] = max(fraction[z, y, x], filled)
        samples = int(np.ceil(4 * np.sqrt(length2) / finest)) + 1
        for i in range(samples + 1):
            for k in range(3):
                place = (a[k] + step[k] * i / samples) / spacing[k]
                low[k] = int(np.floor(place + 0.5)) - origin[k]
            if (
                0 <= low[0] < inside.shape[0]
                and 0 <= low[1] < inside.shape[1]
                and 0 <= low[2] < inside.shape[2]
            ):
                inside[low[0], low[1], low[2]] = True

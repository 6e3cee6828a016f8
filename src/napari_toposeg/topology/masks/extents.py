"""Labels, sizes and centres of error components, from their runs.

The one idea: a run of voxels counts, sums and lies nearest to a point as a whole.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.masks.runs import Indices, Runs


def paint(runs: Runs, error: Indices, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return a volume of 1 + the number of the error component of each voxel, 0 in none."""
    label = np.zeros(shape, np.int32)
    rows = label.reshape(-1, shape[-1])
    paint_rows(rows, runs.start, runs.first, runs.width, inner_rows(runs, shape), error)
    return label


def measure(
    runs: Runs, error: Indices, errors: int, shape: tuple[int, ...]
) -> tuple[Indices, Indices]:
    """Return the voxels of each error component, and the one of them nearest to its centroid."""
    place = inner_rows(runs, shape)
    size, total = np.zeros(errors, np.int64), np.zeros((errors, 3), np.int64)
    fields = runs.start, runs.first, runs.width, place, shape[-2], error
    sum_places(*fields, size, total)
    nearest = np.empty((errors, 3), np.int64)
    find_nearest(*fields, total / size[:, None], nearest)
    return size, nearest[:, 3 - len(shape) :]


def inner_rows(runs: Runs, shape: tuple[int, ...]) -> Indices:
    """Return for each row with margin its number in the volume without, -1 in the margin."""
    margin = len(shape) - 2
    inner = np.arange(int(np.prod(shape[:-1]))).reshape(-1, shape[-2])
    padded = np.pad(inner, ((margin, margin), (1, 1)), constant_values=-1)
    return padded.ravel()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def paint_rows(
    rows: NDArray[np.int32],
    start: Indices,
    first: Indices,
    width: int,
    place: Indices,
    error: Indices,
) -> None:
    """Write 1 + the number of each error component on its voxels."""
    for row in range(len(place)):
        for run in range(first[row], first[row + 1]):
            if error[run] >= 0:
                shift = row * width + 1
                rows[place[row], start[run] - shift : start[run + 1] - shift] = error[run] + 1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sum_places(
    start: Indices,
    first: Indices,
    width: int,
    place: Indices,
    rows_per_layer: int,
    error: Indices,
    size: Indices,
    total: Indices,
) -> None:
    """Add up the voxels of each error component, and their coordinates."""
    for row in range(len(place)):
        z, y = place[row] // rows_per_layer, place[row] % rows_per_layer
        for run in range(first[row], first[row + 1]):
            if error[run] < 0:
                continue
            voxels = start[run + 1] - start[run]
            twice_middle = start[run + 1] + start[run] - 1 - 2 * (row * width + 1)
            size[error[run]] += voxels
            total[error[run], 0] += voxels * z
            total[error[run], 1] += voxels * y
            total[error[run], 2] += voxels * twice_middle // 2


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def find_nearest(
    start: Indices,
    first: Indices,
    width: int,
    place: Indices,
    rows_per_layer: int,
    error: Indices,
    centroid: NDArray[np.float64],
    nearest: Indices,
) -> None:
    """Find the voxel of each error component that is nearest to a point, the first of several."""
    distance = np.full(len(centroid), np.inf)
    for row in range(len(place)):
        z, y = place[row] // rows_per_layer, place[row] % rows_per_layer
        for run in range(first[row], first[row + 1]):
            if error[run] < 0:
                continue
            point = centroid[error[run]]
            shift = row * width + 1
            # Halves are rounded down: the first of two voxels.
            x = max(start[run] - shift, min(start[run + 1] - 1 - shift, np.ceil(point[2] - 0.5)))
            found = (z - point[0]) ** 2 + (y - point[1]) ** 2 + (x - point[2]) ** 2
            if found < distance[error[run]]:
                distance[error[run]] = found
                nearest[error[run], 0], nearest[error[run], 1] = z, y
                nearest[error[run], 2] = np.int64(x)

"""The cells of a grid of vertices, numbered, in the order in which an image brings them.

The one idea: cell t of voxel v has the number v * kinds + t, the voxel being its lowest corner, so
that rising numbers are the order in which Betti-Matching-3D takes cells of one value. An image of
two dimensions is a grid one voxel thick.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

# The axes that the cells of each dimension extend along, in the order of their kinds; squares go by
# their normals.
DIRECTIONS: dict[int, list[tuple[int, ...]]] = {
    0: [()],
    1: [(0,), (1,), (2,)],
    2: [(1, 2), (0, 2), (0, 1)],
    3: [(0, 1, 2)],
}


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of one dimension in one image, by number; those that leave the grid have rank -1."""

    value: NDArray[Any]
    owner: Indices
    order: Indices
    rank: Indices


def cells_of(image: NDArray[Any], k: int) -> Cells:
    """Return value, last vertex and order of entry of the cells of dimension k."""
    number = np.arange(image.size).reshape(image.shape)
    kinds = len(DIRECTIONS[k])
    value = np.zeros((*image.shape, kinds), image.dtype)
    owner = np.full((*image.shape, kinds), -1)
    for kind, axes in enumerate(DIRECTIONS[k]):
        room = [n - (a in axes) for a, n in enumerate(image.shape)]
        here = tuple(slice(n) for n in room)
        best, last = value[..., kind][here], owner[..., kind][here]
        for corner in product(*[(0, 1) if a in axes else (0,) for a in range(3)]):
            there = tuple(slice(c, c + n) for c, n in zip(corner, room, strict=True))
            later = (image[there] >= best) | (last < 0)
            best[later], last[later] = image[there][later], number[there][later]
    value, owner = value.ravel(), owner.ravel()
    present = np.flatnonzero(owner >= 0)
    order = present[np.argsort(value[present], kind="stable")]
    rank = np.full(owner.size, -1)
    rank[order] = np.arange(order.size)
    return Cells(value, owner, order, rank)


def without(cells: Cells, dropped: NDArray[np.bool_]) -> Cells:
    """Return the cells less some of them."""
    return Cells(cells.value, cells.owner, cells.order[~dropped[cells.order]], cells.rank)


def strides(shape: tuple[int, ...]) -> Indices:
    """Return the step in flat index along each axis."""
    return np.array([shape[1] * shape[2], shape[2], 1])


def walls_of(shape: tuple[int, ...], top: int) -> Indices:
    """Return the two top cells beside each cell of one dimension less; the last number is outside.

    ``(cells, 2)``; in 2D the top cells are the squares across axis 0 of a grid one voxel thick.
    """
    kinds = 1 if top == 3 else len(DIRECTIONS[2])
    voxel, kind = np.divmod(np.arange(3 * np.prod(shape)), 3)
    normal = kind if top == 3 else 3 - kind
    place = np.stack(np.unravel_index(voxel, shape), axis=1)
    # In 2D, walls along axis 0 do not exist; any normal does.
    normal = np.minimum(normal, 2)
    across = np.arange(3) == normal[:, None]
    room = np.array(shape) - 1
    ahead = place < room
    behind = place - across
    extends = range(3) if top == 3 else (1, 2)
    has_ahead = ahead[:, extends].all(axis=1)
    has_behind = ((behind >= 0) & (behind < room))[:, extends].all(axis=1)
    outside = kinds * np.prod(shape)
    ends = np.stack([voxel, voxel - strides(shape)[normal]], axis=1) * kinds
    return np.where(np.stack([has_ahead, has_behind], axis=1), ends, outside)


def sides_of(shape: tuple[int, ...]) -> Indices:
    """Return the four edges of each square, ``(cells, 4)``; meaningless for squares that leave."""
    steps = strides(shape)
    voxel = np.arange(np.prod(shape))
    sides = []
    for a, b in DIRECTIONS[2]:
        corners = [(voxel, a), (voxel, b), (voxel + steps[b], a), (voxel + steps[a], b)]
        sides.append(np.stack([3 * v + axis for v, axis in corners], axis=1))
    return np.stack(sides, axis=1).reshape(-1, 4)

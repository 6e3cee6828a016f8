"""What flipping each error component does to the Euler characteristic of a volume.

The one idea: chi is a sum over 2 x 2 x 2 blocks of voxels, of which only those that hold a voxel of
the error change; each of the 256 patterns of a block has its share.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Connectivity, Mask

FALSE_NEGATIVE = 1
FALSE_POSITIVE = 2
CORNERS = np.array(list(product((0, 1), repeat=3)))
Indices = NDArray[np.int64]


def euler_changes(
    category: NDArray[np.uint8], label: NDArray[np.int32], errors: int, foreground: Connectivity
) -> Indices:
    """Return what flipping each error component adds to the Euler characteristic of a volume.

    Two errors of one kind never share a 2 x 2 x 2 block, since they would touch there; so a block
    speaks for at most one false negative and one false positive.
    """
    block = np.unravel_index(
        np.flatnonzero(blocks_with_errors(label)), [n - 1 for n in category.shape]
    )
    corner = np.ravel_multi_index(block, category.shape)
    voxels = corner[:, None] + np.ravel_multi_index(CORNERS.T, category.shape)
    kinds, owners = category.ravel()[voxels], label.ravel()[voxels]
    share = euler_shares(foreground)
    before = pack(kinds >> 1 == 1)
    change = np.zeros(errors + 1)
    for kind in (FALSE_NEGATIVE, FALSE_POSITIVE):
        gain = share[before ^ pack(kinds == kind)] - share[before]
        owner = np.where(kinds == kind, owners, 0).max(axis=1, initial=0)
        change += np.bincount(owner, weights=gain, minlength=errors + 1)
    return np.rint(change[1:] / 8).astype(np.int64)


def pack(corners: Mask) -> Indices:
    """Pack the last axis, of 8 corners, into one number."""
    return np.packbits(corners, axis=-1, bitorder="little")[..., 0].astype(np.int64)


def blocks_with_errors(label: NDArray[np.int32]) -> Mask:
    """Return which 2 x 2 x 2 blocks, named by their first voxel, hold a voxel of an error."""
    held = label > 0
    held = held[1:] | held[:-1]
    held = held[:, 1:] | held[:, :-1]
    return np.asarray(held[:, :, 1:] | held[:, :, :-1])


def euler_shares(foreground: Connectivity) -> Indices:
    """Return, for each of the 256 blocks of 2 x 2 x 2 voxels, its share of 8 chi.

    A cell is a group of voxels joined along some axes (see `betti.alternate`); 2^(3 - k) blocks
    hold a group joined along k axes, so each of them counts 2^k eighths of it.
    """
    closed = foreground == 26
    blocks = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool).reshape(-1, 2, 2, 2)
    share = np.zeros(256, np.int64)
    for group in product((slice(0, 1), slice(1, 2), slice(0, 2)), repeat=3):
        joined = sum(extent.stop - extent.start == 2 for extent in group)
        voxels = blocks[(slice(None), *group)]
        present = voxels.any(axis=(1, 2, 3)) if closed else voxels.all(axis=(1, 2, 3))
        dimension = 3 - joined if closed else joined
        share += (-1) ** dimension * 2**joined * present
    return share

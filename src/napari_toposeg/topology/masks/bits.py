"""Masks packed to one bit a voxel.

The one idea: 64 voxels of a row are one machine word, so the ends of runs, and the cells of a
cubical complex, come out of shifts, logical operations and counts of bits.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Mask

Words = NDArray[np.uint64]

# numba turns uint64 beside a signed literal into float64; these stay integers.
ONE = np.uint64(1)
TOP = np.uint64(63)
PAIRS = np.uint64(0x5555555555555555)
FOURS = np.uint64(0x3333333333333333)
EIGHTS = np.uint64(0x0F0F0F0F0F0F0F0F)
SUM_OF_BYTES = np.uint64(0x0101010101010101)


def pack(mask: Mask) -> Words:
    """Pack a mask ``(z, y, x)`` or ``(y, x)`` to words ``(layers, rows, words)``, with a margin.

    Bit x of a row is bit ``x % 64`` of its word ``x // 64``. There is an empty row before and after
    each layer, an empty layer below and above a volume (not so a plane, which stays one layer), and
    at least one empty bit at the end of each row.
    """
    margin = 1 if mask.ndim == 3 else 0
    volume = mask.reshape(-1, *mask.shape[-2:])
    depth, height, width = volume.shape
    words = np.zeros((depth + 2 * margin, height + 2, width // 64 + 1), "<u8")
    bits = np.packbits(volume, axis=-1, bitorder="little")
    inner = words.view(np.uint8)[margin : depth + margin, 1:-1]
    inner[..., : bits.shape[-1]] = bits
    return words.astype(np.uint64, copy=False)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def count_bits(word: np.uint64) -> np.int64:
    """Return how many bits are set; LLVM makes one instruction of this pattern."""
    word = word - ((word >> ONE) & PAIRS)
    word = (word & FOURS) + ((word >> np.uint64(2)) & FOURS)
    word = (word + (word >> np.uint64(4))) & EIGHTS
    return np.int64((word * SUM_OF_BYTES) >> np.uint64(56))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def lowest_bit(word: np.uint64) -> np.int64:
    """Return the number of the lowest bit that is set."""
    below: np.int64 = count_bits((word & (~word + ONE)) - ONE)
    return below


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def bit_at(row: Words, x: int) -> np.int64:
    """Return bit x of a row, 0 beyond its ends."""
    if x < 0 or x >> 6 >= len(row):
        return np.int64(0)
    return np.int64(row[x >> 6] >> np.uint64(x & 63) & ONE)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def changes_in(row: Words, word: int) -> np.uint64:
    """Return which voxels of a word differ from the one before."""
    carried = row[word - 1] >> TOP if word else np.uint64(0)
    differs: np.uint64 = row[word] ^ (row[word] << ONE | carried)
    return differs

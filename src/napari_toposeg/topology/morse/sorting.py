"""Orders of many numbers, ties by position.

The one idea: floating numbers of one sign sort like the whole numbers that their bits spell, and
whole numbers sort in a few passes by 11 bits each, several times faster than by comparisons.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Order = NDArray[np.int64]
# Below this many numbers numpy's sort is as fast.
FEW = 1 << 9
DIGIT = 11
# How many steps a number may take in a rough order, on average, before it is sorted afresh.
MENDING = 4


def order_of(values: NDArray[Any]) -> Order:
    """Return the order of finite values, from the lowest."""
    if len(values) < FEW or values.dtype.type not in (np.float32, np.float64):
        return np.asarray(np.argsort(values, kind="stable"), np.int64)
    words, sign = (np.uint32, 31) if values.itemsize == 4 else (np.uint64, 63)
    # The sign bit is flipped in positive numbers and all bits in negative ones; adding 0 turns -0
    # into 0.
    bits: NDArray[Any] = (values + values.dtype.type(0)).view(words)
    flip: NDArray[Any] = np.where(bits >> words(sign), ~words(0), words(1 << sign))
    return refine(positions(len(bits)), bits ^ flip)


def bits_of(values: NDArray[Any], negate: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the bits of finite values, and what makes words of them that rise with the values.

    The latter are the sign bit, all bits, and those that are to be inverted at last: none, or all
    to negate. Whole numbers become floating ones that hold them.
    """
    floats = np.float32 if np.can_cast(values.dtype, np.float32) else np.float64
    words = np.uint32 if floats is np.float32 else np.uint64
    every = ~words(0)
    bits = np.ascontiguousarray(values, floats).view(words)
    return bits, np.array([every ^ every >> words(1), every, every if negate else 0], words)


def order_of_places(places: NDArray[np.integer]) -> Order:
    """Return the order of places, from the lowest."""
    if len(places) < FEW:
        return np.asarray(np.argsort(places, kind="stable"), np.int64)
    return refine(positions(len(places)), places)


def order_of_words(words: NDArray[np.unsignedinteger]) -> Order:
    """Return the order of whole numbers of any size, from the lowest."""
    if len(words) < FEW:
        return np.asarray(np.argsort(words, kind="stable"), np.int64)
    return refine(positions(len(words)), words)


def longest_first(length: NDArray[np.float64], places: NDArray[np.int64]) -> Order:
    """Return the order of lengths (0 or more), from the greatest, ties by place."""
    if len(length) < FEW:
        return np.lexsort((places, -length))
    order = positions(len(places)) if is_rising(places) else order_of_places(places)
    # Half of the digits will mostly do.
    with np.errstate(over="ignore"):
        rough = refine(order, ~(length.astype(np.float32) + np.float32(0)).view(np.uint32))
    if mend(rough, length):
        return rough
    return refine(order, ~(length + 0.0).view(np.uint64))


def positions(count: int) -> NDArray[np.integer]:
    """Return 0, 1, ..., in 32 bits where these will do: it is memory that limits the speed."""
    return np.arange(count, dtype=np.int32 if count < 2**31 else np.int64)


def refine(order: NDArray[np.integer], words: NDArray[np.integer]) -> Order:
    """Return the order of whole numbers from 0 on, ties in the order given."""
    most = int(words.max())
    ordered: NDArray[np.integer] = sort_by_digits(order, words[order], most.bit_length())
    return ordered.astype(np.int64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sort_by_digits(
    order: NDArray[np.integer], words: NDArray[np.integer], bits: int
) -> NDArray[np.integer]:
    """See `refine`; ``words`` lie in that order, ``bits`` is how many the greatest one has."""
    mask = (1 << DIGIT) - 1
    passes = (bits + DIGIT - 1) // DIGIT
    starts = np.zeros((passes, mask + 2), np.int64)
    for word in words:
        for k in range(passes):
            starts[k, (np.int64(word) >> (k * DIGIT) & mask) + 1] += 1
    other, other_words = np.empty_like(order), np.empty_like(words)
    for k in range(passes):
        if starts[k].max() == len(words):
            continue
        start = np.cumsum(starts[k])
        for i in range(len(order)):
            digit = np.int64(words[i]) >> (k * DIGIT) & mask
            at = start[digit]
            other[at], other_words[at] = order[i], words[i]
            start[digit] = at + 1
        order, other = other, order
        words, other_words = other_words, words
    return order


def is_rising(places: NDArray[np.integer]) -> bool:
    """Return whether no place is lower than the one before it."""
    return not bool((places[1:] < places[:-1]).any())


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mend(order: Order, length: NDArray[np.float64]) -> bool:
    """Put right an order of lengths, from the greatest, that is almost so; say whether it was."""
    left = MENDING * len(order)
    for i in range(1, len(order)):
        moved = order[i]
        k = i
        while k > 0 and length[order[k - 1]] < length[moved]:
            if left == 0:
                return False
            left -= 1
            order[k] = order[k - 1]
            k -= 1
        order[k] = moved
    return True

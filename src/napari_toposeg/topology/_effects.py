"""What flipping each error component alone does to the Betti numbers of a prediction, exactly.

The one idea: voxels fall into four categories (right and wrong, in foreground and background). An
error component leaves one side, which may fall apart (a cut of the graph of that side's regions),
and enters the other, whose parts it may join. Cuts and joins give the components of foreground and
background, the 2 x 2 x 2 neighbourhoods of its voxels the Euler characteristic; loops follow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology._blocks import parts_gained
from napari_toposeg.topology._euler import FALSE_NEGATIVE, FALSE_POSITIVE, euler_changes
from napari_toposeg.topology._runs import Contacts, Runs, connected, encode_runs, find_contacts
from napari_toposeg.topology.grid import Connectivity, Mask

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ErrorComponents:
    """Error components of a volume, numbered from 0 in scan order.

    ``label`` is 0 off the errors and 1 + the number on them; ``is_extra`` tells false positives
    from false negatives; ``change (n, 3)`` is what flipping one adds to b0, b1, b2.
    """

    label: NDArray[np.int32]
    is_extra: NDArray[np.bool_]
    change: Indices


def find_effects(prediction: Mask, truth: Mask, foreground: Connectivity) -> ErrorComponents:
    """Label the error components of two masks ``(z, y, x)`` or ``(y, x)``, and weigh each one."""
    category = categories(prediction, truth)
    runs = encode_runs(category)
    contacts = find_contacts(runs, category.shape[1])
    regions = find_regions(runs, contacts, foreground)
    is_extra = regions.category_of_error == FALSE_POSITIVE
    of_voxels = np.repeat(regions.error + 1, runs.stop - runs.start)
    label = of_voxels.astype(np.int32).reshape(category.shape)
    cut, joined = cuts(regions), joins(regions)
    components = np.where(is_extra, cut, joined)
    enclosed = np.where(is_extra, joined, cut)
    if prediction.ndim == 2:
        change = np.stack([components, enclosed, np.zeros_like(enclosed)], axis=1)
        return ErrorComponents(label[0, 1:-1, 1:-1], is_extra, change)
    chi = euler_changes(category, label, len(is_extra), foreground)
    change = np.stack([components, components + enclosed - chi, enclosed], axis=1)
    return ErrorComponents(label[1:-1, 1:-1, 1:-1], is_extra, change)


def categories(prediction: Mask, truth: Mask) -> NDArray[np.uint8]:
    """Return 0 true negative, 1 false negative, 2 false positive, 3 true positive, with a margin.

    A 2D mask becomes one layer without a margin above and below, so that it stays planar.
    """
    category = 2 * prediction.astype(np.uint8) + truth
    if category.ndim == 2:
        return np.pad(category[None], ((0, 0), (1, 1), (1, 1)))
    return np.pad(category, 1)


@dataclass(frozen=True, eq=False)
class Regions:
    """Runs grouped into regions, and the graph of the regions of each side.

    Per run: ``error`` is its error component or -1; ``own`` its region, one category in the
    connectivity of the side it is on; ``other`` the same in the connectivity of the other side.
    ``edges`` join touching regions of one side; ``part`` is the connected part that a region is in.
    ``touched (n, 2)`` are an error's run and a run that it would join on the other side.
    """

    error: Indices
    own: Indices
    other: Indices
    edges: Indices
    part: Indices
    touched: NDArray[np.int32]
    category_of_error: NDArray[np.uint8]


def find_regions(runs: Runs, contacts: Contacts, foreground: Connectivity) -> Regions:
    """Group runs into regions, by the contacts that the connectivity of each side sees."""
    pairs, share_face = contacts.pairs, contacts.share_face
    first, second = runs.category[pairs[:, 0]], runs.category[pairs[:, 1]]
    same, one_side = first == second, first >> 1 == second >> 1
    wide = connected(len(runs), pairs[same])
    narrow = connected(len(runs), pairs[same & share_face])
    is_foreground = runs.category >> 1 == 1
    is_wide = is_foreground == (foreground in (8, 26))
    # Regions of the two sides come from two numberings and must not share a number.
    shift = len(runs) * is_foreground
    own = np.unique(np.where(is_wide, wide, narrow) + shift, return_inverse=True)[1]
    seen = one_side & ~same & (share_face | is_wide[pairs[:, 0]])
    edges = unique_pairs(np.sort(own[pairs[seen]], axis=1))
    error, category_of_error = number_errors(runs.category, wide)
    across = np.concatenate([pairs[~one_side], pairs[~one_side][:, ::-1]])
    near = np.tile(share_face[~one_side], 2)
    touched = across[(error[across[:, 0]] >= 0) & (near | is_wide[across[:, 1]])]
    return Regions(
        error=error,
        own=own,
        other=np.where(is_wide, narrow, wide) + shift,
        edges=edges,
        part=connected(int(own.max()) + 1, edges),
        touched=touched,
        category_of_error=category_of_error,
    )


def number_errors(category: NDArray[np.uint8], wide: Indices) -> tuple[Indices, NDArray[np.uint8]]:
    """Return the error component of each run, or -1, and the category of each component."""
    is_error = (category == FALSE_NEGATIVE) | (category == FALSE_POSITIVE)
    roots, number = np.unique(wide[is_error], return_inverse=True)
    error = np.full(len(category), -1)
    error[is_error] = number
    category_of_error = np.empty(len(roots), np.uint8)
    category_of_error[number] = category[is_error]
    return error, category_of_error


def cuts(regions: Regions) -> Indices:
    """Return how many parts the side that each error component leaves gains by that."""
    leaving = regions.error >= 0
    members = unique_pairs(np.stack([regions.error[leaving], regions.own[leaving]], axis=1))
    return parts_gained(
        len(regions.part),
        regions.edges,
        members[:, 0],
        members[:, 1],
        len(regions.category_of_error),
    )


def joins(regions: Regions) -> Indices:
    """Return how many parts the side that each error component enters gains by that.

    The component enters in pieces, as the connectivity of that side has it; pieces and the parts
    that they touch are nodes, and each connected group of them becomes one part.
    """
    entering = regions.error >= 0
    pieces, piece = np.unique(regions.other[entering], return_inverse=True)
    piece_of_run = np.full(len(entering), -1)
    piece_of_run[entering] = piece
    error_of_piece = np.empty(len(pieces), np.int64)
    error_of_piece[piece] = regions.error[entering]
    run, met = regions.touched.T
    contact = unique_pairs(np.stack([piece_of_run[run], regions.part[regions.own[met]]], axis=1))
    error = error_of_piece[contact[:, 0]]
    parts, part = np.unique(error * len(regions.part) + contact[:, 1], return_inverse=True)
    links = np.stack([contact[:, 0], len(pieces) + part], axis=1)
    group = connected(len(pieces) + len(parts), links)[: len(pieces)]
    errors = len(regions.category_of_error)
    groups = np.bincount(
        unique_pairs(np.stack([error_of_piece, group], axis=1))[:, 0], minlength=errors
    )
    return groups - np.bincount(parts // len(regions.part), minlength=errors)


def unique_pairs(pairs: Indices) -> Indices:
    """Return each pair of numbers from 0 once, in order."""
    base = int(pairs[:, 1].max()) + 1 if len(pairs) else 1
    keys = np.unique(pairs[:, 0].astype(np.int64) * base + pairs[:, 1])
    return np.stack([keys // base, keys % base], axis=1)

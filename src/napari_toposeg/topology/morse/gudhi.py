"""Pairs of voxels by GUDHI, the reference engine.

The one idea: GUDHI is given the *rank* of each voxel in place of its value. Ranks have no ties, so
each pair of cells belongs to one pair of voxels whatever GUDHI's own order is; ties in value are
broken by voxel index.

References
----------
Wagner, Chen, Vucini 2012, doi:10.1007/978-3-642-23175-9_7 (cubical complexes of images).
Dlotko, GUDHI "Cubical complex".
"""

from typing import Any

import gudhi
import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Construction

COEFFICIENT_FIELD = 2
Pairs = NDArray[np.int64]


def voxel_pairs(
    array: NDArray[Any], construction: Construction, superlevel: bool
) -> list[tuple[int, Pairs]]:
    """Return ``(dimension, (n, 2) flat indices of birth and death voxel)``, -1 for no death."""
    order = order_of_entry(array, superlevel)
    rank = np.empty(order.size)
    rank[order] = np.arange(order.size)
    ranks = rank.reshape(array.shape)
    if construction == "T":
        cells = gudhi.CubicalComplex(top_dimensional_cells=ranks)
        cells.compute_persistence(homology_coeff_field=COEFFICIENT_FIELD)
        regular, essential = cells.cofaces_of_persistence_pairs()
    else:
        cells = gudhi.CubicalComplex(vertices=ranks)
        cells.compute_persistence(homology_coeff_field=COEFFICIENT_FIELD)
        regular, essential = cells.vertices_of_persistence_pairs()
    finite = [np.asarray(pairs, np.int64).reshape(-1, 2) for pairs in regular]
    endless = [np.asarray(births, np.int64).ravel() for births in essential]
    pairs = [c_order(pairs, array.shape) for pairs in finite]
    pairs += [np.stack([c_order(b, array.shape), np.full_like(b, -1)], axis=1) for b in endless]
    return list(zip([*range(len(finite)), *range(len(endless))], pairs, strict=True))


def order_of_entry(array: NDArray[Any], superlevel: bool) -> NDArray[np.int64]:
    """Return the flat indices of voxels in the order in which they enter; ties enter by index."""
    if not superlevel:
        return np.argsort(array, axis=None, kind="stable")
    # Reversed twice, since unsigned and boolean values cannot be negated.
    backwards = np.argsort(array.ravel()[::-1], kind="stable")[::-1]
    return array.size - 1 - backwards


def c_order(flat: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Turn GUDHI's Fortran-order indices into C-order ones."""
    return np.ravel_multi_index(np.unravel_index(flat, shape, order="F"), shape)

"""Persistent homology of 2D and 3D images as cubical complexes, over Z/2.

The one idea: GUDHI is given the *rank* of each voxel in place of its value. Ranks have no ties, so
each pair of cells belongs to one pair of voxels whatever GUDHI's own order is; ties in value are
broken by voxel index, pairs within one value (persistence 0) are dropped, and values are read back
from the image.

References
----------
Wagner, Chen, Vucini 2012, doi:10.1007/978-3-642-23175-9_7 (cubical complexes of images).
Dlotko, GUDHI "Cubical complex" (the engine).
"""

from collections.abc import Collection
from typing import Any

import gudhi
import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.grid import Construction, require_finite, require_grid

COEFFICIENT_FIELD = 2
Pairs = NDArray[np.int64]


def persistence(
    array: NDArray[Any],
    *,
    dimensions: Collection[int] | None = None,
    construction: Construction = "T",
    superlevel: bool = False,
) -> PersistenceDiagram:
    """Compute the persistence diagram of an image.

    Parameters
    ----------
    array
        Image ``(y, x)`` or ``(z, y, x)`` of finite real numbers.
    dimensions
        Which of 0 (components), 1 (loops), 2 (cavities) to return; by default all that the image
        can have.
    construction
        ``"T"``: voxels are top cells, so the growing set is 26-connected (8 in 2D); ``"V"``: voxels
        are vertices, 6-connected (4 in 2D).
    superlevel
        False: features of ``{array <= t}`` with rising t. True: of ``{array >= t}`` with falling t,
        for bright objects; then birth > death.

    Returns
    -------
    PersistenceDiagram
        All features of persistence above 0 and the essential one of dimension 0.

    Raises
    ------
    InvalidVolume
        If the array is not 2D or 3D, is empty, or holds NaN or infinite values.
    InvalidConfig
        If a dimension or the construction is not one of those named.

    Notes
    -----
    Safe to call from several threads at once; the engine releases the interpreter's lock.

    Examples
    --------
    >>> ring = np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]])
    >>> loop = persistence(ring, dimensions=[1])
    >>> loop.birth, loop.death, loop.death_voxel
    (array([0.]), array([9.]), array([4]))
    """
    array = np.asarray(array)
    require_grid(array)
    require_finite(array)
    wanted = require_dimensions(dimensions, array.ndim)
    ordered = order_of_entry(array, superlevel)
    pairs = [
        cells for cells in voxel_pairs(ordered, array.shape, construction) if cells[0] in wanted
    ]
    return diagram_of(array, pairs, construction, superlevel)


def require_dimensions(dimensions: Collection[int] | None, ndim: int) -> frozenset[int]:
    """Return the dimensions asked for, by default all below the image's own."""
    possible = frozenset(range(ndim))
    wanted = possible if dimensions is None else frozenset(dimensions)
    if not wanted <= possible:
        raise InvalidConfig(
            f"dimensions {sorted(wanted)} of a {ndim}D image: choose among {sorted(possible)}"
        )
    return wanted


def order_of_entry(array: NDArray[Any], superlevel: bool) -> NDArray[np.int64]:
    """Return the flat indices of voxels in the order in which they enter; ties enter by index."""
    if not superlevel:
        return np.argsort(array, axis=None, kind="stable")
    # Reversed twice, since unsigned and boolean values cannot be negated.
    backwards = np.argsort(array.ravel()[::-1], kind="stable")[::-1]
    return array.size - 1 - backwards


def voxel_pairs(
    order: NDArray[np.int64], shape: tuple[int, ...], construction: Construction
) -> list[tuple[int, Pairs]]:
    """Return ``(dimension, (n, 2) flat indices of birth and death voxel)``, -1 for no death."""
    rank = np.empty(order.size)
    rank[order] = np.arange(order.size)
    ranks = rank.reshape(shape)
    match construction:
        case "T":
            cells = gudhi.CubicalComplex(top_dimensional_cells=ranks)
            cells.compute_persistence(homology_coeff_field=COEFFICIENT_FIELD)
            regular, essential = cells.cofaces_of_persistence_pairs()
        case "V":
            cells = gudhi.CubicalComplex(vertices=ranks)
            cells.compute_persistence(homology_coeff_field=COEFFICIENT_FIELD)
            regular, essential = cells.vertices_of_persistence_pairs()
        case _:
            raise InvalidConfig(f"construction {construction!r} is unknown; choose 'T' or 'V'")
    finite = [np.asarray(pairs, np.int64).reshape(-1, 2) for pairs in regular]
    endless = [np.asarray(births, np.int64).ravel() for births in essential]
    pairs = [c_order(pairs, shape) for pairs in finite]
    pairs += [np.stack([c_order(b, shape), np.full_like(b, -1)], axis=1) for b in endless]
    return list(zip([*range(len(finite)), *range(len(endless))], pairs, strict=True))


def c_order(flat: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Turn GUDHI's Fortran-order indices into C-order ones."""
    return np.ravel_multi_index(np.unravel_index(flat, shape, order="F"), shape)


def diagram_of(
    array: NDArray[Any],
    pairs: list[tuple[int, Pairs]],
    construction: Construction,
    superlevel: bool,
) -> PersistenceDiagram:
    """Read the values of the pairs, drop those of persistence 0, and order the rest."""
    dimension = np.concatenate(
        [np.full(len(p), k, np.int8) for k, p in pairs] or [np.empty(0, np.int8)]
    )
    voxels = np.concatenate([p for _, p in pairs] or [np.empty((0, 2), np.int64)])
    value = array.ravel().astype(np.float64)
    birth, death = value[voxels[:, 0]], value[voxels[:, 1]]
    death[voxels[:, 1] < 0] = -np.inf if superlevel else np.inf
    order = np.lexsort((voxels[:, 0], -np.abs(death - birth), dimension))
    kept = order[birth[order] != death[order]]
    return PersistenceDiagram(
        dimension=dimension[kept],
        birth=birth[kept],
        death=death[kept],
        birth_voxel=voxels[kept, 0],
        death_voxel=voxels[kept, 1],
        shape=array.shape,
        construction=construction,
        superlevel=superlevel,
    )

"""Persistent homology of 2D and 3D images as cubical complexes, over Z/2: the public door.

The one idea: an engine pairs voxels, in a total order in which ties are broken by voxel index;
values are read back from the image, and pairs within one value (persistence 0) are dropped. The
engine of this package is `morse.engine`; GUDHI (`morse.gudhi`) gives the same pairs of voxels and
serves as its reference.

References
----------
Wagner, Chen, Vucini 2012, doi:10.1007/978-3-642-23175-9_7 (cubical complexes of images).
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.grid import Construction, as_array, require_finite
from napari_toposeg.topology.morse import engine as own_engine
from napari_toposeg.topology.morse import gudhi as reference_engine
from napari_toposeg.topology.morse.sorting import longest_first
from napari_toposeg.topology.morse.watch import Watch, run_tasks
from napari_toposeg.topology.processors import processors

Engine = Literal["toposeg", "gudhi"]
Pairs = NDArray[np.int64]
# Above so many voxels of a 2D and a 3D image, a second thread pays.
BIG = {2: 256**2, 3: 64**3}

# From so many pairs on, a second thread pays for putting them in order.
MANY = 1 << 15


def persistence(
    array: NDArray[Any],
    *,
    dimensions: Collection[int] | None = None,
    construction: Construction = "T",
    superlevel: bool = False,
    min_persistence: float = 0.0,
    engine: Engine = "toposeg",
    threads: int | None = None,
    progress: Callable[[float], object] | None = None,
) -> PersistenceDiagram:
    """Compute the persistence diagram of an image.

    Parameters
    ----------
    array
        Image ``(y, x)`` or ``(z, y, x)`` of finite real numbers: any integers, booleans or floats.
    dimensions
        Which of 0 (components), 1 (loops), 2 (cavities) to return; by default all that the image
        can have. Loops of a volume take most of the time.
    construction
        ``"T"``: voxels are top cells, so the growing set is 26-connected (8 in 2D); ``"V"``: voxels
        are vertices, 6-connected (4 in 2D).
    superlevel
        False: features of ``{array <= t}`` with rising t. True: of ``{array >= t}`` with falling t,
        for bright objects; then birth > death.
    min_persistence
        Only features of a persistence *above* it are returned, in the image's unit.
    engine
        ``"toposeg"``, or ``"gudhi"`` for the reference: the same features with the same voxels,
        slower. Features of one birth voxel and one length may stand in another order.
    threads
        How many threads to use at most; more than two are rarely of use. By default as many as
        there are processors for more than 64^3 voxels or 256^2 pixels, else one. The diagram does
        not depend on it.
    progress
        Called from this thread with the fraction done, several times a second where the work takes
        longer. What it raises cancels the work and is passed on. GUDHI cannot call it.

    Returns
    -------
    PersistenceDiagram
        All features of persistence above the bound and the essential one of dimension 0.

    Raises
    ------
    InvalidVolume
        If the array is not 2D or 3D, is empty, or holds NaN or infinite values.
    InvalidConfig
        If a dimension, the construction, the engine, the bound or the number of threads is not one
        of those named.

    Notes
    -----
    Voxels are compared in their own type. The diagram's values are float64, so whole numbers beyond
    2^53 are rounded there, and bars shorter than that rounding are lost.

    Safe to call from several threads at once; both engines release the interpreter's lock. The
    first call on a machine compiles the engine and says so through the ``napari_toposeg`` logger.

    Examples
    --------
    >>> ring = np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]])
    >>> loop = persistence(ring, dimensions=[1])
    >>> loop.birth, loop.death, loop.death_voxel
    (array([0.]), array([9.]), array([4]))
    """
    array = as_array(array)
    require_finite(array)
    wanted = require_dimensions(dimensions, array.ndim)
    require_choices(construction, min_persistence, threads)
    many = default_threads(array.size, array.ndim) if threads is None else threads
    match engine:
        case "toposeg":
            watch = Watch(progress)
            pairs = own_engine.voxel_pairs(array, construction, superlevel, wanted, many, watch)
        case "gudhi":
            every = reference_engine.voxel_pairs(array, construction, superlevel)
            pairs = [cells for cells in every if cells[0] in wanted]
        case _:
            raise InvalidConfig(f"engine {engine!r} is unknown; choose 'toposeg' or 'gudhi'")
    return diagram_of(array, pairs, construction, superlevel, min_persistence, many)


def require_dimensions(dimensions: Collection[int] | None, ndim: int) -> frozenset[int]:
    """Return the dimensions asked for, by default all below the image's own."""
    possible = frozenset(range(ndim))
    wanted = possible if dimensions is None else frozenset(dimensions)
    if not wanted <= possible:
        raise InvalidConfig(
            f"dimensions {sorted(wanted)} of a {ndim}D image: choose among {sorted(possible)}"
        )
    return wanted


def require_choices(construction: str, min_persistence: float, threads: int | None) -> None:
    """Raise InvalidConfig unless the construction, the bound and the number of threads fit."""
    if construction not in ("T", "V"):
        raise InvalidConfig(f"construction {construction!r} is unknown; choose 'T' or 'V'")
    if not min_persistence >= 0:
        raise InvalidConfig(f"min_persistence must be 0 or more, got {min_persistence}")
    if threads is not None and (threads != int(threads) or threads < 1):
        raise InvalidConfig(
            f"threads must be a whole number from 1 on, or None for the default; got {threads}"
        )


def default_threads(voxels: int, ndim: int = 3) -> int:
    """Return how many threads to use for an image of so many voxels."""
    return processors() if voxels > BIG[ndim] else 1


def diagram_of(
    array: NDArray[Any],
    pairs: list[tuple[int, Pairs]],
    construction: Construction,
    superlevel: bool,
    min_persistence: float = 0.0,
    threads: int = 1,
) -> PersistenceDiagram:
    """Read the values of the pairs, drop those that last too short, and order the rest."""
    never = -np.inf if superlevel else np.inf
    found: dict[int, Bars] = {}

    def read(dimension: int) -> None:
        parts = [cells for k, cells in pairs if k == dimension]
        found[dimension] = bars_of(array.reshape(-1), parts, never, min_persistence)

    kinds = sorted({k for k, _ in pairs})
    if sum(len(cells) for _, cells in pairs) < MANY:
        threads = 1
    run_tasks([partial(read, k) for k in kinds], threads)
    counts = [len(found[k].order) for k in kinds]
    columns: list[NDArray[Any]] = [
        np.empty(sum(counts), t) for t in (np.int8, np.float64, np.float64, np.int64, np.int64)
    ]

    def write(dimension: int, part: slice) -> None:
        order, *values = found[dimension]
        columns[0][part] = dimension
        for column, unordered in zip(columns[1:], values, strict=True):
            # The order is within bounds; the mode "raise" would need a copy.
            np.take(unordered, order, out=column[part], mode="clip")

    stops = np.cumsum(counts)
    parts = map(slice, stops - counts, stops)
    run_tasks([partial(write, *task) for task in zip(kinds, parts, strict=True)], threads)
    dimensions, births, deaths, birth_voxels, death_voxels = columns
    return PersistenceDiagram(
        dimension=dimensions,
        birth=births,
        death=deaths,
        birth_voxel=birth_voxels,
        death_voxel=death_voxels,
        shape=array.shape,
        construction=construction,
        superlevel=superlevel,
    )


class Bars(NamedTuple):
    """Bars of one dimension, and the order of those that last long enough."""

    order: NDArray[np.int64]
    birth: NDArray[np.float64]
    death: NDArray[np.float64]
    birth_voxel: NDArray[np.int64]
    death_voxel: NDArray[np.int64]


def bars_of(flat: NDArray[Any], parts: list[Pairs], never: float, min_persistence: float) -> Bars:
    """Read the values of pairs of one dimension, and put them in order."""
    birth_voxel, death_voxel = (np.concatenate([cells[:, k] for cells in parts]) for k in (0, 1))
    birth, death = (flat[voxel].astype(np.float64) for voxel in (birth_voxel, death_voxel))
    death[death_voxel < 0] = never
    length = np.abs(death - birth)
    kept = np.flatnonzero(length > min_persistence)
    if len(kept) == len(length):
        order = longest_first(length, birth_voxel)
    else:
        order = kept[longest_first(length[kept], birth_voxel[kept])]
    return Bars(order, birth, death, birth_voxel, death_voxel)

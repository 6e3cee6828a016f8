"""What sums a persistence diagram up: its Betti curve and its total persistence."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.diagram import PersistenceDiagram, require_dimension, require_order

Indices = NDArray[np.int64]


def betti_curve(diagram: PersistenceDiagram, levels: ArrayLike, *, dimension: int) -> Indices:
    """Count the features that are alive at each level.

    Parameters
    ----------
    diagram
        A diagram of the image f.
    levels
        ``(n,)`` thresholds t, in the image's unit.
    dimension
        0, 1 or 2.

    Returns
    -------
    ndarray
        ``(n,)``: Betti number of ``{f <= t}``, for superlevel diagrams of ``{f >= t}``.

    Raises
    ------
    InvalidConfig
        If the image has no such dimension, or a level is NaN.
    """
    require_dimension(dimension, diagram)
    chosen = diagram.dimension == dimension
    sign = -1.0 if diagram.superlevel else 1.0
    at = sign * np.asarray(levels, np.float64)
    if np.isnan(at).any():
        raise InvalidConfig("a level is NaN, which no value reaches; take finite levels")
    born = np.searchsorted(np.sort(sign * diagram.birth[chosen]), at, side="right")
    died = np.searchsorted(np.sort(sign * diagram.death[chosen]), at, side="right")
    alive: Indices = born - died
    return alive


def total_persistence(
    diagram: PersistenceDiagram, *, order: float = 2.0, dimension: int | None = None
) -> float:
    """Sum the persistence of finite features, each to a power.

    Parameters
    ----------
    diagram
        Any diagram.
    order
        The power, above 0.
    dimension
        Only features of this dimension; by default all.

    Raises
    ------
    InvalidConfig
        If the order is not a finite number above 0.

    References
    ----------
    Cohen-Steiner et al. 2010, doi:10.1007/s10208-010-9060-6 (degree-k total persistence).
    """
    require_order(order, least=np.nextafter(0.0, 1.0))
    finite = np.isfinite(diagram.death)
    if dimension is not None:
        require_dimension(dimension, diagram)
        finite &= diagram.dimension == dimension
    return float(np.sum(diagram.persistence[finite] ** order))

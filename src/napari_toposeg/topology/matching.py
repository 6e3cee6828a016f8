"""Betti matching: which features of a prediction are features of the truth, in the same place.

The one idea: both images are compared through their *comparison*, the voxel-wise minimum (for
superlevel sets the maximum), whose growing sets hold those of either image. A component, loop or
cavity of one image is matched to one of the other where both live on in the comparison as the same
feature, until the same death. What is left unmatched is a topological error, with its voxels.

References
----------
Stucki et al. 2023, arXiv:2211.15272 (2D); Stucki et al. 2024, arXiv:2407.04683 (3D).
Bauer, Lesnick 2015, doi:10.20382/jocg.v6i2a9 (induced matchings).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.cubical import default_threads, require_dimensions
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.grid import (
    Construction,
    as_array,
    require_finite,
    require_same_shape,
)
from napari_toposeg.topology.induced.cellwise import match_cells
from napari_toposeg.topology.induced.comparison import entry_keys, match_in_comparison
from napari_toposeg.topology.induced.matching import Bars, Matching
from napari_toposeg.topology.morse.sorting import longest_first
from napari_toposeg.topology.morse.watch import Progress, Watch

Definition = Literal["induced", "betti-matching-3d"]
Table = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BettiMatching:
    """Matched and unmatched features of a prediction and a truth.

    Parameters
    ----------
    matched_prediction, matched_truth
        Feature i of one is matched to feature i of the other. The essential component, which never
        dies, is always matched.
    only_prediction, only_truth
        Features that the other image lacks.
    """

    matched_prediction: PersistenceDiagram
    matched_truth: PersistenceDiagram
    only_prediction: PersistenceDiagram
    only_truth: PersistenceDiagram

    def __repr__(self) -> str:
        return (
            f"BettiMatching of {self.only_truth.shape}: {len(self.matched_truth)} matched, "
            f"{len(self.only_prediction)} only in the prediction, {len(self.only_truth)} only in "
            "the truth"
        )

    def select(self, dimension: int) -> "BettiMatching":
        """Return the features of one dimension."""
        diagrams = (
            self.matched_prediction,
            self.matched_truth,
            self.only_prediction,
            self.only_truth,
        )
        return BettiMatching(*(d.rows(d.dimension == dimension) for d in diagrams))

    @property
    def error(self) -> int:
        """Betti matching error: how many features are unmatched in either image."""
        return len(self.only_prediction) + len(self.only_truth)

    @property
    def loss(self) -> float:
        """Betti matching loss with weights 1, see `loss_with`."""
        return self.loss_with()

    def loss_with(self, *, matched_weight: float = 1.0, unmatched_weight: float = 1.0) -> float:
        """Betti matching loss, in the squared unit of the images.

        Twice the squared distance of matched bars, and the squared length of unmatched ones; the
        essential component is left out. The weights are those of matched features and of
        features of the prediction only.
        """
        dying = ~self.matched_prediction.is_essential
        mine, theirs = self.matched_prediction.rows(dying), self.matched_truth.rows(dying)
        apart = ((mine.birth - theirs.birth) ** 2 + (mine.death - theirs.death) ** 2).sum()
        spurious = (self.only_prediction.persistence**2).sum()
        missing = (self.only_truth.persistence**2).sum()
        return float(2 * matched_weight * apart + unmatched_weight * spurious + missing)


def match_barcodes(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    *,
    dimensions: Collection[int] | None = None,
    construction: Construction = "T",
    superlevel: bool = True,
    definition: Definition = "induced",
    threads: int | None = None,
    progress: Progress | None = None,
) -> BettiMatching:
    """Match the features of a prediction to those of the truth by where they are.

    Parameters
    ----------
    prediction, truth
        Images of equal shape, ``(y, x)`` or ``(z, y, x)``, of finite real numbers in one unit: most
        often a probability and a label of 0 and 1.
    dimensions
        Which of 0 (components), 1 (loops), 2 (cavities) to return; by default all.
    construction
        ``"T"``: 26-connected (8 in 2D) growing sets; ``"V"``: 6-connected (4 in 2D).
    superlevel
        Whether bright is structure, so that the threshold falls.
    definition
        ``"induced"``: induced matchings, in which image bars of no length match nothing.
        ``"betti-matching-3d"``: as that program does, which keeps such bars and breaks ties
        between cells in its own order; vertex construction only, and slower. It matches more.
    threads
        How many threads to use at most; by default as many as there are processors for more than
        64^3 voxels, else one. The matching does not depend on it.
    progress
        Called from this thread with the fraction done, several times a second for 128^3 voxels.
        What it raises cancels the work and is passed on. ``"betti-matching-3d"`` does not call it.

    Returns
    -------
    BettiMatching
        The matched and unmatched features, with the voxels of their births and deaths.

    Raises
    ------
    ShapeMismatch
        If the images differ in shape.
    InvalidVolume
        If an image is not 2D or 3D, is empty, or holds NaN or infinite values.
    InvalidConfig
        If a dimension, the construction, the definition or the number of threads is not one of
        those named, or the construction does not go with the definition.

    Notes
    -----
    Ties in value are broken by voxel index, so that the matching is the same on every run. Where
    the truth has two values and the prediction lies between them, ties in the truth are broken by
    the prediction first: the values matched are the same, and it is twice as fast.

    Safe to call from several threads at once; the interpreter's lock is released.

    Examples
    --------
    >>> truth = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> broken = np.array([[0.9, 0.9, 0.9], [0.9, 0.1, 0.8], [0.9, 0.9, 0.9]])
    >>> match_barcodes(broken, truth, dimensions=[1])
    BettiMatching of (3, 3): 1 matched, 0 only in the prediction, 0 only in the truth
    """
    prediction, truth = as_array(prediction), as_array(truth)
    require_same_shape(prediction, truth)
    for image in (prediction, truth):
        require_finite(image)
    wanted = require_dimensions(dimensions, prediction.ndim)
    require_choices(construction, definition, threads)
    keys = entry_keys(prediction, truth, superlevel)
    if definition == "induced":
        many = default_threads(truth.size) if threads is None else threads
        watch = Watch(progress)
        found = match_in_comparison(*keys, construction, wanted, many, watch)
        watch.tell(1.0)
    else:
        found = match_cells(*keys)
    return matching_of(prediction, truth, found, wanted, construction, superlevel)


def require_choices(construction: str, definition: str, threads: int | None) -> None:
    """Raise InvalidConfig unless the choices exist and go together."""
    if construction not in ("T", "V"):
        raise InvalidConfig(f"construction {construction!r} is unknown; choose 'T' or 'V'")
    if definition not in ("induced", "betti-matching-3d"):
        raise InvalidConfig(
            f"definition {definition!r} is unknown; choose 'induced' or 'betti-matching-3d'"
        )
    if definition == "betti-matching-3d" and construction == "T":
        raise InvalidConfig(
            "Betti-Matching-3D knows the vertex construction only; pass construction='V', or the "
            "definition 'induced'"
        )
    if threads is not None and threads < 1:
        raise InvalidConfig(f"threads must be 1 or more, or None for the default; got {threads}")


def matching_of(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    found: dict[int, Matching],
    wanted: frozenset[int],
    construction: Construction,
    superlevel: bool,
) -> BettiMatching:
    """Build the diagrams: by dimension, then from the longest bar of the prediction."""
    images = (prediction.ravel(), truth.ravel())
    form = (truth.shape, construction, superlevel)
    tables: list[list[Table]] = [[], [], [], []]
    for k in sorted(wanted):
        m = found[k]
        if k == 0:
            endless = [image.argmax() if superlevel else image.argmin() for image in images]
            tables[0].append(np.array([[0], endless[:1], [-1]]))
            tables[1].append(np.array([[0], endless[1:], [-1]]))
        longest = by_length(m.first.rows(m.first_row), images[0])
        first, second = m.first_row[longest], m.second_row[longest]
        tables[0].append(table_of(k, m.first.rows(first)))
        tables[1].append(table_of(k, m.second.rows(second)))
        for side, (bars, rows) in enumerate(((m.first, first), (m.second, second))):
            left = bars.rows(unnamed(len(bars), rows))
            tables[2 + side].append(table_of(k, left.rows(by_length(left, images[side]))))
    diagrams = [
        diagram_of(image, np.concatenate([np.empty((3, 0), np.int64), *table], axis=1), *form)
        for image, table in zip(images * 2, tables, strict=True)
    ]
    return BettiMatching(*diagrams)


def table_of(k: int, bars: Bars) -> Table:
    """Return the rows dimension, voxel of birth, voxel of death."""
    return np.stack([np.full(len(bars), k), bars.birth, bars.death])


def unnamed(count: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the mask of the rows not named."""
    left = np.ones(count, np.bool_)
    left[rows] = False
    return left


def by_length(bars: Bars, image: NDArray[Any]) -> NDArray[np.int64]:
    """Return the order of bars from the longest, ties by voxel of birth."""
    birth, death = (image[v].astype(np.float64) for v in (bars.birth, bars.death))
    return longest_first(np.abs(birth - death), bars.birth)


def diagram_of(
    image: NDArray[Any],
    table: Table,
    shape: tuple[int, ...],
    construction: Construction,
    superlevel: bool,
) -> PersistenceDiagram:
    """Read the values of births and deaths from the image."""
    dimension, birth, death = table
    values = image[death].astype(np.float64)
    values[death < 0] = -np.inf if superlevel else np.inf
    return PersistenceDiagram(
        dimension=dimension.astype(np.int8),
        birth=image[birth].astype(np.float64),
        death=values,
        birth_voxel=birth,
        death_voxel=death,
        shape=shape,
        construction=construction,
        superlevel=superlevel,
    )

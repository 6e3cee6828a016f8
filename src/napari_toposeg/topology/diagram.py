"""PersistenceDiagram: the features of an image over all thresholds, and the voxels that made them.

The one idea: a diagram is a table of columns. Row i says that a feature of dimension
``dimension[i]`` (0 component, 1 loop, 2 cavity) appears when the threshold passes ``birth[i]`` at
voxel ``birth_voxel[i]`` and goes when it passes ``death[i]`` at ``death_voxel[i]``.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology.grid import Construction


@dataclass(frozen=True, eq=False)
class PersistenceDiagram:
    """Features of an image, ordered by dimension and then from the most persistent to the least.

    Parameters
    ----------
    dimension
        ``(n,)``: 0 component, 1 loop, 2 cavity.
    birth, death
        ``(n,)``, in the image's unit. Essential features never die: ``inf``, for superlevel
        ``-inf``.
    birth_voxel, death_voxel
        ``(n,)`` flat C-order indices, ``image.flat[birth_voxel] == birth`` and the same for finite
        deaths; -1 where there is none.
    shape
        Shape of the image.
    construction
        ``"T"``: voxels are top cells, 26 / 8-connected. ``"V"``: voxels are vertices, 6 /
        4-connected.
    superlevel
        Whether the threshold falls, so that ``birth > death``.
    """

    dimension: NDArray[np.int8]
    birth: NDArray[np.float64]
    death: NDArray[np.float64]
    birth_voxel: NDArray[np.int64]
    death_voxel: NDArray[np.int64]
    shape: tuple[int, ...]
    construction: Construction = "T"
    superlevel: bool = False

    def __len__(self) -> int:
        return len(self.dimension)

    def __repr__(self) -> str:
        counts = [np.count_nonzero(self.dimension == k) for k in range(len(self.shape))]
        return (
            f"PersistenceDiagram of {self.shape}: {' + '.join(map(str, counts))} features "
            f"of dimension {', '.join(map(str, range(len(self.shape))))}"
        )

    @property
    def persistence(self) -> NDArray[np.float64]:
        """Length of each bar, ``|death - birth|``; ``inf`` for essential features."""
        return np.abs(self.death - self.birth)

    @property
    def is_essential(self) -> NDArray[np.bool_]:
        """Whether each feature never dies."""
        return self.death_voxel < 0

    def select(
        self,
        dimension: int | None = None,
        min_persistence: float = 0.0,
        essential: bool = True,
    ) -> "PersistenceDiagram":
        """Return the features of one dimension that last longer than a bound.

        Parameters
        ----------
        dimension
            0, 1 or 2; all of them by default.
        min_persistence
            Only features of a persistence *above* it are kept, in the image's unit.
        essential
            Whether to keep the features that never die.
        """
        kept = self.persistence > min_persistence
        if dimension is not None:
            kept &= self.dimension == dimension
        if not essential:
            kept &= ~self.is_essential
        return self.rows(kept)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.integer]) -> "PersistenceDiagram":
        """Return the rows picked by a mask or by indices."""
        return replace(
            self,
            dimension=self.dimension[which],
            birth=self.birth[which],
            death=self.death[which],
            birth_voxel=self.birth_voxel[which],
            death_voxel=self.death_voxel[which],
        )


def require_dimension(dimension: int, diagram: PersistenceDiagram) -> None:
    """Raise InvalidConfig unless the diagram's image can have features of this dimension."""
    if dimension not in range(len(diagram.shape)):
        raise InvalidConfig(
            f"dimension {dimension!r} of a {len(diagram.shape)}D image: choose among "
            f"{list(range(len(diagram.shape)))}"
        )


def require_order(order: float, least: float) -> None:
    """Raise InvalidConfig unless the order is a finite number from ``least`` on."""
    if not least <= order < np.inf:
        raise InvalidConfig(
            f"order {order!r} is not a finite number {'from 1 on' if least == 1 else 'above 0'}; "
            "take 1 or 2, or `bottleneck` for the limit"
        )

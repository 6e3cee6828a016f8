"""LayerDiagram: the diagram of an excerpt, computed as a run, and led back to the layer.

The one idea: a large excerpt has hundreds of thousands of features that are noise; they are left
out while it is computed, and its note says so. No Qt here.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.topology.diagram.excerpt import Excerpt, Extent, by, take_excerpt
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.topology import PersistenceDiagram, persistence

Construction = Literal["T", "V"]

ALL_FEATURES = 72**3
"""Up to so many voxels every feature is kept; larger excerpts have too many that are noise."""

FAINTEST = 0.005
"""Features of larger excerpts that last less than this part of the range are left out."""

SECONDS_128 = 0.8
"""Measured on a noisy chest CT, two cores: about 0.8 s for 128^3 voxels; 0.2 s where smooth."""


@dataclass(frozen=True, eq=False)
class LayerDiagram:
    """A persistence diagram whose features know their voxels in the layer.

    Parameters
    ----------
    diagram
        Diagram of the excerpt.
    excerpt
        What it was computed of.
    births, deaths
        ``(n, 3)`` voxels ``(z, y, x)`` of the layer, NaN where a feature never dies.
    """

    diagram: PersistenceDiagram
    excerpt: Excerpt
    births: NDArray[np.float64]
    deaths: NDArray[np.float64]

    @classmethod
    def of(cls, diagram: PersistenceDiagram, excerpt: Excerpt) -> "LayerDiagram":
        """Lead the features of an excerpt's diagram back to the layer."""
        ends = (excerpt.positions(v) for v in (diagram.birth_voxel, diagram.death_voxel))
        return cls(diagram, excerpt, *ends)


def expected_seconds(voxels: int) -> float:
    """Return about how long the persistence of so many voxels takes."""
    return float(SECONDS_128 * (voxels / 128**3) ** 1.1)


def faintest_of(*images: NDArray[Any]) -> float:
    """Return the persistence under which features are left out: none in small excerpts."""
    large = images[0].size > ALL_FEATURES
    return FAINTEST * max(map(value_range, images)) if large else 0.0


def without_faint(excerpt: Excerpt, faintest: float) -> Excerpt:
    """Add to an excerpt's note what was left out of its diagram."""
    if not faintest:
        return excerpt
    text = tr("Features that last less than {bound:.3g} were left out.").format(bound=faintest)
    return replace(excerpt, note=f"{excerpt.note} {text}".strip())


def run_persistence(
    excerpt: Excerpt, *, construction: Construction = "T", superlevel: bool = True
) -> Run[LayerDiagram]:
    """Compute the diagram of an excerpt.

    Parameters
    ----------
    excerpt
        What to look at.
    construction
        ``"T"``: the growing set is 26-connected (8 in 2D); ``"V"``: 6-connected (4).
    superlevel
        True for bright structures: the threshold falls.
    """
    voxels = excerpt.voxels
    faintest = faintest_of(voxels)
    diagram = yield from follow(
        lambda report: persistence(
            voxels,
            construction=construction,
            superlevel=superlevel,
            min_persistence=faintest,
            progress=report,
        ),
        tr("Persistence of {shape} voxels").format(shape=by(voxels.shape)),
    )
    return LayerDiagram.of(diagram, without_faint(excerpt, faintest))


def value_range(voxels: NDArray[Any]) -> float:
    """Return the difference of the largest and the smallest finite value; 0 if there is none."""
    finite = voxels[np.isfinite(voxels)]
    return float(finite.max()) - float(finite.min()) if finite.size else 0.0


def excerpt_run(voxels: Any, extent: Extent, **where: Any) -> Run[Excerpt]:
    """Take an excerpt in the background; see `take_excerpt`."""
    return (
        yield from follow(
            lambda report: take_excerpt(voxels, extent, progress=report, **where),
            tr("Taking a part of the layer"),
        )
    )


def run_diagram(
    voxels: Any,
    extent: Extent,
    *,
    construction: Construction = "T",
    superlevel: bool = True,
    **where: Any,
) -> Run[LayerDiagram]:
    """Take an excerpt and compute its diagram; see `take_excerpt` and `run_persistence`."""
    excerpt = yield from excerpt_run(voxels, extent, **where)
    return (yield from run_persistence(excerpt, construction=construction, superlevel=superlevel))


def connectivity_of(construction: Construction, ndim: int) -> str:
    """Name the connectivity of the growing set for a person."""
    full, faces = ("26", "6") if ndim == 3 else ("8", "4")
    return tr("{number}-connected").format(number=full if construction == "T" else faces)

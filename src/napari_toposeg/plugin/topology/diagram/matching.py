"""Two layers compared by their features: Betti matching on the same excerpt of both.

The one idea: a feature of one layer is matched where the other has it in the same place; what is
left over is what only one of them has. No Qt here.

References
----------
Stucki et al. 2023, arXiv:2211.15272.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.plugin.topology.diagram.excerpt import Excerpt, Extent, by
from napari_toposeg.plugin.topology.diagram.features import Features, joined, matched_features
from napari_toposeg.plugin.topology.diagram.layer_diagram import (
    Construction,
    LayerDiagram,
    excerpt_run,
    faintest_of,
    without_faint,
)
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.topology import BettiMatching, match_barcodes

OVERLAP = 0.5
"""Values that share less than this part of the wider range are called another unit."""


def run_matching(
    first: Any,
    second: Any,
    extent: Extent,
    *,
    construction: Construction = "T",
    superlevel: bool = True,
    **where: Any,
) -> Run[Features]:
    """Match the features of two layers on one grid; see `take_excerpt` for the extent.

    Raises
    ------
    ShapeMismatch
        If the layers differ in shape.
    """
    if tuple(first.shape) != tuple(second.shape):
        raise ShapeMismatch(
            f"the layers have the shapes {tuple(first.shape)} and {tuple(second.shape)}; "
            "resample one to the other's grid first"
        )
    one, other = (
        (yield from excerpt_run(first, extent, **where)),
        (yield from excerpt_run(second, extent, **where)),
    )
    a, b = one.voxels, other.voxels
    matching = yield from follow(
        lambda report: match_barcodes(
            a, b, construction=construction, superlevel=superlevel, progress=report
        ),
        tr("Matching features of {shape} voxels").format(shape=by(a.shape)),
    )
    warning = unit_warning(a, b)
    if warning:
        one = replace(one, note=f"{one.note} {warning}".strip())
    return features_of(matching, one, other)


def features_of(matching: BettiMatching, first: Excerpt, second: Excerpt) -> Features:
    """Return the features of a matching; in large excerpts without those that are faint."""
    faintest = faintest_of(first.voxels, second.voxels)
    if faintest:
        matching = without_short(matching, faintest)
    one = joined(matching.matched_prediction, matching.only_prediction)
    other = joined(matching.matched_truth, matching.only_truth)
    return matched_features(
        matching,
        LayerDiagram.of(one, without_faint(first, faintest)),
        LayerDiagram.of(other, without_faint(second, faintest)),
    )


def without_short(matching: BettiMatching, bound: float) -> BettiMatching:
    """Leave out unmatched features that are short, and pairs of which both are."""
    one, other = matching.matched_prediction, matching.matched_truth
    long = np.maximum(one.persistence, other.persistence) > bound
    return BettiMatching(
        one.rows(long),
        other.rows(long),
        matching.only_prediction.select(min_persistence=bound),
        matching.only_truth.select(min_persistence=bound),
    )


def unit_warning(first: NDArray[Any], second: NDArray[Any]) -> str:
    """Say so where the values of two images do not look as if they were in one unit.

    Matching compares values, and a feature of values that the other image never has is unmatched
    whatever its place.
    """
    ranges = [(float(np.nanmin(v)), float(np.nanmax(v))) for v in (first, second)]
    (a, b), (c, d) = ranges
    wide = max(b - a, d - c)
    if wide <= 0 or (min(b, d) - max(a, c)) / wide >= OVERLAP:
        return ""
    text = tr(
        "The values differ: {a:.3g} to {b:.3g} and {c:.3g} to {d:.3g}. "
        "Features are matched by value too; compare layers in one unit."
    )
    return text.format(a=a, b=b, c=c, d=d)

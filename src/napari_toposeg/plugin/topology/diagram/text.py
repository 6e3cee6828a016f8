"""What is said of features, in words for a person."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_toposeg.plugin.topology.diagram.features import (
    MOST_DRAWN,
    MOST_MARKED,
    Features,
    Rows,
)
from napari_toposeg.plugin.topology.diagram.layer_diagram import connectivity_of
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS


def headline(features: Features, names: Sequence[str]) -> str:
    """Say of what the features are, by which convention, and what was left out."""
    found = features.parts[0]
    direction = tr("bright first") if features.superlevel else tr("dark first")
    connectivity = connectivity_of(found.diagram.construction, len(found.diagram.shape))
    what = names[0] if len(names) == 1 else tr("1 {first}, 2 {second}")
    what = what.format(first=names[0], second=names[-1]) if len(names) > 1 else what
    return "\n".join(filter(None, [f"{what}: {connectivity}, {direction}", found.excerpt.note]))


def describe_feature(features: Features, row: int) -> str:
    """Say what a feature is: its ends, their voxels, and in a comparison its partner."""
    dimension = int(features.dimension[row])
    style = DIMENSIONS[dimension]
    kind = f"{style.glyph} " + tr("b{dimension}, one of the {name}").format(
        dimension=dimension, name=tr(style.name)
    )
    text = tr("{kind}: born at {birth:.4g}, voxel {voxel}").format(
        kind=kind, birth=features.birth[row], voxel=_at(features.births[row])
    )
    if np.isfinite(features.deaths[row]).all():
        text += tr("; dies at {death:.4g}, voxel {voxel}; persistence {lasts:.4g}.").format(
            death=features.death[row],
            voxel=_at(features.deaths[row]),
            lasts=features.persistence[row],
        )
    else:
        text += tr("; never dies.")
    return f"{text} {_partner(features, row)}".rstrip()


def describe_shown(features: Features, shown: Rows) -> str:
    """Say how many features are shown, and what a click does."""
    return tr(
        "{shown:,} of {all:,} features shown. Click one to see its birth voxel; again: its death "
        "voxel."
    ).format(shown=len(shown), all=len(features))


def describe_selection(features: Features, rows: Rows) -> str:
    """Say how many features are selected, and how many of them are marked and drawn."""
    counts = np.bincount(features.dimension[rows], minlength=3)
    kinds = ", ".join(
        f"{style.glyph} {number:,} {tr(style.name)}"
        for style, number in zip(DIMENSIONS, counts, strict=True)
        if number
    )
    text = tr("{count:,} selected: {kinds}.").format(count=len(rows), kinds=kinds)
    limits = []
    if len(rows) > MOST_MARKED:
        limits.append(tr("the {most:,} most persistent are marked").format(most=MOST_MARKED))
    if len(rows) > MOST_DRAWN:
        limits.append(tr("{most} are drawn").format(most=MOST_DRAWN))
    limit = tr(", ").join(limits)
    return f"{text} {limit[:1].upper()}{limit[1:]}." if limit else text


def _partner(features: Features, row: int) -> str:
    if not features.compared:
        return ""
    other = int(features.partner[row])
    part = int(features.part[row])
    if other < 0:
        return tr("Only in layer {number}.").format(number=part + 1)
    death = features.death[other]
    return tr("In layer {number} it is born at {birth:.4g} and {dies}.").format(
        number=2 - part,
        birth=features.birth[other],
        dies=tr("dies at {death:.4g}").format(death=death)
        if np.isfinite(death)
        else tr("never dies"),
    )


def _at(voxel: Any) -> str:
    return "({}, {}, {})".format(*(int(place) for place in voxel))

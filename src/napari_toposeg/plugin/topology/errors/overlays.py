"""Errors and edits as overlays in the viewer, and a ring about the current one.

The one idea: an overlay is a label map of kinds, so that the status bar names the kind under the
cursor. All of it works on any viewer, without the dock.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.marks import (
    DEFECTS,
    EDITS,
    HERE,
    layer_with,
    mark_here,
    show_codes,
)
from napari_toposeg.plugin.topology.errors.comparison import Against
from napari_toposeg.plugin.topology.errors.found_defects import FoundDefects
from napari_toposeg.plugin.topology.errors.kinds import (
    EDIT_STYLES,
    STYLES,
    in_order,
    places_of,
    word_of,
)
from napari_toposeg.plugin.topology.errors.repairing import ClassEdit, Proposal
from napari_toposeg.plugin.topology.errors.wanted_defects import APART
from napari_toposeg.plugin.translation import tr


def mark_defect(
    viewer: ViewerModel, layer: Layer, defects: FoundDefects, row: int, against: Against = "truth"
) -> Any:
    """Ring the centre of an error in a Points layer, and return that layer.

    Parameters
    ----------
    viewer
        Viewer that gets the mark.
    layer
        Layer on whose grid the errors lie.
    defects
        All errors.
    row
        Number of the error.
    against
        What the label map was held against, for the word beside the ring.
    """
    word = tr(word_of(str(defects.kind[row]), against))
    return mark_here(viewer, layer, defects.centre[row].tolist(), word, tr("current error"))


def hide_mark(viewer: ViewerModel) -> None:
    """Hide the ring about an error or an edit that is gone."""
    ring = layer_with(viewer, HERE)
    if ring is not None:
        ring.visible = False


def show_edits(
    viewer: ViewerModel,
    layer: Layer,
    proposal: Proposal,
    *,
    shown: NDArray[np.bool_] | None = None,
) -> Any:
    """Show the edits of a repair as an overlay: what is added, taken away, and left as it was.

    Parameters
    ----------
    shown
        ``(n,)`` which edits to show; by default all.

    Returns
    -------
    Labels
        The overlay, made if there is none.
    """
    codes = np.zeros(proposal.before.size, np.uint8)
    for number, each in enumerate(proposal.edits):
        if shown is None or shown[number]:
            codes[each.edit.voxels] = list(EDIT_STYLES).index(kind_of_edit(each)) + 1
    colours = {tr(style.word): style.colour for style in EDIT_STYLES.values()}
    return show_codes(viewer, layer, EDITS, codes.reshape(proposal.before.shape), colours, "edit")


def kind_of_edit(each: ClassEdit) -> str:
    """Return which of `EDIT_STYLES` an edit has."""
    if not each.edit.accepted:
        return "refused"
    return "adds" if each.edit.adds else "removes"


def show_defects(
    viewer: ViewerModel,
    layer: Layer,
    defects: FoundDefects,
    *,
    shown: NDArray[np.bool_] | None = None,
    against: Against = "truth",
) -> Any:
    """Show errors as an overlay coloured by kind, and return its Labels layer.

    Parameters
    ----------
    viewer
        Viewer that gets the overlay.
    layer
        Layer on whose grid the errors lie.
    defects
        All errors.
    shown
        ``(n,)`` which of them to show; by default all.
    against
        What the label map was held against, for the words in the status bar.
    """
    kinds = in_order(set(defects.present[0].tolist()))
    codes = kind_codes(defects, kinds, shown)
    colours = {tr(word_of(kind, against)): STYLES[kind].colour for kind in kinds}
    return show_codes(viewer, layer, DEFECTS, codes, colours, "error")


def kind_codes(
    defects: FoundDefects, kinds: Sequence[str], shown: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Return for each voxel the place, from 1, of its error's kind in a list of kinds, else 0.

    Where errors of two classes share a voxel, one that changes a number goes before one that
    changes none.
    """
    shown = np.ones(len(defects), np.bool_) if shown is None else shown
    code = (places_of(defects, kinds) + 1).astype(np.uint8)
    codes = np.zeros(defects.shape, np.uint8)
    weighs = defects.is_critical & ~defects.is_of([APART])
    for rows in (shown & ~weighs, shown & weighs):
        voxels, owner = defects.voxels_where(rows)
        codes.ravel()[voxels] = code[owner]
    return codes

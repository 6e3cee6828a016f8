"""Inputs that the pages Errors and Repair share: label maps, a probability on their grid, joining.

The one idea: a picker offers only what fits. A probability must be fractions in 0..1 on the grid of
the label map; what looks like one and is none is refused with the reason.
"""

from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QComboBox

from napari_toposeg.plugin.canvas.layers import is_image, same_grid
from napari_toposeg.plugin.canvas.marks import ANNOTATION, DEFECTS, EDITS, FEATURE, role_of
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.pickers import LayerPicker, narrow


def is_label_map(layer: Any) -> bool:
    """Return whether a layer is a 3D label map, and no annotation or overlay."""
    return (
        isinstance(layer, Labels)
        and layer.ndim == 3
        and role_of(layer) not in (ANNOTATION, DEFECTS, EDITS, FEATURE)
    )


def is_probability(layer: Any) -> bool:
    """Tell whether a layer can be a probability: an image of fractions that is shown in 0..1."""
    if not is_image(layer) or np.dtype(layer.dtype).kind != "f":
        return False
    low, high = layer.contrast_limits
    return bool(low >= 0 and high <= 1)


class FittingPicker(LayerPicker):
    """Chooses a label map, or a probability, on the grid of another picker's layer.

    Parameters
    ----------
    session
        The dock's session.
    beside
        Picker of the label map; its own layer is not offered.
    kind
        What is offered.
    empty
        The entry that means "none".
    """

    def __init__(self, session: Session, beside: LayerPicker, kind: str, *, empty: str) -> None:
        self._beside = beside
        self._is_kind = is_probability if kind == "probability" else is_label_map
        super().__init__(session, self._fits, empty=empty, optional=True)
        beside.layer_chosen.connect(lambda _: self.refresh())

    def _fits(self, layer: Any) -> bool:
        other = self._beside.layer
        if other is None or layer == other or not self._is_kind(layer):
            return False
        return same_grid(layer, other)


def probability_picker(session: Session, labels: LayerPicker, empty: str) -> FittingPicker:
    """Return a picker of probabilities that lie on the grid of a label map."""
    return FittingPicker(session, labels, "probability", empty=empty)


def connectivity_combo() -> QComboBox:
    """Return a combo box of the ways in which voxels can be joined; its data are 26 and 6."""
    combo = QComboBox()
    for number in (26, 6):
        text = tr("{n} (background {m})").format(n=number, m=32 - number)
        combo.addItem(text, number)
    narrow(combo)
    return combo

"""RepairButtons: what can be done with the edits of a repair, and when.

The one idea: nothing is written while the newest answers are still being counted.
"""

from collections.abc import Callable

from qtpy.QtWidgets import QHBoxLayout

from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, side_by_side


class RepairButtons:
    """The buttons above and below the list of edits.

    Parameters
    ----------
    answer_all
        Takes (True) or refuses every edit that is listed.
    step
        Goes to the next (True) or the previous edit.
    apply, pin
        Write what is taken, or make training labels of it.
    """

    def __init__(
        self,
        answer_all: Callable[[bool], None],
        step: Callable[[bool], None],
        apply: Callable[[], object],
        pin: Callable[[], object],
    ) -> None:
        self.all = button(tr("All"), tr("Tick every edit listed"), lambda: answer_all(True))
        self.none = button(
            tr("None"), tr("Clear the box of every edit listed"), lambda: answer_all(False)
        )
        self.previous = button(tr("Back (P)"), tr("Go to the edit before (P)"), lambda: step(False))
        self.next = button(tr("Next (N)"), tr("Go to the next edit (N)"), lambda: step(True))
        self.apply = button(
            tr("Apply ticked"),
            tr("Write the ticked edits into the label map; Ctrl+Z in the layer undoes it"),
            apply,
        )
        self.pin = button(
            tr("Train on this"),
            tr("Make an annotation of the label map, with the ticked edits, for the Fine-tune tab"),
            pin,
        )

    def above(self) -> QHBoxLayout:
        """Return the row above the list."""
        return side_by_side(self.all, self.none, self.previous, self.next)

    def below(self) -> QHBoxLayout:
        """Return the row below the list."""
        return side_by_side(self.apply, self.pin)

    def refresh(self, *, edits: bool, counted: bool, labels: bool) -> None:
        """Show what can be pressed.

        Parameters
        ----------
        edits
            Whether there is an edit.
        counted
            Whether what is ticked was counted.
        labels
            Whether there is a label map.
        """
        for each in (self.all, self.none, self.previous, self.next):
            each.setEnabled(edits)
        self.apply.setEnabled(edits and counted)
        self.pin.setEnabled(labels and counted)

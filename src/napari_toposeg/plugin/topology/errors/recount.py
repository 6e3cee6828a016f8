"""Recount: a repair counted anew for other answers, beside the window where the map is large.

The one idea: one count runs at a time, of the newest answers. What was ticked meanwhile is counted
when it ends, and a count of answers that are no longer given is dropped.
"""

from collections.abc import Sequence

from qtpy.QtCore import QObject, Signal

from napari_toposeg.plugin.errand import Errand
from napari_toposeg.plugin.topology.errors.repairing import Proposal

AT_ONCE = 500_000
"""Voxels of all repaired classes together that are counted in less than 50 ms."""


class Recount(QObject):
    """Counts proposals anew, one after the other."""

    counted = Signal(object)
    """The `Proposal` with the newest answers."""

    failed = Signal(object)
    """What kept it from being counted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: tuple[Proposal, list[bool]] | None = None
        self._sent: tuple[Proposal, list[bool]] | None = None
        self._errand = Errand(self)
        self._errand.done.connect(self._take)
        self._errand.failed.connect(self._fail)

    @property
    def answers(self) -> list[bool] | None:
        """The answers that are not counted yet; None where there are none."""
        return None if self._wanted is None else self._wanted[1]

    def send(self, proposal: Proposal, answers: Sequence[bool]) -> None:
        """Count a proposal with other answers, at once where it is small."""
        self._wanted = proposal, list(answers)
        if not self._errand.running:
            self._begin()

    def forget(self) -> None:
        """Tell nothing of what is still being counted."""
        self._wanted = None

    def close(self) -> None:
        """Tell nothing any more: the window that would listen is closing."""
        self._errand.close()

    def _begin(self) -> None:
        assert self._wanted is not None
        self._sent = self._wanted
        proposal, answers = self._sent
        if proposal.before.size * len(proposal.found.repairs) <= AT_ONCE:
            self._take(proposal.with_answers(answers))
        else:
            self._errand.send(lambda: proposal.with_answers(answers))

    def _take(self, found: Proposal) -> None:
        if self._wanted is self._sent and self._wanted is not None:
            self._wanted = None
            self.counted.emit(found)
        elif self._wanted is not None:
            self._begin()

    def _fail(self, error: BaseException) -> None:
        self._wanted = None
        self.failed.emit(error)

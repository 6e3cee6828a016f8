"""One line of a table: our time or memory, a rival's in the same run, and what was wanted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was measured.

    Parameters
    ----------
    ours, rival
        Seconds, each the least of several alternating repeats; ``rival`` None where the bound is
        a time and not a ratio.
    wanted
        Least ratio rival / ours, or where there is no rival the most of ours.
    unit
        Of both, ``"s"`` or ``"MB"``.
    """

    what: str
    ours: float
    rival_name: str
    rival: float | None
    wanted: float
    note: str = ""
    unit: str = "s"

    @property
    def ratio(self) -> float | None:
        """How many times faster than the rival."""
        return None if self.rival is None else self.rival / self.ours

    @property
    def met(self) -> bool:
        """Whether the wanted ratio or time was reached."""
        ratio = self.ratio
        return self.ours <= self.wanted if ratio is None else ratio >= self.wanted

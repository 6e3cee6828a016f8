"""How far a repair has come, as it is told to the caller.

The one idea: how many steps are left is never known, but about how much of the rest the next stage
is; so each stage has a share of what is left, and its steps near the end of it without passing it.
"""

from collections.abc import Callable

Progress = Callable[[float], object]

# What is told before the end is at most this.
MOST = 0.99
# Each step goes on by this part of what is left of its stage.
PART = 0.2


class Told:
    """Tells the fraction that is done, which never falls.

    Parameters
    ----------
    progress
        Called with it; an exception in it ends the work.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress
        self.fraction = 0.0
        self.end_of_stage = 0.0
        self.limit = MOST

    def heed(self) -> None:
        """Tell that a step is done."""
        self.fraction += (self.end_of_stage - self.fraction) * PART
        if self.progress is not None:
            self.progress(self.fraction)

    def enter(self, share: float) -> None:
        """Begin a stage that is about this share of what is left up to the limit."""
        self.fraction = self.end_of_stage
        self.end_of_stage += share * max(self.limit - self.end_of_stage, 0.0)

    def keep_for_later(self, share: float) -> None:
        """Keep this share of all that is left from the stages that follow, until called again."""
        self.limit = self.end_of_stage + (1 - share) * (MOST - self.end_of_stage)

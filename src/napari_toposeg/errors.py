"""The errors a user can meet: each says what was wrong, what was got, and what to do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ToposegError(Exception):
    """Base of every error that the user's input can cause; the command line exits with 2 on it."""


class UnreadableFile(ToposegError):
    """A file is missing, corrupt, truncated, or of a kind that is not read here."""


class UnwritableFile(ToposegError):
    """A file cannot be written: an unknown ending, no permission, no space."""

    @classmethod
    def because_of(cls, error: OSError, path: Path) -> "UnwritableFile":
        """Return what to tell of a place that the system refuses."""
        return cls(
            f"{path} cannot be written ({error.strerror or error}); "
            "check the folder, its permissions and the free space"
        )


class InvalidVolume(ToposegError, ValueError):
    """A file was read, but what it holds is not one 3D scalar volume with a usable geometry."""


class ChoiceNeeded(ToposegError):
    """A path holds several volumes (series, frames); one must be named.

    Parameters
    ----------
    message
        What was found and how to choose.
    choices
        One short description for each volume that can be chosen, in order.
    """

    def __init__(self, message: str, choices: tuple[str, ...]) -> None:
        super().__init__(message)
        self.choices = choices


class ShapeMismatch(ToposegError, ValueError):
    """Two arrays that must share a grid do not."""


class InvalidConfig(ToposegError, ValueError):
    """A setting of a run is outside of what it can be."""


class InvalidCheckpoint(ToposegError):
    """A model file is missing, damaged, or not of the kind that is asked for."""


class OutOfMemory(ToposegError):
    """The device has not enough memory for the run as configured.

    Parameters
    ----------
    message
        What was needed and what to do.
    smaller
        Settings of the run, by name, with which it would need less; empty where none is known.
    """

    def __init__(self, message: str, smaller: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.smaller = dict(smaller or {})

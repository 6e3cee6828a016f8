"""What a command answers: figures for machines, text for people, an exit code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

STOPPED = 130
"""Exit code of a run that Ctrl-C ended, as shells have it."""


@dataclass(frozen=True)
class Answer:
    """The answer of a command.

    Parameters
    ----------
    text
        For a person.
    data
        The same for machines, printed with ``--json``.
    exit_code
        Of the process.
    """

    text: str
    data: Mapping[str, Any] | Sequence[Any] = field(default_factory=dict)
    exit_code: int = 0


def aligned(rows: Sequence[Sequence[Any]], indent: str = "") -> str:
    """Return rows of cells as lines with even columns."""
    cells = [["–" if cell in (None, "", ()) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
    return "\n".join(indent + line for line in lines)


def duration(seconds: float) -> str:
    """Return a time for a person."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"

"""Measure the dock and write the tables of docs/dock-measured.md.

    python -m benchmarks.dock PART ... [--quick] [--write]

Parts: ``window`` times what a person waits for in the real window (needs a display or Xvfb);
``slices`` trains on eight painted slices of real scans; ``guesses`` interpolates
between the same slices; ``story`` shows one of these trainings, and draws docs/images/story.png.
``NAPARI_TOPOSEG_DATA`` names the folder of the real volumes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import tables

PARTS = ("window", "slices", "guesses", "story")
DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURE = DOCS / "dock-measured.md", DOCS / "images" / "story.png"


def main() -> int:
    """Run the parts asked for, print their lines as they come, and write the page if asked to."""
    asked = tables.asked_of(__doc__, PARTS)
    for part in asked.parts:
        lines = lines_of(part, quick=asked.quick)
        tables.show(f"dock {part}", lines, PAGE if asked.write else None)
    return 0


def lines_of(part: str, *, quick: bool) -> Iterator[str]:
    """Yield the lines of a part's table in Markdown."""
    match part:
        case "window":
            from benchmarks.dock import window

            header, rows = window.HEADER, window.lines(quick=quick)
        case "slices":
            from benchmarks.dock import painted_slices

            header, rows = painted_slices.HEADER, painted_slices.lines(quick=quick)
        case "story":
            from benchmarks.dock import story

            header, rows = story.HEADER, story.lines(PICTURE, quick=quick)
        case _:
            from benchmarks.dock import painted_slices

            header, rows = painted_slices.GUESSED_HEADER, painted_slices.guesses()
    yield from tables.table(header, rows)


if __name__ == "__main__":
    sys.exit(main())

"""Measure the dock and write the tables of docs/dock-measured.md.

    python -m benchmarks.dock PART ... [--quick] [--write]

Parts: ``window`` times what a person waits for in the real window (needs a display or Xvfb);
``slices`` trains on eight painted slices of real scans; ``guesses`` interpolates
between the same slices; ``story`` shows one of these trainings, and draws docs/images/story.png.
``NAPARI_TOPOSEG_DATA`` names the folder of the real volumes.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import tables

PARTS = ("window", "slices", "guesses", "story")
DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURE = DOCS / "dock-measured.md", DOCS / "images" / "story.png"


def main() -> int:
    """Run the parts asked for, print their lines as they come, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="short, no figures to report")
    parser.add_argument("--write", action="store_true", help="replace the tables of the docs")
    asked = parser.parse_args()
    for part in asked.parts:
        lines = []
        for line in lines_of(part, quick=asked.quick):
            print(line, flush=True)
            lines.append(line)
        if asked.write:
            tables.write(f"dock {part}", "\n".join(lines), page=PAGE)
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
    yield tables.written(header)
    yield tables.written(["---"] * len(header))
    yield from map(tables.written, rows)


if __name__ == "__main__":
    sys.exit(main())

"""Measure prediction and write the tables of docs/prediction.md.

    python -m benchmarks.prediction PART ... [--quick] [--write]

Parts: ``speed`` times sliding windows beside MONAI's; ``air`` counts the windows of real scans that
need no look; ``precision`` tells what 16 bits change; ``repair`` holds repaired masks against the
plain repair (largest component, cavities filled), of the shipped model and of models trained on two
and four labels; ``calibration`` fits a temperature and measures it on other cases.
``NAPARI_TOPOSEG_DATA`` names the folder of the real volumes.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks import tables
from benchmarks.prediction import calibration, precision, repair, speed

PARTS = {
    "speed": (speed.HEADER, speed.lines),
    "air": (speed.AIR_HEADER, speed.air_lines),
    "precision": (precision.HEADER, precision.lines),
    "repair": (repair.HEADER, repair.lines),
    "calibration": (calibration.HEADER, calibration.lines),
}
PAGE = Path(__file__).parents[2] / "docs" / "prediction.md"


def main() -> int:
    """Run the parts asked for, print their lines as they come, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="short runs, no figures to report")
    parser.add_argument("--write", action="store_true", help="replace the tables of the docs")
    asked = parser.parse_args()
    # Processor time of one thread tells two programs apart on a machine that others use too.
    torch.set_num_threads(1)
    for part in asked.parts:
        lines = []
        for line in table(part, quick=asked.quick):
            print(line, flush=True)
            lines.append(line)
        if asked.write:
            tables.write(f"prediction {part}", "\n".join(lines), page=PAGE)
    return 0


def table(part: str, *, quick: bool) -> Iterator[str]:
    """Yield the lines of a part's table in Markdown."""
    header, lines = PARTS[part]
    yield tables.written(header)
    yield tables.written(["---"] * len(header))
    yield from map(tables.written, lines(quick=quick))


if __name__ == "__main__":
    sys.exit(main())

"""Measure prediction and write the tables of docs/prediction.md.

    python -m benchmarks.prediction PART ... [--quick] [--write]

Parts: ``speed`` times sliding windows beside MONAI's; ``air`` counts the windows of real scans that
need no look; ``precision`` tells what 16 bits change; ``repair`` holds repaired masks against the
plain repair (largest component, cavities filled), of the shipped model and of models trained on two
and four labels; ``calibration`` fits a temperature and measures it on other cases.
``NAPARI_TOPOSEG_DATA`` names the folder of the real volumes.
"""

import sys
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
    asked = tables.asked_of(__doc__, PARTS)
    # Processor time of one thread tells two programs apart on a machine that others use too.
    torch.set_num_threads(1)
    for part in asked.parts:
        header, rows = PARTS[part]
        lines = tables.table(header, rows(quick=asked.quick))
        tables.show(f"prediction {part}", lines, PAGE if asked.write else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())

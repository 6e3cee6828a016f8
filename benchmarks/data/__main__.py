"""Time crops from the store beside MONAI's datasets and write the tables of `docs/speed.md`.

python -m benchmarks.data [PART ...] [--quick] [--write]
"""

import argparse
import importlib
import os
import sys

PARTS = ("crops", "loader")


def main() -> int:
    """Run the parts asked for, print their rows as they come, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--quick", action="store_true", help="small sizes, no figures to report")
    parser.add_argument("--write", action="store_true", help="replace the tables of docs/speed.md")
    asked = parser.parse_args()
    # Rivals get one thread, and so do we; before anything that reads this is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks.tables import header, line, write

    for part in asked.parts or PARTS:
        module = importlib.import_module(f"benchmarks.data.{part}")
        lines = []
        for row in module.rows(quick=asked.quick):
            lines.append(line(row))
            print(lines[-1], flush=True)
        if asked.write:
            write(f"data-{part}", "\n".join([*header(), *lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

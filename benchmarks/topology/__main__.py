"""Time the topology engine beside its rivals and write the tables of `docs/speed.md`.

    python -m benchmarks.topology [PART ...] [--quick] [--write]

Every rival runs in the same process as we do, in alternation, and the least of several repeats
counts on both sides, so the ratios hold on a busy machine too. ``--write`` replaces the tables of
the parts in docs/speed.md, between their markers; ``--quick`` takes small sizes, to try this out.
"""

import argparse
import importlib
import os
import platform
import sys
from importlib.metadata import version

from benchmarks.tables import header, line, write

PARTS = ("persistence", "betti", "distances", "matching", "defects", "repairs", "training_step")
RIVALS = ("gudhi", "cripser", "POT", "topolosses", "numba", "numpy", "torch")


def main() -> int:
    """Run the parts asked for, print their rows as they come, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--quick", action="store_true", help="small sizes, no figures to report")
    parser.add_argument("--write", action="store_true", help="replace the tables of docs/speed.md")
    asked = parser.parse_args()
    for part in asked.parts or PARTS:
        module = importlib.import_module(f"benchmarks.topology.{part}")
        lines = [line(row) for row in module.rows(quick=asked.quick)]
        print(*lines, sep="\n", flush=True)
        if asked.write:
            write(part, "\n".join([*header(), *lines]))
    if asked.write:
        write("machine", machine())
    return 0


def machine() -> str:
    """Say on what the figures were taken."""
    versions = ", ".join(f"{name} {version(name)}" for name in RIVALS)
    return (
        f"Measured on {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"Python {platform.python_version()}; {versions}."
    )


if __name__ == "__main__":
    sys.exit(main())

"""Time the topology engine beside its rivals and write the table of `docs/speed.md`.

    python -m benchmarks.topology [PART ...] [--quick] [--write]

Every rival runs in the same process as we do, in alternation, and the least of several repeats
counts on both sides, so the ratios hold on a busy machine too. ``--write`` replaces the table of
docs/speed.md between its markers; ``--quick`` takes small sizes, for trying this out.
"""

import argparse
import importlib
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.topology.row import Row

PARTS = ("persistence", "betti", "distances", "matching", "defects", "repairs", "training_step")
PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
RIVALS = ("gudhi", "cripser", "POT", "topolosses", "numba", "numpy", "torch")


def main() -> int:
    """Run the parts asked for, print their rows as they come, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--quick", action="store_true", help="small sizes, no figures to report")
    parser.add_argument("--write", action="store_true", help="replace the table of docs/speed.md")
    asked = parser.parse_args()
    lines = []
    for part in asked.parts or PARTS:
        module = importlib.import_module(f"benchmarks.topology.{part}")
        for row in module.rows(quick=asked.quick):
            lines.append(line(row))
            print(lines[-1], flush=True)
    if asked.write:
        write("\n".join([machine(), "", *header(), *lines]))
    return 0


def header() -> list[str]:
    """Return the head of the table."""
    return [
        "| what | ours | rival | its | ratio | wanted | met | note |",
        "|---|---|---|---|---|---|---|---|",
    ]


def line(row: Row) -> str:
    """Write a row in Markdown."""
    ours, wanted = quantity(row.ours, row.unit), f"at most {quantity(row.wanted, row.unit)}"
    rival = ratio = ""
    if row.rival is not None:
        rival, ratio, wanted = (
            quantity(row.rival, row.unit),
            f"{row.ratio:.3g}x",
            f"{row.wanted:g}x",
        )
    met = "yes" if row.met else "**no**"
    cells = (row.what, ours, row.rival_name, rival, ratio, wanted, met, row.note)
    return f"| {' | '.join(cells)} |"


def quantity(number: float, unit: str) -> str:
    """Write a time or a memory with its unit."""
    if unit == "s" and number < 1:
        return f"{number * 1000:.3g} ms"
    return f"{number:.3g} {unit}"


def machine() -> str:
    """Say on what the figures were taken."""
    versions = ", ".join(f"{name} {version(name)}" for name in RIVALS)
    return (
        f"Measured on {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"Python {platform.python_version()}; {versions}."
    )


def write(table: str) -> None:
    """Put the table between the markers of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

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
from pathlib import Path

from benchmarks.topology.row import Row

PARTS = ("persistence", "betti", "distances", "matching", "defects", "repairs", "training_step")
PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
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


def write(part: str, text: str) -> None:
    """Put a text between the markers of a part of the page."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

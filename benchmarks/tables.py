"""Tables of measured rows, in Markdown, between the markers of docs/speed.md."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.row import Row

PAGE = Path(__file__).parents[1] / "docs" / "speed.md"


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
    return written(cells)


def written(cells: Sequence[str]) -> str:
    """Write a line of a table."""
    return f"| {' | '.join(cells)} |"


def quantity(number: float, unit: str) -> str:
    """Write a time or a memory with its unit."""
    if unit == "s" and number < 1:
        return f"{number * 1000:.3g} ms"
    return f"{number:.3g} {unit}"


def write(part: str, text: str, page: Path = PAGE) -> None:
    """Put a text between the markers of a part of a page."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")

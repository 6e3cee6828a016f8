"""Tables of what was measured, in Markdown, printed and between the markers of a page."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
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


def asked_of(description: str, parts: Iterable[str]) -> argparse.Namespace:
    """Read which ``parts`` are asked for, whether ``quick``, and whether to ``write`` the docs."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=list(parts))
    parser.add_argument("--quick", action="store_true", help="short runs, no figures to report")
    parser.add_argument("--write", action="store_true", help="replace the tables of the docs")
    return parser.parse_args()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield written(header)
    yield written(["---"] * len(header))
    yield from map(written, rows)


def show(part: str, lines: Iterable[str], page: Path | None) -> None:
    """Print lines as they come, then put them into a page, if there is one."""
    shown = []
    for each in lines:
        print(each, flush=True)
        shown.append(each)
    if page is not None:
        write(part, "\n".join(shown), page=page)

"""What a comparison leaves: one table in Markdown, and every row behind it as CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from napari_toposeg.comparison.judging import RAW, read_judgement
from napari_toposeg.comparison.running import Comparison
from napari_toposeg.comparison.table import BETTI, EXACT, Cell, cells_of
from napari_toposeg.comparison.trials import counted
from napari_toposeg.config import write_atomically

COLUMNS = {
    "dice": ("Dice", 4),
    "hausdorff95": ("HD95 (mm)", 2),
    BETTI: ("Betti error", 2),
    EXACT: ("exact", 2),
}
"""Metrics of the table: heading and digits."""

AGAINST = ("dice", "hausdorff95", EXACT)
"""Metrics whose differences are told."""


def write_results(comparison: Comparison) -> dict[str, str]:
    """Write table and rows of what has been judged until now; return file -> what it holds."""
    folder, cells = comparison.config.output, cells_of(comparison)
    write_atomically(folder / "table.md", markdown(comparison, cells).encode())
    write_rows(comparison, folder / "rows.csv")
    return {"table.md": "means and differences", "rows.csv": "every case, class and mask"}


def markdown(comparison: Comparison, cells: Sequence[Cell]) -> str:
    """Return the table of means, and that of differences, in Markdown."""
    parts = [table(means_header(), means(cells))]
    rivals = comparison.config.rivals or (comparison.config.every_arm[0].name,)
    parts += [
        f"Ahead of {rival}, paired by seed and case:\n\n" + table(*differences(cells, rival))
        for rival in rivals
    ]
    return "\n\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """Return rows as a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def means_header() -> list[str]:
    """Return the headings of the table of means."""
    return ["labels", "arm", "mask", *(name for name, _ in COLUMNS.values()), "seeds", "CPU s"]


def means(cells: Sequence[Cell]) -> Iterator[list[str]]:
    """Yield a line for each arm, count and mask."""
    for cell in cells:
        yield [
            counted(cell.count),
            cell.arm,
            cell.mask,
            *(shown(cell.mean(metric), digits) for metric, (_, digits) in COLUMNS.items()),
            str(len(cell.seeds)),
            f"{cell.seconds:.0f}" if cell.mask == RAW else "",
        ]


def differences(cells: Sequence[Cell], rival: str) -> tuple[list[str], Iterator[list[str]]]:
    """Return headings and lines of what each arm is ahead of a rival."""
    header = ["labels", "arm", "mask", *(COLUMNS[metric][0] for metric in AGAINST), "seeds"]
    rivals: Mapping[tuple[int, str], Cell] = {
        (cell.count, cell.mask): cell for cell in cells if cell.arm == rival
    }

    def lines() -> Iterator[list[str]]:
        for cell in cells:
            other = rivals.get((cell.count, cell.mask))
            if other is None or cell.arm == rival or not set(cell.seeds) & set(other.seeds):
                continue
            told = (shown(cell.difference(other, m), COLUMNS[m][1], signed=True) for m in AGAINST)
            seeds = str(len(set(cell.seeds) & set(other.seeds)))
            yield [counted(cell.count), cell.arm, cell.mask, *told, seeds]

    return header, lines()


def shown(value: Mapping[str, float], digits: int, *, signed: bool = False) -> str:
    """Return a mean with its interval, and how many values are not defined."""
    form = f"{'+' if signed else ''}.{digits}f"
    text = f"{value['mean']:{form}} ({value['low']:{form}} to {value['high']:{form}})"
    return text + (f", {value['undefined']:.0f} not defined" if value["undefined"] else "")


def write_rows(comparison: Comparison, path: Path) -> None:
    """Write every measured row as CSV."""
    rows = [
        {"arm": trial.arm, "labels": counted(trial.count), "seed": trial.seed} | row
        for trial in comparison.trials
        if comparison.is_done(trial) and (judgement := read_judgement(trial))
        for row in judgement.rows
    ]
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())

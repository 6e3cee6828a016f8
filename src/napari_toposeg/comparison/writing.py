"""What a comparison leaves: tables in Markdown, few-label curves, a page, and every row as CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_toposeg.comparison.columns import columns_of
from napari_toposeg.comparison.curves import PAPERS, plot_curves
from napari_toposeg.comparison.running import Comparison
from napari_toposeg.comparison.summary import tables_of
from napari_toposeg.comparison.table import cells_of
from napari_toposeg.comparison.trials import counted
from napari_toposeg.config import write_atomically
from napari_toposeg.reports import Report, Section, Table, write_page

MASKS = (
    "raw: each voxel has its most probable class; fix: of each class the largest component, its "
    "cavities filled; repaired: changed as little as was found to the wanted Betti numbers.",
    "Betti numbers are of a 26-connected foreground. exact: the share of cases in which all Betti "
    "numbers of every class and of their union are the truth's.",
)


def write_results(comparison: Comparison) -> dict[str, str]:
    """Write what has been judged until now; return file -> what it holds."""
    folder, cells = comparison.config.output, cells_of(comparison)
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(rows_of(comparison), folder / "rows.csv")
    files = {"rows.csv": "every case, class and mask"}
    if not cells:
        return files
    tables = tables_of(comparison, cells)
    write_atomically(folder / "table.md", markdown(tables).encode())
    columns = columns_of(comparison.config)
    for theme in PAPERS:
        plot_curves(cells, columns, folder / f"curves-{theme}.png", theme=theme)
    write_page(folder / "report.html", page(comparison, tables, folder / "curves-light.png"))
    return files | {
        "table.md": "means and differences",
        "curves-light.png": "few-label curves (and curves-dark.png)",
        "report.html": "all of it on one page",
    }


def markdown(tables: Sequence[Table]) -> str:
    """Return tables in Markdown."""
    return "\n\n".join(f"{table.caption}\n\n{lines_of(table)}" for table in tables) + "\n"


def lines_of(table: Table) -> str:
    """Return one table in Markdown."""
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def page(comparison: Comparison, tables: Sequence[Table], picture: Path) -> Report:
    """Return the page."""
    config, cases = comparison.config, comparison.cases
    done = sum(map(comparison.is_done, comparison.trials))
    what = (
        f"{len(config.every_arm)} arms; {len(cases.pool)} cases to learn from, "
        f"{len(cases.validation)} that choose checkpoints, {len(cases.test)} that are judged",
        *MASKS,
    )
    unfinished = (f"{done} of {len(comparison.trials)} runs are done; the figures are of these.",)
    return Report(
        title="Comparison",
        subtitle=f"{len(config.seeds)} seeds, {', '.join(map(counted, config.counts))} labels",
        warnings=unfinished if done < len(comparison.trials) else (),
        sections=(
            Section(
                "Few-label curves", what, picture, "Means with 95 % intervals over seeds and cases."
            ),
            Section("Tables", tables=tuple(tables)),
        ),
    )


def rows_of(comparison: Comparison) -> Iterator[Mapping[str, Any]]:
    """Yield every row that was measured."""
    for trial in comparison.trials:
        judgement = comparison.judgement(trial)
        run = {"arm": trial.arm, "labels": counted(trial.count), "seed": trial.seed}
        yield from (run | row for row in (judgement.rows if judgement else ()))


def write_rows(rows: Iterator[Mapping[str, Any]], path: Path) -> None:
    """Write rows as CSV, under the names of all of them."""
    every = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(
        text, list(dict.fromkeys(name for row in every for name in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(every)
    write_atomically(path, text.getvalue().encode())

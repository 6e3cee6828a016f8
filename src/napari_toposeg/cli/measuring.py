"""The measure command: label maps against the truth, as a table, as JSON, as a page."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_toposeg.cli.answers import Answer, aligned
from napari_toposeg.cli.flags import Commands

if TYPE_CHECKING:
    from napari_toposeg.metrics import MeasureTable
    from napari_toposeg.reports import Report

HEADINGS = {
    "dice": "Dice",
    "hausdorff95": "HD95 (mm)",
    "surface_dice": "surface Dice",
    "cldice": "clDice",
    "betti_error_0": "error of b0",
    "betti_error_1": "error of b1",
    "betti_error_2": "error of b2",
    "betti_exact": "all Betti numbers right",
}


def add_measure(commands: Commands) -> None:
    """Add ``measure`` and its flags."""
    text = "compare label maps with the truth"
    parser = commands.add_parser("measure", help=text, description=f"{text[0].upper()}{text[1:]}.")
    for flag, words in (
        ("--prediction", "folder of label maps, or one (required)"),
        ("--truth", "true label maps of the same file names (required)"),
    ):
        parser.add_argument(flag, type=Path, required=True, metavar="DIR", help=words)
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME", help="names of the labels 1, 2, ... in order"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1.0,
        metavar="X",
        help="distance within which surfaces agree, in mm (default: 1.0)",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const=True,
        default=False,
        type=Path,
        metavar="FILE",
        help="write the figures as JSON; without FILE print them, and nothing else",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with the tables")
    parser.set_defaults(run=measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Measure every case that has both a prediction and a truth."""
    from napari_toposeg.metrics import measure_folders
    from napari_toposeg.reports import write_page

    table = measure_folders(
        arguments.prediction, arguments.truth, arguments.classes, tolerance=arguments.tolerance
    )
    if isinstance(arguments.json, Path):
        table.to_json(arguments.json)
    if arguments.html is not None:
        write_page(arguments.html, page(table))
    text = [aligned([columns(), *summary_rows(table)]), *remarks(table)]
    return Answer("\n".join(text), table.to_dict())


def columns() -> tuple[str, ...]:
    """Return the headings of the summary."""
    return ("class", "cases", *HEADINGS.values())


def summary_rows(table: "MeasureTable") -> Iterator[tuple[str, ...]]:
    """Yield one row for each class: means with their intervals."""
    for name, measures in table.summary().items():
        cases = max(int(measure["cases"] + measure["infinite"]) for measure in measures.values())
        yield (name, str(cases), *(interval(measures[metric]) for metric in HEADINGS))


def interval(measure: Mapping[str, float]) -> str:
    """Return a mean and its interval, and how many cases have no value."""
    mean, low, high = (measure[key] for key in ("mean", "low", "high"))
    text = "–" if mean != mean else f"{mean:.3g}"
    text += "" if low != low else f" [{low:.3g}, {high:.3g}]"
    return text + (f" ({measure['infinite']:.0f} infinite)" if measure["infinite"] else "")


def remarks(table: "MeasureTable") -> list[str]:
    """Say how the figures are to be read, and which cases have no partner."""
    lines = [
        "means over cases, with 95 % bootstrap intervals",
        f"surface Dice: share of both surfaces within {table.tolerance:g} mm of the other",
        f"Betti errors: |difference|, foreground {table.connectivity}-connected",
    ]
    for what, names in (("prediction", table.only_prediction), ("truth", table.only_truth)):
        if names:
            lines.append(f"only a {what}, not measured: {', '.join(names)}")
    return lines


def page(table: "MeasureTable") -> "Report":
    """Return the page of a table."""
    from napari_toposeg.reports import Report, Section, Table

    rows: list[tuple[Any, ...]] = [
        (row["case"], row["class"], *(row[metric] for metric in HEADINGS)) for row in table.rows
    ]
    return Report(
        "Label maps against the truth",
        sections=(
            Section(
                "Means over cases",
                (". ".join(remarks(table)) + ".",),
                tables=(Table(columns(), list(summary_rows(table))),),
            ),
            Section("Cases", tables=(Table(("case", "class", *HEADINGS.values()), rows),)),
        ),
    )

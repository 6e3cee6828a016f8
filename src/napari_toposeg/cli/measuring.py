"""The measure command: label maps against the truth, as tables, as CSV, as JSON, as a page."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_toposeg.cli.answers import Answer, aligned
from napari_toposeg.cli.flags import Commands, add_flags, read_settings
from napari_toposeg.config import MeasureConfig

if TYPE_CHECKING:
    from napari_toposeg.reports import Table


def add_measure(commands: Commands) -> None:
    """Add ``measure`` and its flags."""
    text = "compare label maps with the truth, and models with each other"
    parser = commands.add_parser("measure", help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_flags(parser, MeasureConfig)
    parser.add_argument(
        "--json",
        nargs="?",
        const=True,
        default=False,
        type=Path,
        metavar="FILE",
        help="write the figures as JSON; without FILE print them, and nothing else",
    )
    parser.set_defaults(run=measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Measure every case that has both a prediction and a truth."""
    config = read_settings(arguments, MeasureConfig)
    from napari_toposeg.metrics import measure
    from napari_toposeg.reports.measured_page import write_measured_page
    from napari_toposeg.reports.measured_tables import (
        calibration_tables,
        means_tables,
        paired_tables,
        reading,
    )

    measured = measure(config)
    if isinstance(arguments.json, Path):
        measured.to_json(arguments.json)
    if config.csv is not None:
        measured.to_csv(config.csv)
    if config.html is not None:
        write_measured_page(config.html, measured, config)
    tables = [
        *means_tables(measured, by_class=False),
        *paired_tables(measured.tests()),
        *calibration_tables(measured),
    ]
    text = [*map(written, tables), "\n".join(reading(measured))]
    return Answer("\n\n".join(text), measured.to_dict())


def written(table: "Table") -> str:
    """Return a table as lines, its caption above."""
    return aligned([(table.caption or " ", *table.columns[1:]), *table.rows])

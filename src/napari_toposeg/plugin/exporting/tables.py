"""Tables as CSV: each column says its unit, and every row how voxels were joined.

The one idea: a table that lies alone in a folder must still tell what its numbers are. Places stand
twice, as voxel of the layer and in millimetres of the patient. No Qt here.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import write_atomically
from napari_toposeg.errors import UnwritableFile
from napari_toposeg.metrics import ClassTopology
from napari_toposeg.plugin.topology.errors.comparison import Comparison
from napari_toposeg.plugin.topology.errors.repairing import COLUMNS as EDIT_COLUMNS
from napari_toposeg.plugin.topology.errors.repairing import Proposal

Affine = NDArray[np.float64]
JOINED = ("foreground_connectivity", "background_connectivity")
IN_PATIENT = ("right_mm", "anterior_mm", "superior_mm")
NAMES = {"mm3": "volume_mm3", "z": "voxel_z", "y": "voxel_y", "x": "voxel_x"}
"""Columns of the lists in the dock that say too little where they stand alone."""


@dataclass(frozen=True)
class ExportTable:
    """Columns with their names, and rows of numbers and words."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def numbers_table(comparison: Comparison) -> ExportTable:
    """Return the Betti numbers of each class, and their errors.

    ``against_b0`` is the truth's, the other label map's or the wanted number; ``error_b0`` is the
    number less that one.
    """
    columns = tuple(column.replace(" ", "_") for column in comparison.number_columns)
    joined = (comparison.connectivity, 32 - comparison.connectivity)
    rows = ((*row, comparison.against, *joined) for row in comparison.number_rows())
    return ExportTable((*columns, "compared_with", *JOINED), tuple(rows))


def errors_table(comparison: Comparison, affine: Affine | None = None) -> ExportTable:
    """Return the errors, one a row.

    Parameters
    ----------
    affine
        Of the layer, index ``(x, y, z, 1)`` to RAS+ mm; adds the place in the patient.
    """
    return placed(comparison.columns, comparison.rows(), comparison.connectivity, affine)


def edits_table(
    proposal: Proposal,
    connectivity: int,
    names: Mapping[int, str] | None = None,
    affine: Affine | None = None,
) -> ExportTable:
    """Return the edits of a repair, one a row, with whether each is taken."""
    return placed(EDIT_COLUMNS, proposal.rows(names), connectivity, affine)


def placed(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    connectivity: int,
    affine: Affine | None,
) -> ExportTable:
    """Return a list of the dock with full names, places in the patient, and how it was joined."""
    named = tuple(NAMES.get(column, column.replace(" ", "_")) for column in columns)
    at = [columns.index(axis) for axis in "xyz"]

    def place(row: Sequence[Any]) -> tuple[float, ...]:
        if affine is None:
            return ()
        voxel = np.array([*(row[index] for index in at), 1.0])
        return tuple(round(float(mm), 3) for mm in (affine @ voxel)[:3])

    full = ((*row, *place(row), connectivity, 32 - connectivity) for row in rows)
    return ExportTable((*named, *(IN_PATIENT if affine is not None else ()), *JOINED), tuple(full))


def features_table(
    features: Mapping[str, NDArray[Any]], connectivity: str, unit: str = ""
) -> ExportTable:
    """Return the features of a diagram, one a row.

    Parameters
    ----------
    features
        Columns of equal length by name.
    connectivity
        Of the growing set, in words.
    unit
        Of births and deaths; ``"HU"`` for CT.
    """
    grey = {name: f"{name}_{unit}" for name in ("birth", "death", "persistence") if unit}
    voxel = {f"{end}_{axis}": f"{end}_voxel_{axis}" for end in ("birth", "death") for axis in "zyx"}
    columns = tuple((grey | voxel).get(name, name) for name in features)
    rows = zip(*(each.tolist() for each in features.values()), strict=True)
    return ExportTable((*columns, "joined"), tuple((*row, connectivity) for row in rows))


def classes_table(classes: Sequence[ClassTopology]) -> ExportTable:
    """Return volume and Betti numbers of each class of a label map."""
    rows = ((one.label, one.name, one.millilitres, *one.betti, 26, 6) for one in classes)
    return ExportTable(("label", "class", "volume_ml", "b0", "b1", "b2", *JOINED), tuple(rows))


def write_csv(table: ExportTable, path: str | Path) -> Path:
    """Write a table as CSV (UTF-8, comma, dot), whole or not at all.

    Raises
    ------
    UnwritableFile
        If the file cannot be written.
    """
    path = Path(path).expanduser()
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows([cell(value) for value in row] for row in table.rows)
    try:
        write_atomically(path, text.getvalue().encode())
    except OSError as error:
        raise UnwritableFile.because_of(error, path) from error
    return path


def cell(value: Any) -> Any:
    """Return a value as it stands in a table: nothing for what is unknown or infinite."""
    match value:
        case bool() | np.bool_():
            return "yes" if value else "no"
        case float() | np.floating():
            return f"{value:.9g}" if np.isfinite(value) else ""
        case str() if value[:1] in "=+-@" and value:
            # A spreadsheet would take a class of such a name for a formula.
            return f"'{value}"
    return value

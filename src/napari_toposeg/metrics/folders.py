"""Folders of label maps against the true ones: files are cases, matched by name."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from napari_toposeg import io
from napari_toposeg.config import PARTS
from napari_toposeg.errors import ShapeMismatch, UnreadableFile
from napari_toposeg.metrics.cases import TOLERANCE, measure_case, measure_exactness
from napari_toposeg.metrics.tables import MeasureTable, Row

PROBABILITY = "_probability"
BESIDE = (PROBABILITY, "_uncertainty", "_disagreement")
"""Endings of what ``predict`` writes beside a label map."""
"""Ending of the names of probability maps, which may lie beside the label maps."""


def measure_folders(
    prediction: Path | str,
    truth: Path | str,
    classes: Sequence[str] | None = None,
    *,
    tolerance: float = TOLERANCE,
    parts: Collection[str] = PARTS,
    seed: int = 0,
) -> MeasureTable:
    """Measure every case that has both a predicted and a true label map of one name.

    Parameters
    ----------
    prediction, truth
        Folders of label maps (or one file each), matched by file name without its ending.
    classes
        Names of the labels 1, 2, ...; by default the numbers of all labels that occur in a case.
    tolerance
        Of the surface Dice, in mm.
    parts
        What to measure, of `PARTS`; by default everything.
    seed
        Of the bootstrap.

    Raises
    ------
    UnreadableFile
        If a path holds no volume, or no name occurs in both folders.
    ShapeMismatch
        If the two maps of a case do not share a grid.
    InvalidVolume
        If a file is no label map.
    InvalidConfig
        If a part is unknown, a class named twice or the tolerance negative.
    """
    predictions, truths = label_maps(prediction), label_maps(truth)
    names = [name for name in truths if name in predictions]
    if not names:
        raise UnreadableFile(
            f"no file name occurs in both folders: {prediction} has {listed(predictions)} and "
            f"{truth} has {listed(truths)}; give prediction and truth of a case the same name"
        )
    rows: list[Row] = []
    exact = {}
    for name in names:
        found = io.read_volume(predictions[name], modality="label")
        true = io.read_volume(truths[name], modality="label")
        try:
            measured = measure_case(found, true, classes, tolerance=tolerance, parts=parts)
        except ShapeMismatch as error:
            raise ShapeMismatch(f"case {name}: {error}") from error
        rows += [{"case": name, "class": label} | values for label, values in measured.items()]
        if "betti" in parts:
            exact[name] = measure_exactness(found, true, classes)
    table = MeasureTable(
        tuple(rows),
        cases=tuple(names),
        exact=exact,
        parts=tuple(part for part in PARTS if part in parts),
        tolerance=tolerance,
        only_prediction=tuple(name for name in predictions if name not in truths),
        only_truth=tuple(name for name in truths if name not in predictions),
        seed=seed,
    )
    return table.completed(classes_of([table])) if classes is None else table


def classes_of(tables: Iterable[MeasureTable]) -> list[str]:
    """Return the numbers of the labels that occur in any table, in order."""
    return sorted({name for table in tables for name in table.classes}, key=int)


def label_maps(path: Path | str) -> dict[str, Path]:
    """Return the label maps at a path by the names of their cases."""
    found = io.list_cases(Path(path))
    return {name: file for name, file in found.items() if not name.endswith(BESIDE)}


def listed(cases: Collection[str]) -> str:
    """Name the first cases, for a message."""
    names = list(cases)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

"""The tables of a comparison in words: means with intervals, and what arms are ahead of rivals."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from napari_toposeg.comparison.columns import DIGITS, columns_of
from napari_toposeg.comparison.judging import RAW
from napari_toposeg.comparison.running import Comparison
from napari_toposeg.comparison.spending import read_spent
from napari_toposeg.comparison.table import Cell
from napari_toposeg.comparison.trials import Pretraining, counted
from napari_toposeg.reports import Table


def tables_of(comparison: Comparison, cells: Sequence[Cell]) -> list[Table]:
    """Return the table of means, and one of differences for each rival."""
    columns = columns_of(comparison.config)
    rivals = comparison.config.rivals or (comparison.config.every_arm[0].name,)
    tables = [
        means(cells, columns),
        *(differences(cells, rival, columns) for rival in rivals),
        pretrainings(comparison),
    ]
    return [table for table in tables if table.rows]


def means(cells: Sequence[Cell], columns: Mapping[str, str]) -> Table:
    """Return a line for each count, arm and mask."""
    rows = [
        (
            counted(cell.count),
            cell.arm,
            cell.mask,
            *(shown(cell.mean(metric), metric) for metric in columns),
            str(len(cell.seeds)),
            f"{cell.seconds:.0f}" if cell.mask == RAW else "",
        )
        for cell in cells
    ]
    names = ("labels", "arm", "mask", *columns.values())
    return Table(
        (*names, "seeds", "CPU s"),
        rows,
        "Means over seeds and test cases, with 95 % intervals over both (of one seed, over cases "
        "alone). CPU s: processor seconds of one fine-tuning.",
    )


def differences(cells: Sequence[Cell], rival: str, columns: Mapping[str, str]) -> Table:
    """Return what each arm has more than a rival, on the same labelled cases and test cases."""
    others = {(cell.count, cell.mask): cell for cell in cells if cell.arm == rival}
    rows = [
        (
            counted(cell.count),
            cell.arm,
            cell.mask,
            *(shown(cell.difference(other, metric), metric, sign="+") for metric in columns),
            str(len(cell.common(other))),
        )
        for cell, other in pairs(cells, others, rival)
    ]
    names = ("labels", "arm", "mask", *columns.values(), "seeds")
    return Table(names, rows, f"Differences to {rival}, paired by seed and test case.")


def pairs(
    cells: Sequence[Cell], others: Mapping[tuple[int, str], Cell], rival: str
) -> Iterator[tuple[Cell, Cell]]:
    """Yield each arm with its rival at the same count, of the same kind of mask."""
    for cell in cells:
        other = others.get((cell.count, cell.mask))
        if other is not None and cell.arm != rival and cell.common(other):
            yield cell, other


def pretrainings(comparison: Comparison) -> Table:
    """Return what each pretraining took."""
    made: dict[str, Pretraining] = {
        trial.pretraining.digest: trial.pretraining
        for trial in comparison.trials
        if trial.pretraining is not None
    }
    arms = {
        digest: ", ".join(
            dict.fromkeys(
                trial.arm
                for trial in comparison.trials
                if trial.pretraining is not None and trial.pretraining.digest == digest
            )
        )
        for digest in made
    }
    spent = {digest: read_spent(each.folder) for digest, each in made.items()}
    rows = [
        (
            arms[digest],
            each.config.objective,
            each.config.steps,
            f"{spent[digest]['cpu_seconds']:.0f}",
        )
        for digest, each in made.items()
        if "cpu_seconds" in spent[digest]
    ]
    return Table(("arms", "objective", "steps", "CPU s"), rows, "Pretrainings, each made once.")


def shown(value: Mapping[str, float], metric: str, *, sign: str = "") -> str:
    """Return a mean with its interval as far as they are known, and how many values are not."""
    form = f"{sign}.{DIGITS.get(metric, 3)}f"
    mean, low, high = (f"{value[name]:{form}}" for name in ("mean", "low", "high"))
    text = "–" if isnan(value["mean"]) else mean
    text += "" if isnan(value["low"]) else f" ({low} to {high})"
    return text + (f", {value['undefined']:.0f} not defined" if value["undefined"] else "")

"""Tables of a measurement for people: means with intervals, tests between models, calibration.

The one idea: the command line and the page print the same cells.
"""

from collections.abc import Iterator, Mapping, Sequence

from napari_toposeg.metrics import MEAN, Measured, MeasureTable, PairedTest, metric_named
from napari_toposeg.metrics.calibration import NEAR
from napari_toposeg.metrics.folders import listed
from napari_toposeg.reports.page import Table

ABREAST = 4
"""Columns of figures that stand beside each other at most."""


def means_tables(measured: Measured, *, by_class: bool = True) -> list[Table]:
    """Return the means over cases: of one model by class, of several by model.

    Parameters
    ----------
    by_class
        Whether tables of several models come for each class too, after that over classes.
    """
    tables = measured.tables
    if len(tables) == 1:
        summary = measured.first.summary()
        columns = [*measured.classes, *([MEAN] if len(measured.classes) > 1 else [])]
        whole = summary[MEAN] if len(columns) == 1 else {}
        cells = {name: summary[name] | (whole if name == columns[0] else {}) for name in columns}
        return list(abreast(cells, measured.first, ""))
    summaries = {name: table.summary() for name, table in tables.items()}
    return [
        table
        for of in (MEAN, *(measured.classes if by_class and len(measured.classes) > 1 else ()))
        for table in abreast(
            {name: summary.get(of, {}) for name, summary in summaries.items()},
            measured.first,
            "Mean over classes" if of == MEAN else f"Class {of}",
        )
    ]


def abreast(
    columns: Mapping[str, Mapping[str, Mapping[str, float]]], of: MeasureTable, caption: str
) -> Iterator[Table]:
    """Yield tables of a metric a row, with a few columns each."""
    names = list(columns)
    for start in range(0, len(names), ABREAST):
        few = names[start : start + ABREAST]
        rows = [
            (metric.heading, *(interval(columns[name].get(metric.name)) for name in few))
            for metric in of.case_metrics
            if any(metric.name in columns[name] for name in few)
        ]
        yield Table(("", *few), rows, caption)


def interval(measure: Mapping[str, float] | None) -> str:
    """Return a mean and its interval, and how many cases have no value."""
    if measure is None:
        return "–"
    mean, low, high = (measure[key] for key in ("mean", "low", "high"))
    text = "–" if mean != mean else f"{mean:.3f}"
    text += "" if low != low else f" [{low:.3f}, {high:.3f}]"
    return text + (f" ({measure['infinite']:.0f} infinite)" if measure.get("infinite") else "")


def paired_tables(tests: Mapping[str, Sequence[PairedTest]], of: str = "") -> list[Table]:
    """Return a table for each pair of models.

    Parameters
    ----------
    tests
        Metric -> tests, as `Measured.tests` has them.
    of
        The class they are of, for the caption.
    """
    pairs: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for metric, of_metric in tests.items():
        for test in of_metric:
            row = (metric_named(metric).heading, *test_cells(test))
            pairs.setdefault((test.first, test.second), []).append(row)
    columns = ("", "difference", "p", "p, Holm", "better")
    return [
        Table(columns, rows, f"{first} minus {second}{of and f', class {of}'}")
        for (first, second), rows in pairs.items()
    ]


def test_cells(test: PairedTest) -> tuple[str, str, str, str]:
    """Return difference with interval, p, adjusted p, and the better model."""
    found = {"mean": test.difference, "low": test.low, "high": test.high, "infinite": test.infinite}
    return interval(found), probability(test.p), probability(test.adjusted), test.better or "–"


def probability(p: float) -> str:
    """Return a p value."""
    if p != p:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def calibration_tables(measured: Measured) -> list[Table]:
    """Return the calibration of each model: means over cases, by region."""
    tables = []
    for name, calibration in measured.calibration.items():
        for region, found in calibration.summary().items():
            rows = [
                (
                    what,
                    interval(figures["expected_calibration_error"]),
                    interval(figures["brier"]),
                )
                for what, figures in found.items()
            ]
            title = f"{region}" if len(measured.tables) == 1 else f"{name}, {region}"
            tables.append(Table(("", "calibration error", "Brier score"), rows, title))
    return tables


def reading(measured: Measured) -> list[str]:
    """Say how the figures are to be read, and which cases have no partner."""
    table, parts = measured.first, measured.first.parts
    counts = {name: len(table.case_rows()) for name, table in measured.tables.items()}
    lines = [f"Means over {cases_text(counts)}, with 95 % bootstrap intervals"]
    if "surface" in parts:
        tolerance = f"{table.tolerance:g} mm"
        lines.append(f"Surface Dice: share of both surfaces within {tolerance} of the other")
    if {"betti", "matching", "defects"} & set(parts):
        lines.append(f"Topology: foreground {table.connectivity}-connected, background 6-connected")
    if "betti" in parts:
        lines.append("Errors of b0, b1, b2 (components, loops, cavities): |difference|")
        lines.append("Exact: share of cases with all Betti numbers of the truth")
    if len(measured.tables) > 1:
        lines.append(
            "Difference: of each case, mean over cases with a paired bootstrap interval; p: "
            "Wilcoxon's signed-rank test, and Holm's correction for all pairs of models; better: "
            "where p < 0.05, the interval leaves out 0 and the ranks have the difference's sign"
        )
        if "surface" in parts:
            lines.append(
                "Infinite in one model (one mask empty): in p the largest difference, in no mean"
            )
    if measured.calibration:
        lines.append(
            "Calibration error: mean distance of probability and share of truth in 15 bins of "
            f"equal width; near: in the box about the truth, {NEAR:g} mm wider"
        )
    return [*lines, *lonely(measured)]


def cases_text(counts: Mapping[str, int]) -> str:
    """Say how many cases there are, of each model where they differ."""
    if len(set(counts.values())) == 1:
        return f"{next(iter(counts.values()))} cases"
    return ", ".join(f"{count} cases of {name}" for name, count in counts.items())


def lonely(measured: Measured) -> Iterator[str]:
    """Say how many cases have no partner, and name the first."""
    for name, table in measured.tables.items():
        of = f" of {name}" if len(measured.tables) > 1 else ""
        for what, names in (("prediction", table.only_prediction), ("truth", table.only_truth)):
            if names:
                yield f"{len(names)} cases have only a {what}, not measured{of}: {listed(names)}"

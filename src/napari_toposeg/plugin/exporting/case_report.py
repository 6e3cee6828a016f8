"""The report of a case, gathered from the tabs and written in the background."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names, same_grid
from napari_toposeg.plugin.canvas.lazy import WHOLE, finest, is_lazy, load, load_run
from napari_toposeg.plugin.canvas.sources import model_of
from napari_toposeg.plugin.exporting.actions import classes_run
from napari_toposeg.plugin.exporting.gathering import Sources
from napari_toposeg.plugin.topology.diagram.text import headline
from napari_toposeg.plugin.topology.errors.comparison import Comparison
from napari_toposeg.plugin.topology.errors.repairing import COLUMNS, NUMBER_COLUMNS, Proposal
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.reports import Case, ErrorView, Judged, Table, write_case_page

MOST_VIEWS = 6


def gather_case(sources: Sources, inputs: Mapping[str, Any]) -> Case:
    """Return what a page tells of, as it is now.

    Parameters
    ----------
    inputs
        What stands in the forms of the dock, by name.

    Raises
    ------
    InvalidConfig
        If no scan is open.
    """
    session, topology = sources.session, sources.topology
    scan = session.image_layer
    if scan is None:
        raise InvalidConfig("there is no scan to report on; open one first")
    image = session.volume_of(scan, read=False)
    low, high = scan.contrast_limits
    settings = settings_of(inputs, parts_of(sources))
    case = Case(image, (float(low), float(high)), settings=settings)
    labels = sources.labels()
    result = topology.comparison.result
    if result is not None and fits(topology.comparison.source, scan):
        labels = topology.comparison.source
        judged = judged_of(result, topology.comparison.judged, topology.comparison.truth.layer)
        case = replace(case, judged=judged, connectivity=result.connectivity)
    if labels is not None and fits(labels, scan):
        volume = session.volume_of(labels, read=False)
        names, facts = class_names(labels), facts_of(labels)
        case = replace(case, labels=volume, names=names, model=facts)
    return with_repair(with_diagram(case, sources), topology.repair.proposal)


def fits(layer: Any, scan: Any) -> bool:
    """Tell whether a layer lies on the grid of the scan."""
    return layer is not None and same_grid(layer, scan)


def judged_of(result: Comparison, mask: Any, other: Any) -> Judged:
    """Return what a comparison found in a label map, the worst errors first.

    Parameters
    ----------
    mask
        The label map as it was judged.
    other
        Layer of the label map that it was held against; it may not be in memory yet.
    """
    numbers = Table(result.number_columns, list(result.number_rows()))
    held = result.against in ("truth", "reference") and other is not None
    beside = finest(other) if held else None
    defects = result.defects
    if defects is None:
        return Judged(result.against, numbers, mask=mask)
    critical = np.flatnonzero(defects.is_critical)
    worst = critical[np.lexsort((-defects.size[critical], -defects.cost[critical]))]
    every = list(result.rows())
    views = [
        ErrorView(f"{defects.kind[row]}, {defects.volume[row]:.3g} mm³", defects.voxels_of(row))
        for row in worst[:MOST_VIEWS].tolist()
    ]
    errors = Table(result.columns, [every[row] for row in worst.tolist()])
    return Judged(result.against, numbers, errors, views, mask, beside)


def with_diagram(case: Case, sources: Sources) -> Case:
    """Return the case with the diagram that is shown, if there is one."""
    panel = sources.topology.diagram
    if panel.found is None or panel.features is None:
        return case
    found = panel.found
    rows = panel.rows()
    least = float(np.min(rows["persistence"])) if len(rows["persistence"]) else 0.0
    names = [layer.name for layer in panel.link.layers]
    return replace(
        case,
        diagram=found.diagram,
        diagram_of=headline(panel.features, names).replace("\n", "; "),
        unit=sources.unit(),
        # What the slider hides is left out here too.
        least=float(np.nextafter(least, -np.inf)) if np.isfinite(least) else 0.0,
    )


def with_repair(case: Case, proposal: Proposal | None) -> Case:
    """Return the case with a repair, if one is proposed."""
    if proposal is None:
        return case
    numbers = Table(NUMBER_COLUMNS, list(proposal.number_rows(case.names)))
    edits = Table(COLUMNS, list(proposal.rows(case.names)))
    return replace(case, repair=(numbers, edits))


def facts_of(labels: Any) -> dict[str, Any]:
    """Return what is known of the model that made a layer."""
    name = model_of(labels)
    return {"name": name} if name else {}


def card_facts(name: str) -> dict[str, Any]:
    """Return the facts of a model's card that a reader needs; its name alone where it is gone."""
    from napari_toposeg.errors import InvalidCheckpoint
    from napari_toposeg.learning.cards import load_card

    try:
        card = load_card(name)
    except InvalidCheckpoint:
        return {"name": name}
    facts = {
        "name": name,
        "classes": ", ".join(card.classes),
        "made for": card.modality,
        "window in voxels (z, y, x)": card.crop,
        "voxel size in mm (z, y, x)": card.spacing,
        "intended use": card.intended_use,
        "trained on": card.data,
        "licence": card.licence,
        "made with": card.made_with,
    }
    return {key: value for key, value in facts.items() if value}


def parts_of(sources: Sources) -> tuple[str, ...]:
    """Return the forms whose results a page tells of, by the beginning of their inputs' names."""
    topology = sources.topology
    there = {
        "segment.": any(model_of(layer) for layer in sources.session.viewer.layers),
        "topology.comparison.form.": topology.comparison.result is not None,
        "topology.diagram.form.": topology.diagram.found is not None,
        "topology.repair.form.": topology.repair.proposal is not None,
    }
    return tuple(part for part, shown in there.items() if shown)


def settings_of(inputs: Mapping[str, Any], parts: tuple[str, ...]) -> dict[str, Any]:
    """Return the inputs that a result depends on."""
    return {key: value for key, value in inputs.items() if key.startswith(parts)}


def read_other(judged: Judged) -> Run[Judged]:
    """Return what was found with the other label map in memory."""
    if judged.other is None or not is_lazy(judged.other):
        return judged
    message = tr("Reading the other label map")
    other = yield from follow(partial(load, judged.other, WHOLE), message)
    return replace(judged, other=other)


def report_run(case: Case, path: str | Path) -> Run[Path]:
    """Count the classes, draw the pictures and write the page, in the background."""
    path = Path(path).expanduser()
    case = replace(case, image=(yield from load_run(case.image)))
    if case.judged is not None:
        case = replace(case, judged=(yield from read_other(case.judged)))
    if case.labels is not None:
        labels = yield from load_run(case.labels)
        # A copy: a person may go on painting while the page is written.
        case = replace(case, labels=labels.with_voxels(labels.voxels.copy()))
        counted = yield from classes_run(labels, case.names)
        rows = [(one.label, one.name, one.millilitres, *one.betti) for one in counted]
        columns = ("label", "class", "volume in ml", "b0", "b1", "b2")
        case = replace(case, classes=Table(columns, rows))
    if case.model:
        case = replace(case, model=card_facts(case.model["name"]))
    write = partial(write_case_page, path, case)
    message = tr("Writing the report")
    return (yield from follow(lambda report: write(report=report), message))

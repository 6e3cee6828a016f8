"""The report of a case, gathered from the tabs and written in the background."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names, same_grid
from napari_toposeg.plugin.canvas.lazy import WHOLE, is_lazy, load, load_run
from napari_toposeg.plugin.canvas.sources import model_of
from napari_toposeg.plugin.exporting.actions import classes_run
from napari_toposeg.plugin.exporting.gathering import Sources, connectivity_of_repair
from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram
from napari_toposeg.plugin.topology.diagram.text import headline
from napari_toposeg.plugin.topology.errors.compare_panel import ComparePanel
from napari_toposeg.plugin.topology.errors.comparison import Comparison
from napari_toposeg.plugin.topology.errors.repairing import COLUMNS, NUMBER_COLUMNS
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.reports import Case, ErrorView, Judged, Table, write_case_page

MOST_VIEWS = 6


def gather_case(sources: Sources) -> Case:
    """Return what a page tells of, as it is now; what was found in another scan is left out.

    Raises
    ------
    InvalidConfig
        If no scan is open.
    """
    session, comparison = sources.session, sources.topology.comparison
    scan = session.image_layer
    if scan is None:
        raise InvalidConfig("there is no scan to report on; open one first")
    image = session.volume_of(scan, read=False)
    low, high = scan.contrast_limits
    case = Case(image, (float(low), float(high)))
    labels = sources.labels()
    if fits(comparison.source, scan, comparison.judged):
        labels = comparison.source
        case = with_comparison(case, comparison)
    if fits(labels, scan):
        names, facts = class_names(labels), facts_of(labels)
        case = replace(case, labels=sources.still_volume(labels), names=names, model=facts)
    return with_repair(with_diagram(case, sources), sources)


def fits(layer: Any, scan: Any, voxels: Any = None) -> bool:
    """Tell whether a layer lies on the grid of the scan, and so did its voxels as they were."""
    there = layer is not None and same_grid(layer, scan)
    return there and (voxels is None or tuple(voxels.shape) == tuple(scan.data.shape))


def with_comparison(case: Case, page: ComparePanel) -> Case:
    """Return the case with what was compared."""
    result = page.result
    if result is None:
        return case
    settings: dict[str, Any] = {
        "comparison: against": result.against,
        "comparison: foreground connectivity": result.connectivity,
    }
    if page.other is not None:
        settings["comparison: errors of"] = page.choice
    judged = judged_of(result, page.judged, page.other)
    case = replace(case, judged=judged, connectivity=result.connectivity)
    return with_settings(case, settings)


def with_settings(case: Case, settings: Mapping[str, Any]) -> Case:
    """Return the case with what one of its results was made with."""
    return replace(case, settings={**case.settings, **settings})


def judged_of(result: Comparison, mask: Any, other: Any) -> Judged:
    """Return what a comparison found in a label map, the worst errors first.

    Parameters
    ----------
    mask
        The label map as it was judged.
    other
        The label map that it was held against, as it was; it may not be in memory yet.
    """
    numbers = Table(result.number_columns, list(result.number_rows()))
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
    return Judged(result.against, numbers, errors, views, mask, other)


def with_diagram(case: Case, sources: Sources) -> Case:
    """Return the case with the diagram that is shown, if it is of a layer on the scan's grid."""
    panel, scan = sources.topology.diagram, sources.session.image_layer
    # Where two layers are compared, the diagram of the first is drawn.
    found, layer = panel.found, next(iter(panel.link.layers), None)
    if found is None or panel.features is None or not fits(layer, scan):
        return case
    rows = panel.rows()
    least = float(np.min(rows["persistence"])) if len(rows["persistence"]) else 0.0
    case = replace(
        case,
        diagram=found.diagram,
        diagram_of=headline(panel.features, [name_of(layer, scan)]).replace("\n", "; "),
        unit=sources.unit(),
        # What the slider hides is left out here too.
        least=float(np.nextafter(least, -np.inf)) if np.isfinite(least) else 0.0,
    )
    return with_settings(case, diagram_settings(found))


def name_of(layer: Any, scan: Any) -> str:
    """Say what a layer is, without its name, which may be that of a file, unless it is the scan."""
    if layer == scan:
        return str(scan.name)
    return tr("a label map") if isinstance(layer, Labels) else tr("another image")


def diagram_settings(found: LayerDiagram) -> dict[str, Any]:
    """Return what a diagram was computed of, and how."""
    excerpt = found.excerpt
    return {
        "diagram: construction": found.diagram.construction,
        "diagram: superlevel": found.diagram.superlevel,
        "diagram: first voxel (z, y, x)": excerpt.offset,
        "diagram: size (z, y, x)": excerpt.grid,
        "diagram: voxels averaged (z, y, x)": excerpt.step,
    }


def with_repair(case: Case, sources: Sources) -> Case:
    """Return the case with a repair, if one is proposed of a label map on the scan's grid."""
    page, scan = sources.topology.repair, sources.session.image_layer
    proposal = page.proposal
    if proposal is None or not fits(page.source, scan, proposal.before):
        return case
    joined = connectivity_of_repair(proposal)
    if case.judged is not None and joined != case.connectivity:
        # A page names one connectivity for the numbers of both.
        told = f"left out: {joined}-connected, the comparison {case.connectivity}-connected"
        return with_settings(case, {"repair": told})
    names = class_names(page.source)
    numbers = Table(NUMBER_COLUMNS, list(proposal.number_rows(names)))
    edits = Table(COLUMNS, list(proposal.rows(names)))
    case = replace(case, repair=(numbers, edits), connectivity=joined)
    return with_settings(case, {"repair: foreground connectivity": joined})


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
        case = replace(case, labels=labels)
        counted = yield from classes_run(labels, case.names)
        rows = [(one.label, one.name, one.millilitres, *one.betti) for one in counted]
        columns = ("label", "class", "volume in ml", "b0", "b1", "b2")
        case = replace(case, classes=Table(columns, rows))
    if case.model:
        case = replace(case, model=card_facts(case.model["name"]))
    write = partial(write_case_page, path, case)
    message = tr("Writing the report")
    return (yield from follow(lambda report: write(report=report), message))

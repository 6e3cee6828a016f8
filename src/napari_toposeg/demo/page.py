"""The demo's report: what was done, with what, what came out, and how far it can be trusted."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_toposeg import __version__
from napari_toposeg.demo.analysis import MOST_VOXELS, SMOOTHING, TAU, Analysis
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.reports import Report, Section, Table
from napari_toposeg.reports.case_page import volume_table

if TYPE_CHECKING:
    from napari_toposeg.learning.cards import Card

CONNECTIVITY = "foreground 26-connected, background 6-connected"


def describe(analysis: Analysis, config: DemoConfig, slices: Path, diagrams: Path) -> Report:
    """Return the report of a demo."""
    case = analysis.case
    sections = [
        scan_section(analysis),
        slices_section(analysis, slices),
        reconstruction_section(analysis),
        segmentation_section(analysis),
        diagram_section(analysis, diagrams),
        models_section(analysis, config),
    ]
    if analysis.defects is not None:
        sections.insert(4, defects_section(analysis))
    return Report(
        title=f"{case.image.name}: rebuilt, segmented, and its topology",
        subtitle=case.source,
        warnings=analysis.warnings,
        sections=tuple(sections),
        data=figures(analysis, config),
    )


def scan_section(analysis: Analysis) -> Section:
    """Say what was opened."""
    return Section("The scan", tables=(volume_table(analysis.case.image),))


def slices_section(analysis: Analysis, picture: Path) -> Section:
    """Show the montage."""
    caption = (
        "Axial, coronal and sagittal slices with true proportions; R, L, A, P, S, I are the "
        "patient's right, left, front, back, head and feet. All volumes beside this page lie on "
        "the grid of the scan."
    )
    return Section("Slices", picture=picture, caption=caption)


def reconstruction_section(analysis: Analysis) -> Section:
    """Compare the reconstruction with the two predictors that it must beat."""
    rebuilt = analysis.reconstruction
    share = float((rebuilt.hidden.voxels > 0).mean())
    rows = (
        ("the model", rebuilt.mse, rebuilt.mse / rebuilt.mse_mean),
        ("the mean of what is visible", rebuilt.mse_mean, 1.0),
        (
            "interpolation of what is visible",
            rebuilt.mse_interpolation,
            rebuilt.mse_interpolation / rebuilt.mse_mean,
        ),
    )
    text = (
        f"{share:.0%} of the voxels were hidden from the encoder. The error is measured on them "
        "alone, on the model's grid, in grey values scaled to 0 .. 1.",
    )
    columns = ("predictor of hidden voxels", "mean squared error", "share of the mean's")
    return Section("Reconstruction", text, tables=(Table(columns, rows),))


def segmentation_section(analysis: Analysis) -> Section:
    """Give each class's volume and Betti numbers."""
    known = any(row.truth is not None for row in analysis.classes)
    columns: tuple[str, ...]
    columns = ("class", "label", "volume (ml)", "components b0", "loops b1", "cavities b2")
    rows = [
        (
            row.name,
            row.label,
            row.millilitres,
            *row.betti,
            *(tuple(row.truth or ()) if known else ()),
        )
        for row in analysis.classes
    ]
    if known:
        columns += ("true b0", "true b1", "true b2")
    tables = [Table(columns, rows, f"Betti numbers with the {CONNECTIVITY}.")]
    if analysis.measures:
        tables.append(measures_table(analysis))
    return Section("Segmentation", tables=tuple(tables))


def measures_table(analysis: Analysis) -> Table:
    """Give the measures against the truth, a row for each class."""
    names = ("dice", "hausdorff95", "surface_dice", "cldice")
    rows = [(name, *(values[key] for key in names)) for name, values in analysis.measures.items()]
    columns = ("class", "Dice", "HD95 (mm)", "surface Dice at 1 mm", "clDice")
    return Table(columns, rows, "Against the truth.")


def defects_section(analysis: Analysis) -> Section:
    """List the largest errors against the truth and what each does."""
    defects = analysis.defects
    assert defects is not None
    changing = np.flatnonzero(defects.is_critical)
    largest = changing[np.argsort(-defects.size[changing], kind="stable")][:12]
    rows = [
        (
            int(row) + 1,
            str(defects.kind[row]),
            int(defects.size[row]),
            *(int(part) for part in defects.change[row]),
            ", ".join(f"{part:.0f}" for part in defects.centre[row]),
        )
        for row in largest
    ]
    columns = ("number", "this error", "voxels", "b0", "b1", "b2", "centre (z, y, x)")
    text = (
        f"{len(defects)} connected errors of the foreground (all classes together), "
        f"{len(changing)} of which change its topology. The numbers are those in defects.nii.gz; "
        "b0, b1, b2: what mending this one error alone adds.",
    )
    tables = (Table(columns, rows, f"The largest {len(rows)}; {CONNECTIVITY}."),) if rows else ()
    return Section("Errors against the truth", text, tables=tables)


def diagram_section(analysis: Analysis, picture: Path) -> Section:
    """Show the diagrams and say how they were made."""
    found = analysis.diagrams
    size = " × ".join(f"{step:.2g}" for step in found.spacing)
    grid = (
        "To keep it quick they were computed on a coarser copy of at most "
        f"{MOST_VOXELS:,} voxels ({size} mm): features smaller than its voxels are not seen."
        if found.coarsened
        else f"They were computed on the scan's own grid ({size} mm)."
    )
    text = (
        "Each point is a component, a loop or a cavity of the voxels above a threshold, which "
        "falls: it appears at its birth and is gone at its death, and the farther from the "
        f"diagonal the more it stands out. Volumes are smoothed by {SMOOTHING:g} voxel first; "
        f"features that last less than {TAU:.0%} of the range are left out. {grid}",
    )
    rows = [(title, *counts) for title, counts in found.counts().items()]
    table = Table(
        ("volume", "components", "loops", "cavities"), rows, f"Points shown; {CONNECTIVITY}."
    )
    caption = "Persistence diagrams, dimensions told apart by shape and colour."
    return Section("Topology", text, picture, caption, (table,))


def models_section(analysis: Analysis, config: DemoConfig) -> Section:
    """Say which models were used, what they are for, and their terms."""
    rows = [
        (card.name, card.task, card.modality, card.intended_use, card.data, card.licence)
        for card in analysis.cards
    ]
    columns = ("model", "task", "trained on", "meant for", "data", "licence")
    text = (f"Made by napari-toposeg {__version__}, seed {config.seed}.",)
    return Section("Models", text, tables=(Table(columns, rows),))


def figures(analysis: Analysis, config: DemoConfig) -> dict[str, Any]:
    """Return the report's figures for machines."""
    case, rebuilt = analysis.case, analysis.reconstruction
    return {
        "version": __version__,
        "research_use_only": True,
        "seed": config.seed,
        "scan": {
            "name": case.image.name,
            "source": case.source,
            "modality": case.image.modality,
            "shape": case.image.shape,
            "spacing_mm": case.image.spacing,
            "orientation": case.image.orientation,
            "notes": case.image.notes,
        },
        "warnings": analysis.warnings,
        "models": {card.task: model_figures(card) for card in analysis.cards},
        "reconstruction": {
            "mse": rebuilt.mse,
            "mse_mean": rebuilt.mse_mean,
            "mse_interpolation": rebuilt.mse_interpolation,
        },
        "connectivity": CONNECTIVITY,
        "segmentation": [
            {
                "class": row.name,
                "label": row.label,
                "millilitres": row.millilitres,
                "betti": row.betti,
                "true_betti": row.truth,
            }
            for row in analysis.classes
        ],
        "measures": analysis.measures,
        "defects": defect_figures(analysis),
        "features": analysis.diagrams.counts(),
        "diagram_spacing_mm": analysis.diagrams.spacing,
    }


def model_figures(card: "Card") -> Mapping[str, Any]:
    """Return what identifies a model."""
    return {
        "name": card.name,
        "modality": card.modality,
        "licence": card.licence,
        "spacing_mm": card.spacing,
    }


def defect_figures(analysis: Analysis) -> list[dict[str, Any]] | None:
    """Return every defect, or None where no truth is known."""
    defects = analysis.defects
    if defects is None:
        return None
    return [
        {
            "number": row + 1,
            "kind": str(defects.kind[row]),
            "voxels": int(defects.size[row]),
            "change": defects.change[row],
            "centre": defects.centre[row],
        }
        for row in range(len(defects))
    ]

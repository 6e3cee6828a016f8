"""The report of a case: what was found in one scan, on one page that opens anywhere.

The one idea: plain values in, one page out. What is not there has no section; whatever counts
topology names the connectivity. The page holds no path of this machine and no field of a patient's.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg import __version__
from napari_toposeg.progress import Report as Reported
from napari_toposeg.progress import to_nobody
from napari_toposeg.reports.closeups import ErrorView, plot_closeups
from napari_toposeg.reports.colours import class_colour
from napari_toposeg.reports.diagrams import plot_diagram
from napari_toposeg.reports.page import Report, Section, Table, write_page
from napari_toposeg.reports.slices import Overlay, Panel, plot_slices, window_of
from napari_toposeg.topology import PersistenceDiagram
from napari_toposeg.volume import Volume

MOST_ROWS = 40
"""Rows of a list that are written; the CSV has all."""
DRAWN_SHARE = 0.9
MOST_VIEWS = 6
"""Errors that are shown as pictures."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What a label map was found to get wrong.

    Parameters
    ----------
    against
        What it was held against: ``"truth"``, ``"reference"``, ``"wanted"`` or ``"nothing"``.
    numbers, errors
        Betti numbers by class, and errors, the worst first.
    views
        The worst errors, to be shown.
    mask, other
        The label map that was judged and, if there is one, the one that it was held against.
    """

    against: str
    numbers: Table
    errors: Table | None = None
    views: Sequence[ErrorView] = ()
    mask: NDArray[Any] | None = None
    other: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """What a page tells of.

    Parameters
    ----------
    image
        The scan.
    window
        Grey values shown black and white; by default the middle 98.5 %.
    labels, names
        Label map on the scan's grid, and the names of its classes.
    classes
        Volume and Betti numbers of each class.
    connectivity
        Of the foreground in all counts, 26 or 6.
    judged
        What the label map gets wrong.
    diagram, diagram_of, unit
        Persistence diagram, what it is of, in words, and the unit of its image.
    least
        Persistence under which features are not drawn.
    repair
        Tables of a repair: numbers before and after, and edits.
    model
        Facts of the model that made the labels, by name.
    settings
        What the results were made with, by name.
    """

    image: Volume
    window: tuple[float, float] | None = None
    labels: Volume | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    classes: Table | None = None
    connectivity: int = 26
    judged: Judged | None = None
    diagram: PersistenceDiagram | None = None
    diagram_of: str = ""
    unit: str = ""
    least: float = 0.0
    repair: Sequence[Table] = ()
    model: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def write_case_page(path: str | Path, case: Case, *, report: Reported = to_nobody) -> Path:
    """Write the page of a case, pictures inside it, whole or not at all.

    Parameters
    ----------
    report
        Told the share that is done; an error that it raises leaves no file.
    """
    path = Path(path).expanduser()
    with tempfile.TemporaryDirectory() as folder:
        page = describe_case(case, Path(folder))
        report(DRAWN_SHARE)
        write_page(path, page)
    return path


def describe_case(case: Case, folder: Path) -> Report:
    """Return the report of a case, its pictures drawn into a folder."""
    sections = [
        scan_section(case, folder),
        classes_section(case),
        *judged_sections(case, folder),
        diagram_section(case, folder),
        repair_section(case),
        model_section(case),
        made_section(case),
    ]
    return Report(
        title=f"{case.image.name}: segmentation and topology",
        subtitle=f"napari-toposeg {__version__}, {date.today().isoformat()}",
        sections=tuple(section for section in sections if section is not None),
    )


def connectivity_text(connectivity: int) -> str:
    """Name a connectivity with that of the background."""
    return f"foreground {connectivity}-connected, background {32 - connectivity}-connected"


def scan_section(case: Case, folder: Path) -> Section:
    """Show the scan and what is labelled in it."""
    caption = (
        "Axial, coronal and sagittal slices with true proportions; R, L, A, P, S, I are the "
        "patient's right, left, front, back, head and feet."
    )
    picture = plot_slices(panels_of(case), folder / "slices.png", centre=centre_of(case))
    return Section("The scan", (), picture, caption, (volume_table(case.image),))


def volume_table(image: Volume) -> Table:
    """Return what a file says of its volume."""
    rows = (
        ("kind", image.modality),
        ("voxels (z, y, x)", image.shape),
        ("voxel size in mm (z, y, x)", image.spacing),
        ("orientation of the file", image.orientation),
        ("angle to the patient's axes in degrees", round(image.obliquity, 1)),
        *(("note", note) for note in image.notes),
    )
    return Table(("property", "value"), rows)


def panels_of(case: Case) -> list[Panel]:
    """Return the columns of the montage: the scan, and the scan with its labels."""
    window = case.window or window_of(case.image.voxels)
    panels = [Panel("Scan", case.image, window)]
    if case.labels is not None:
        present = [int(value) for value in np.unique(case.labels.voxels) if value > 0]
        colours = {value: class_colour(value) for value in present}
        legend = {case.names.get(v, f"label {v}"): colours[v] for v in present[:10]}
        overlay = Overlay(case.labels.voxels, colours, legend=legend)
        panels.append(Panel("Labels", case.image, window, overlay=overlay))
    return panels


def centre_of(case: Case) -> tuple[int, int, int]:
    """Return the voxel that the slices pass through: in the worst error, else where most is."""
    shape = case.image.shape
    if case.judged is not None and case.judged.views:
        voxels = case.judged.views[0].voxels
        worst = np.unravel_index(int(voxels[len(voxels) // 2]), shape)
        return int(worst[0]), int(worst[1]), int(worst[2])
    if case.labels is None or not (labelled := case.labels.voxels > 0).any():
        return shape[0] // 2, shape[1] // 2, shape[2] // 2
    z, y, x = (int(labelled.sum(axis=axes).argmax()) for axes in ((1, 2), (0, 2), (0, 1)))
    return z, y, x


def classes_section(case: Case) -> Section | None:
    """List the classes."""
    if case.classes is None:
        return None
    text = f"b0 counts components, b1 loops, b2 cavities; {connectivity_text(26)}."
    return Section("Classes", (text,), tables=(case.classes,))


AGAINST = {
    "truth": ("Against the truth", "the truth"),
    "reference": ("Against another label map", "the other label map: nobody says which is right"),
    "wanted": ("Against the wanted numbers", "the numbers wanted"),
    "nothing": ("Betti numbers", ""),
}
"""Title of the section, and what stands beside the label map's own numbers."""


def judged_sections(case: Case, folder: Path) -> list[Section]:
    """Show the Betti numbers and the errors."""
    judged = case.judged
    if judged is None:
        return []
    title, other = AGAINST[judged.against]
    text = f"Counted with {connectivity_text(case.connectivity)}."
    if other:
        text += f" Held against {other}; error = label map less that."
    sections = [Section(title, (text,), tables=(judged.numbers,))]
    if judged.errors is not None:
        sections.append(errors_section(case, judged, judged.errors, folder))
    return sections


def errors_section(case: Case, judged: Judged, errors: Table, folder: Path) -> Section:
    """Show the worst errors and list more of them."""
    count = len(errors.rows)
    if not count:
        return Section("Errors", ("None changes a Betti number.",))
    text = f"{count:,} errors change a Betti number; the worst come first."
    picture, views = None, judged.views[:MOST_VIEWS]
    if views and judged.mask is not None:
        outlines = {"label map": judged.mask}
        outlines |= {} if judged.other is None else {"held against": judged.other}
        window = case.window or window_of(case.image.voxels)
        place = folder / "errors.png"
        picture = plot_closeups(case.image, window, views, place, outlines=outlines)
    caption = f"The {len(views)} worst, numbered as in the list." if picture else ""
    return Section("Errors", (text,), picture, caption, (numbered(errors),))


def numbered(table: Table) -> Table:
    """Return the first rows of a list, with their numbers."""
    rows = [(number, *row) for number, row in enumerate(table.rows[:MOST_ROWS], start=1)]
    left = len(table.rows) - len(rows)
    caption = f"{left:,} more are in the CSV." if left > 0 else table.caption
    columns = tuple("mm³" if column == "mm3" else column for column in table.columns)
    return Table(("#", *columns), rows, caption)


def diagram_section(case: Case, folder: Path) -> Section | None:
    """Draw the persistence diagram."""
    if case.diagram is None:
        return None
    picture = plot_diagram(
        case.diagram,
        folder / "diagram.png",
        title="",
        unit=case.unit,
        min_persistence=case.least,
    )
    caption = f"Features that last longer than {case.least:.3g}{f' {case.unit}'.rstrip()}."
    return Section("Persistence", (case.diagram_of,), picture, caption)


def repair_section(case: Case) -> Section | None:
    """List what a repair changes."""
    if not case.repair:
        return None
    text = f"Counted with {connectivity_text(case.connectivity)}; after: with the edits taken."
    numbers, *edits = case.repair
    return Section("Repair", (text,), tables=(numbers, *map(numbered, edits)))


def model_section(case: Case) -> Section | None:
    """Tell of the model."""
    if not case.model:
        return None
    return Section("The model", tables=(Table(("property", "value"), list(case.model.items())),))


def made_section(case: Case) -> Section:
    """Tell what is needed to do the same again."""
    rows = [("napari-toposeg", __version__), *sorted(case.settings.items())]
    return Section("How it was made", tables=(Table(("setting", "value"), rows),))

"""The demo without a window: every result as a file on the scan's own grid, and a report."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_toposeg.demo.analysis import Analysis, analyse
from napari_toposeg.demo.cases import open_case
from napari_toposeg.demo.page import describe, figures
from napari_toposeg.demo.pictures import draw_slices
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.io import write_volume
from napari_toposeg.progress import Step
from napari_toposeg.reports import plot_diagrams, write_report


@dataclass(frozen=True)
class DemoResult:
    """What a headless demo left.

    Parameters
    ----------
    files
        File name -> what it holds.
    summary
        The result in a few lines.
    data
        What report.json holds.
    """

    files: Mapping[str, str]
    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)


def run(config: DemoConfig) -> Generator[Step, None, DemoResult]:
    """Analyse a scan and write all that was found into the output folder.

    Raises
    ------
    ToposegError
        If the scan cannot be read or a model does not fit.
    """
    case = open_case(config)
    config.output.mkdir(parents=True, exist_ok=True)
    analysis = yield from analyse(case, config)
    yield Step(1, 1, message="writing files and report")
    files = write_volumes(analysis, config.output)
    files |= write_pages(analysis, config)
    return DemoResult(files, summary(analysis), figures(analysis, config))


def write_volumes(analysis: Analysis, folder: Path) -> dict[str, str]:
    """Write the volumes of the result and return what each file holds."""
    reconstruction, image = analysis.reconstruction, analysis.case.image
    volumes = {
        "hidden.nii.gz": (reconstruction.hidden, "1 where the scan was hidden from the encoder"),
        "reconstruction.nii.gz": (
            reconstruction.composite,
            f"visible voxels as they are, hidden ones rebuilt ({analysis.case.unit})",
        ),
        "segmentation.nii.gz": (analysis.segmentation.labels, "label map"),
    }
    if analysis.defects is not None:
        labels = image.with_voxels(analysis.defects.labels, modality="label")
        volumes["defects.nii.gz"] = (labels, "errors that change the topology, numbered")
    for name, (volume, _) in volumes.items():
        write_volume(volume, folder / name)
    return {name: what for name, (_, what) in volumes.items()}


def write_pages(analysis: Analysis, config: DemoConfig) -> dict[str, str]:
    """Draw the pictures, write the report, and return what each file holds."""
    folder, found = config.output, analysis.diagrams
    slices = draw_slices(analysis, folder / "slices.png")
    diagrams = plot_diagrams(found.features, folder / "diagrams.png", min_persistence=found.bounds)
    write_report(folder, describe(analysis, config, slices, diagrams))
    return {
        "slices.png": "three planes of all of it",
        "diagrams.png": "persistence diagrams",
        "report.html": "all of it on one page",
        "report.json": "its figures",
    }


def summary(analysis: Analysis) -> str:
    """Return the result in a few lines."""
    rebuilt = analysis.reconstruction
    lines = [
        f"hidden voxels: squared error {rebuilt.mse:.3g}, "
        f"mean predictor {rebuilt.mse_mean:.3g}, interpolation {rebuilt.mse_interpolation:.3g}"
    ]
    lines += [
        f"{row.name}: {row.millilitres:.1f} ml, b0 b1 b2 = {' '.join(map(str, row.betti))}"
        + (f" (truth {' '.join(map(str, row.truth))})" if row.truth else "")
        for row in analysis.classes
    ]
    if analysis.defects is not None:
        lines.append(f"errors against the truth: {len(analysis.defects)}")
    return "\n".join([*analysis.warnings, *lines])

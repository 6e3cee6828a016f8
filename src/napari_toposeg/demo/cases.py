"""The scan that a demo opens: one that is on the machine already, a phantom, or a file."""

from dataclasses import dataclass, replace
from pathlib import Path

from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.errors import ChoiceNeeded, ShapeMismatch
from napari_toposeg.io import read_example, read_volume
from napari_toposeg.phantoms import make
from napari_toposeg.resampling import resample_to
from napari_toposeg.volume import Volume

TREES = 2
"""Vessel trees of the phantom: two, so that an error can also merge them."""


@dataclass(frozen=True)
class DemoCase:
    """A scan to look at.

    Parameters
    ----------
    image
        The scan.
    source
        Where it comes from, in a line for the report; no path of this machine.
    truth
        Its true label map on the same grid, where there is one.
    """

    image: Volume
    source: str
    truth: Volume | None = None

    @property
    def unit(self) -> str:
        """Unit of the grey values."""
        return "HU" if self.image.modality == "CT" else "a.u."


def open_case(config: DemoConfig) -> DemoCase:
    """Return the scan that a config names.

    Raises
    ------
    ToposegError
        As `napari_toposeg.read_volume`.
    """
    if config.path is not None:
        image = read_scan(config.path, config)
        return DemoCase(image, f"your file {config.path.name}", read_truth(config, image))
    match config.case:
        case "mr":
            return brain()
        case "vessels":
            return vessels(config.seed)


def read_scan(path: Path, config: DemoConfig) -> Volume:
    """Read a scan, and say by which flag to choose where a path holds several."""
    try:
        return read_volume(path, frame=config.frame, series=config.series)
    except ChoiceNeeded as error:
        lines = (f"{path.name} holds several volumes; choose by --frame N or --series NAME:",)
        raise ChoiceNeeded("\n  ".join(lines + error.choices), error.choices) from error


def brain() -> DemoCase:
    """Read the MR scan that nibabel installs as its example, first frame."""
    return DemoCase(
        read_example(),
        "a real MR scan of a head, frame 0 of the example4d.nii.gz that nibabel installs (PDDL)",
    )


def vessels(seed: int) -> DemoCase:
    """Make a lung-like CT phantom with vessel trees, and its truth."""
    phantom = make("vessel_tree", shape=(64, 64, 64), seed=seed, trees=TREES)
    source = (
        f"a synthetic CT of {TREES} vessel trees, seed {seed}; its truth is known by construction"
    )
    return DemoCase(replace(phantom.image, name="vessels"), source, phantom.truth)


def read_truth(config: DemoConfig, image: Volume) -> Volume | None:
    """Read the true label map of a scan, brought onto its grid if it has another."""
    if config.truth is None:
        return None
    truth = read_volume(config.truth, modality="label")
    if truth.shape == image.shape and bool(abs(truth.affine - image.affine).max() < 1e-3):
        return image.with_voxels(truth.voxels, modality="label", name=truth.name)
    on_grid = resample_to(truth, image, order=0)
    if not on_grid.voxels.any() and truth.voxels.any():
        raise ShapeMismatch(
            f"{config.truth.name} does not overlap {image.name} in the patient; "
            "give the truth of this scan"
        )
    return on_grid

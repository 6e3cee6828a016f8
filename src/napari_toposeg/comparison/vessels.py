"""Vessel phantoms as the cases of a comparison: files like any other's, drawn once.

Pool, validation and test have seeds far apart, so that no tree is in two of them.
"""

from pathlib import Path

from napari_toposeg.comparison.cases import write_names
from napari_toposeg.config import CompareConfig
from napari_toposeg.io import write_volume

FIRST_SEEDS = {"pool": 0, "validation": 1_000_000, "test": 2_000_000}


def with_phantoms(config: CompareConfig) -> CompareConfig:
    """Return a comparison on phantoms as one on folders, in which they lie from now on."""
    if config.phantoms is None:
        return config
    folder = config.output / "phantoms"
    counts = config.phantoms.model_dump()
    lists = {
        part: write_names(folder / f"{part}.txt", drawn(folder, first, counts[part]))
        for part, first in FIRST_SEEDS.items()
        if counts[part]
    }
    places = {"images": folder / "images", "labels": folder / "labels", **lists}
    return config.model_copy(update=places)


def drawn(folder: Path, first: int, count: int) -> list[str]:
    """Draw phantoms that are not there yet, and return the names of all."""
    from napari_toposeg.learning.phantom_cases import PHANTOM_SPACING, phantom_case

    names = [f"phantom-{seed}-ct" for seed in range(first, first + count)]
    for seed, name in enumerate(names, start=first):
        image, labels = (folder / part / f"{name}.nii.gz" for part in ("images", "labels"))
        if not (image.exists() and labels.exists()):
            case = phantom_case(seed, PHANTOM_SPACING, "train")
            write_volume(case.image, image)
            write_volume(case.labels, labels)
    return names

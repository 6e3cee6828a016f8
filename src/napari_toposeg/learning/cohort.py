"""Cohort: the scans of a run on one grid, from stores, which are read crop by crop, and from files.

Files are read, resampled and held in memory, so there must be room for them; a store needs none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases, read_volume
from napari_toposeg.io.headers import read_extent
from napari_toposeg.io.store import Store, is_store, open_store
from napari_toposeg.learning.dataset import Example, StoredExample, median_spacing, prepare_image
from napari_toposeg.volume import Spacing

GIB = 2**30
ROOM = 0.9
"""Share of the free memory that scans may take."""


@dataclass(frozen=True)
class Cohort:
    """Scans on one grid.

    Parameters
    ----------
    spacing
        Voxel size in mm along ``(z, y, x)``.
    """

    examples: list[Example]
    spacing: Spacing

    def divided(self, share: float, random: np.random.Generator) -> tuple["Cohort", "Cohort"]:
        """Divide whole scans at random: the first part, and the share of them that is the second.

        Raises
        ------
        InvalidConfig
            If one part would have none.
        """
        count = round(share * len(self.examples))
        if not 0 < count < len(self.examples):
            raise InvalidConfig(
                f"{share:g} of {len(self.examples)} scans is {count}, and both parts need one; "
                "choose another share, or more scans"
            )
        second = set(random.permutation(len(self.examples))[:count].tolist())
        parts: tuple[list[Example], list[Example]] = ([], [])
        for number, example in enumerate(self.examples):
            parts[number in second].append(example)
        return Cohort(parts[0], self.spacing), Cohort(parts[1], self.spacing)


def read_cohort(places: Sequence[Path], spacing: Spacing | None, *, threads: int = 1) -> Cohort:
    """Open stores, and read every volume of other files and folders.

    Parameters
    ----------
    places
        Stores, files and folders.
    spacing
        Voxel size in mm along ``(z, y, x)``; by default that of the stores, else the median.
    threads
        Threads that decompress a crop of a store.

    Raises
    ------
    InvalidConfig
        If a store has another spacing, there is nothing, or files do not fit into the memory.
    """
    stores = [open_store(place) for place in places if is_store(place)]
    files = [path for place in places if not is_store(place) for path in list_cases(place).values()]
    if not stores and not files:
        raise InvalidConfig(
            "no volume was found; give stores, or folders or files of NIfTI, NRRD, MetaImage or "
            "DICOM"
        )
    spacing = agreed_spacing(stores, spacing) or median_spacing(map(read_extent, files))
    require_memory(files, spacing)
    stored = [example for store in stores for example in stored_examples(store, threads)]
    return Cohort([*stored, *(read_example(path, spacing) for path in files)], spacing)


def agreed_spacing(stores: Sequence[Store], spacing: Spacing | None) -> Spacing | None:
    """Return the spacing that was asked for, or that of the stores, which must be the same."""
    for store in stores:
        held = store.manifest.spacing
        spacing = spacing or held
        if not np.allclose(held, spacing):
            raise InvalidConfig(
                f"{store.folder} was prepared at {held} mm, and this run has {spacing} mm; "
                "prepare it anew with that spacing, or leave it out"
            )
    return spacing


def require_memory(files: Sequence[Path], spacing: Spacing) -> None:
    """Raise InvalidConfig unless the scans fit into the free memory, judged by their headers."""
    extents = [read_extent(path) for path in files]
    voxels = sum(
        math.prod(np.multiply(extent.shape, extent.spacing) / spacing) for extent in extents
    )
    need = voxels * np.dtype(np.float32).itemsize
    free = psutil.virtual_memory().available
    if need > ROOM * free:
        raise InvalidConfig(
            f"{len(files)} scans at {spacing} mm take {need / GIB:.1f} GiB and {free / GIB:.1f} "
            "GiB of memory are free; make a store of them by napari-toposeg prepare, and give it "
            "in their place"
        )


def stored_examples(store: Store, threads: int) -> list[Example]:
    """Return the cases of a store, of which nothing is read yet."""
    return [
        StoredExample(
            case.name,
            store.image(case, threads=threads),
            store.labels(case),
            case.modality,
            index=store.index(case),
        )
        for case in store.manifest.cases
    ]


def read_example(path: Path, spacing: Spacing) -> Example:
    """Read a scan and bring it to the grid."""
    volume = read_volume(path)
    image = prepare_image(volume, spacing)
    return Example(volume.name, image.voxels, modality=volume.modality)

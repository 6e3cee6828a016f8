"""Cohort: the scans of a run on one grid, from stores, which are read crop by crop, and from files.

Files are read, resampled and held in memory, so there must be room for them; a store needs none.
"""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from napari_toposeg.config import Window
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io.channels import count_channels, read_channels
from napari_toposeg.io.headers import read_extent
from napari_toposeg.io.label_maps import is_label_map, looks_like_labels
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.io.store import Store, is_store, open_store
from napari_toposeg.learning.examples import Example, StoredExample
from napari_toposeg.learning.model_grid import median_spacing, prepare_channels
from napari_toposeg.learning.normalisation import CT_RANGE
from napari_toposeg.learning.sources import files_at
from napari_toposeg.volume import Spacing, Volume

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
    intensity
        HU that became 0 and 1, where they were chosen.
    few_values
        Names of the scans whose values look like those of a label map.
    """

    examples: list[Example]
    spacing: Spacing
    intensity: Window | None = None
    few_values: tuple[str, ...] = ()

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
        one, other = (replace(self, examples=part) for part in parts)
        return one, other


def read_cohort(
    places: Sequence[Path],
    spacing: Spacing | None,
    *,
    intensity: Window | None = None,
    names: Sequence[str] | None = None,
    threads: int = 1,
) -> Cohort:
    """Open stores, and read every volume of other files, folders and datasets.

    Parameters
    ----------
    places
        Stores, datasets, files and folders.
    spacing
        Voxel size in mm along ``(z, y, x)``; by default that of the stores, else the median.
    intensity
        HU that become 0 and 1; by default those of the stores.
    names
        The only cases to take; None: all.
    threads
        Threads that decompress a crop of a store.

    Raises
    ------
    InvalidConfig
        If a store has another spacing or intensities, a named case is absent or a label map, there
        is nothing, or files do not fit into the memory.
    """
    stores = [open_store(place) for place in places if is_store(place)]
    files = [case for place in places if not is_store(place) for case in files_at(place)]
    stored = [example for store in stores for example in stored_examples(store, threads)]
    if names is not None:
        require_found(names, {each.name for each in stored} | {case.name for case in files})
        stored = [example for example in stored if example.name in names]
        files = [case for case in files if case.name in names]
    if not stored and not files:
        raise InvalidConfig(
            "no volume was found; give stores, or folders or files of NIfTI, NRRD, MetaImage or "
            "DICOM"
        )
    spacing = agreed_spacing(stores, spacing) or median_spacing(
        read_extent(case.images[0]) for case in files
    )
    intensity = agreed_intensity(stores, intensity)
    require_memory(files, spacing)
    read, few_values = [], stored_few_values(stores, {each.name for each in stored})
    for case in files:
        channels = read_scan(case)
        image = prepare_channels(channels, spacing, intensity)
        read.append(Example(case.name, image, modality=channels[0].modality))
        few_values += [case.name] if looks_like_labels(channels[0].voxels) else []
    return Cohort([*stored, *read], spacing, intensity, tuple(few_values))


def require_found(names: Sequence[str], known: Container[str]) -> None:
    """Raise InvalidConfig unless every named case is among those that are known."""
    lacking = [name for name in names if name not in known]
    if lacking:
        raise InvalidConfig(
            f"{len(lacking)} of {len(names)} named cases are not in the data, first {lacking[:3]}; "
            "a case is named as its file, without the ending"
        )


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


def agreed_intensity(stores: Sequence[Store], intensity: Window | None) -> Window | None:
    """Return the intensities asked for, or those of the stores, which must be the same."""
    chosen = (store.manifest.intensity for store in stores)
    intensity = intensity or next((each for each in chosen if each), None)
    for store in stores:
        held, wanted = store.manifest.intensity or CT_RANGE, intensity or CT_RANGE
        of_ct = any(case.modality == "CT" for case in store.manifest.cases)
        if of_ct and not np.allclose(held, wanted):
            raise InvalidConfig(
                f"{store.folder} was prepared with {held} HU as 0 and 1, and this run has "
                f"{wanted}; prepare it anew with that --intensity, or leave it out"
            )
    return intensity


def require_memory(files: Sequence[CaseFiles], spacing: Spacing) -> None:
    """Raise InvalidConfig unless the scans fit into the free memory, judged by their headers."""
    extents = [(count_channels(case), read_extent(case.images[0])) for case in files]
    voxels = sum(
        count * math.prod(np.multiply(extent.shape, extent.spacing) / spacing)
        for count, extent in extents
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


def stored_few_values(stores: Sequence[Store], names: Container[str]) -> list[str]:
    """Return which of some cases of stores looked like label maps when they were prepared."""
    cases = (case for store in stores for case in store.manifest.cases)
    return [case.name for case in cases if case.few_values and case.name in names]


def read_scan(case: CaseFiles) -> tuple[Volume, ...]:
    """Read all channels of a scan.

    Raises
    ------
    InvalidConfig
        If it is a label map.
    """
    channels = read_channels(case)
    if any(is_label_map(channel, case.images[0]) for channel in channels):
        raise InvalidConfig(
            f"{case.images[0]} is a label map, and what is learnt from here are scans; take label "
            "maps out of the data, or name the scans alone, one a line, in a file for --ids"
        )
    return channels

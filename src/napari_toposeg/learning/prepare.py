"""Preparing a store: scans of any format brought once to one grid, as a generator of Steps.

Each case is written whole or not at all, and one that cannot be read is told and left out: so a run
that was stopped, or met a bad file, has lost nothing.
"""

import shutil
import signal
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import PrepareConfig
from napari_toposeg.errors import InvalidConfig, InvalidVolume, OutOfMemory, ToposegError
from napari_toposeg.io import read_volume
from napari_toposeg.io.channels import read_channels
from napari_toposeg.io.label_maps import is_label_map, looks_like_labels
from napari_toposeg.io.layouts import CaseFiles, require_dataset
from napari_toposeg.io.store import Manifest, Store, StoredCase, is_store, open_store
from napari_toposeg.learning.cases import Case
from napari_toposeg.learning.model_grid import prepare_image, prepare_target
from napari_toposeg.learning.normalisation import normalisation_of
from napari_toposeg.learning.places import Places
from napari_toposeg.learning.sources import find_sources, usual_spacing
from napari_toposeg.progress import Step

STORED_BLOCK = 16
"""Edge of the blocks, in voxels, by which places in a stored case are known."""

MOST_CLASSES = 254
"""Largest class number; in annotations 255 is background."""


@dataclass(frozen=True)
class Prepared:
    """What a store was made of.

    Parameters
    ----------
    failed
        Why a case was left out, by its name.
    """

    store: Path
    cases: tuple[StoredCase, ...]
    failed: Mapping[str, str]


def prepare(config: PrepareConfig) -> Generator[Step, None, Prepared]:
    """Write a store, a Step for each case.

    Raises
    ------
    InvalidConfig
        If the output folder holds something already, no case is found, or none could be read.
    """
    sources, classes = sources_of(config)
    store = begin(config, sources, classes)
    missing = [source for source in sources if source.name not in store.kept()]
    failed: dict[str, str] = {}
    with results(missing, store, config.workers) as finished:
        for number, (name, fault) in enumerate(finished, start=len(sources) - len(missing) + 1):
            failed |= {name: fault} if fault else {}
            text = f"left out {name}: {fault}" if fault else f"prepared {name}"
            yield Step(step=number, total=len(sources), message=text)
    cases = tuple(store.kept().values())
    if not cases:
        raise InvalidConfig(f"no case could be prepared; {told(failed)}")
    done = store.manifest.model_copy(update={"finished": True, "cases": cases})
    Store(store.folder, done).write_manifest()
    return Prepared(store.folder, cases, failed)


def sources_of(config: PrepareConfig) -> tuple[list[CaseFiles], tuple[str, ...]]:
    """List the cases to prepare, and name their classes where those are known."""
    if config.data is None:
        return find_sources(config.images, config.labels), ()
    dataset = require_dataset(config.data)
    return list(dataset.labelled), dataset.classes


def told(failed: Mapping[str, str]) -> str:
    """Say which cases were left out, and why."""
    return "; ".join(f"{name}: {fault}" for name, fault in failed.items())


def begin(config: PrepareConfig, sources: list[CaseFiles], classes: tuple[str, ...]) -> Store:
    """Make the store's folder, or go on with the one that is there.

    Raises
    ------
    InvalidConfig
        If the folder holds a store and neither resume nor overwrite is set, if it holds something
        else, or if the store was begun with other settings.
    """
    folder = config.output
    if is_store(folder) and config.resume:
        return resumed(config)
    if folder.exists() and any(folder.iterdir()):
        if not is_store(folder):
            raise InvalidConfig(f"{folder} holds other files; choose an empty or a new folder")
        if not config.overwrite:
            raise InvalidConfig(
                f"{folder} holds a store already; go on with it by --resume, or delete it by "
                "--overwrite"
            )
        for part in ("cases", "unfinished"):
            shutil.rmtree(folder / part, ignore_errors=True)
    manifest = Manifest(
        spacing=config.spacing or usual_spacing(sources),
        labelled=is_labelled(config),
        finished=False,
        intensity=config.intensity,
        class_names=classes,
    )
    store = Store(folder, manifest)
    store.write_manifest()
    return store


def is_labelled(config: PrepareConfig) -> bool:
    """Tell whether the cases have labels."""
    return config.labels is not None or config.data is not None


def resumed(config: PrepareConfig) -> Store:
    """Open a store to go on with it."""
    store = open_store(config.output, unfinished=True)
    held, labelled = store.manifest.spacing, is_labelled(config)
    if config.spacing and not np.allclose(config.spacing, held):
        raise InvalidConfig(
            f"{config.output} has the spacing {held} and {config.spacing} was asked for; choose "
            "another folder, or --overwrite"
        )
    if config.intensity != store.manifest.intensity:
        raise InvalidConfig(
            f"{config.output} was begun with the intensity {store.manifest.intensity} and "
            f"{config.intensity} was asked for; choose another folder, or --overwrite"
        )
    if labelled != store.manifest.labelled:
        have, lack = ("labels", "none") if store.manifest.labelled else ("no labels", "some")
        raise InvalidConfig(
            f"the cases in {config.output} have {have} and {lack} are given; choose another folder"
        )
    shutil.rmtree(store.folder / "unfinished", ignore_errors=True)
    unfinished = Store(store.folder, store.manifest.model_copy(update={"finished": False}))
    unfinished.write_manifest()
    return unfinished


@contextmanager
def results(
    sources: list[CaseFiles], store: Store, workers: int
) -> Iterator[Iterator[tuple[str, str]]]:
    """Give the names of cases as they are done, with what was wrong; cases in hand are finished."""
    if workers == 1:
        yield ((source.name, attempt(source, store)) for source in sources)
        return
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=leave_interrupts
    )
    try:
        pending = {pool.submit(attempt, source, store): source.name for source in sources}
        yield ((pending[each], answer(each)) for each in as_completed(pending))
    finally:
        pool.shutdown(cancel_futures=True)


def leave_interrupts() -> None:
    """Leave Ctrl-C to the process that watches the run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def answer(future: Future[str]) -> str:
    """Return what a worker found wrong."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise OutOfMemory(
            "a process that prepared a case was ended from outside, mostly for want of memory; "
            "run again with --resume and fewer --workers"
        ) from error


def attempt(source: CaseFiles, store: Store) -> str:
    """Prepare a case; return what was wrong with its files, if anything."""
    try:
        write_case(source, store)
    except ToposegError as error:
        return str(error)
    except MemoryError:
        return "there is too little memory for it; run again with --resume and fewer --workers"
    return ""


def write_case(source: CaseFiles, store: Store) -> None:
    """Read, resample, normalise and store a case."""
    channels, spacing = read_channels(source), store.manifest.spacing
    volume, intensity = channels[0], store.manifest.intensity
    if any(is_label_map(channel, source.images[0]) for channel in channels):
        raise InvalidVolume(f"{source.images[0]} is a label map; give label maps by --labels")
    scale = normalisation_of(volume, intensity)
    prepared = [prepare_image(channel, spacing, intensity) for channel in channels]
    image, labels = prepared[0], None
    if source.labels is not None:
        truth = read_volume(source.labels, modality="label")
        require_class_numbers(truth.voxels, source.labels)
        labels = prepare_target(Case(source.name, volume, truth), spacing)
    case = StoredCase(
        name=source.name,
        modality=volume.modality,
        shape=image.shape,
        affine=tuple(tuple(map(float, row)) for row in image.affine),
        original_shape=volume.shape,
        original_spacing=volume.spacing,
        orientation=volume.orientation,
        normalisation=(scale.low, scale.high),
        channels=len(channels),
        classes=None if labels is None else tuple(map(int, np.unique(labels))),
        few_values=looks_like_labels(volume.voxels),
    )
    places = Places.of(image.voxels, labels, block=STORED_BLOCK)
    voxels = image.voxels if len(prepared) == 1 else np.stack([each.voxels for each in prepared])
    store.write(case, voxels, labels, places.arrays())


def require_class_numbers(labels: NDArray[Any], path: Path) -> None:
    """Raise InvalidVolume unless all values are whole numbers that a label map can hold."""
    low, high = labels.min(), labels.max()
    if low < 0 or high > MOST_CLASSES or (labels != np.round(labels)).any():
        raise InvalidVolume(
            f"{path} must hold whole numbers from 0 to {MOST_CLASSES}, got values from {low:g} to "
            f"{high:g}; is this the image?"
        )

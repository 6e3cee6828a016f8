"""Calibrate a model on labelled cases, as a generator of Steps: its card gets a temperature.

The cases should be those that chose the model, or others that it did not learn from: on cases that
it learnt from it is right more often than elsewhere, and would be left too sure.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import CalibrateConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.learning.calibration import fit_temperature, surprise, tempered
from napari_toposeg.learning.cards import load_card, read_header, resolve_model, shipped_folder
from napari_toposeg.learning.cases import read_case, read_names, require_known
from napari_toposeg.learning.checkpoints import Model, load_model, read_tensors, save_checkpoint
from napari_toposeg.learning.devices import choose_threads
from napari_toposeg.learning.model_store import new_model_path
from napari_toposeg.learning.seeds import random_of
from napari_toposeg.learning.segmentation import as_part
from napari_toposeg.learning.sweep import Sweep, class_probabilities
from napari_toposeg.metrics.calibration import MOST_PROBABLE, NEAR, measure_calibration, near
from napari_toposeg.metrics.cases import as_labels, require_same_grid
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

MOST_VOXELS = 400_000
"""Of a case, drawn at random among those near its structures: more tell nothing new."""

ECE, SURPRISE = "expected calibration error", "negative log-likelihood"


@dataclass(frozen=True)
class Calibrated:
    """A model's temperature, and what it changed.

    Parameters
    ----------
    model
        The file that has it.
    temperature
        Above 1 where the model was too sure.
    cases
        On how many it was fitted, and measured.
    near
        Only voxels up to so far from the true foreground count, in mm.
    before, after
        Expected calibration error of the most probable class and mean negative log-likelihood, at
        temperature 1 and at the one found.
    """

    model: Path
    temperature: float
    cases: int
    near: float
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True)
class Sample:
    """Voxels of a case: probabilities ``(K, N)``, background first, and true classes ``(N,)``."""

    probabilities: NDArray[np.float32]
    truth: NDArray[np.int64]


def calibrate(config: CalibrateConfig) -> Generator[Step, None, Calibrated]:
    """Fit a model's temperature, and write it into its card.

    Raises
    ------
    InvalidConfig
        If a named case lacks its image or its labels, or the model ships with the program and no
        `name` is given for a copy of it.
    """
    choose_threads(config.threads)
    target = target_of(config)
    cases = files_of(config)
    model = load_model(config.model, config.device)
    plain = replace(model, card=model.card.model_copy(update={"temperature": 1.0}))
    samples = []
    for number, files in enumerate(cases):
        run = sample(files, plain, config, number)
        samples.append((yield from as_part(run, number, len(cases), "cases")))
    probabilities = [each.probabilities for each in samples]
    temperature = fit_temperature(probabilities, [each.truth for each in samples])
    before, after = (figures(samples, each) for each in (1.0, temperature))
    done = Calibrated(target, temperature, len(cases), NEAR, before, after)
    write(done, config)
    return done


def target_of(config: CalibrateConfig) -> Path:
    """Return the file that is to have the temperature."""
    if config.name is not None:
        return new_model_path(config.name)
    path = resolve_model(config.model)
    if path.parent == shipped_folder():
        raise InvalidConfig(
            f"{config.model!r} ships with the program and stays as it is; give --name for a "
            "calibrated copy of your own"
        )
    return path


def files_of(config: CalibrateConfig) -> list[CaseFiles]:
    """Return the files of the cases to calibrate on."""
    images, labels = list_cases(config.images), list_cases(config.labels)
    known = sorted(images.keys() & labels.keys())
    names = read_names(config.ids) or known
    require_known(names, known)
    if not names:
        raise InvalidConfig(
            f"{config.images} and {config.labels} share no case; name image and labels of a case "
            "alike"
        )
    return [CaseFiles(name, (images[name],), labels[name]) for name in names]


def sample(
    files: CaseFiles, model: Model, config: CalibrateConfig, number: int
) -> Generator[Step, None, Sample]:
    """Predict a case, and draw voxels of it."""
    case = read_case(files, "validation")
    require_same_grid(case.image, case.labels)
    sweep = Sweep(config.overlap, config.flips, config.precision)
    found = yield from class_probabilities(case.image, model, sweep, case.further)
    return drawn(found, case.labels, number)


def drawn(found: NDArray[np.float32], labels: Volume, number: int) -> Sample:
    """Draw voxels near the structures of a case.

    Parameters
    ----------
    found
        ``(K, z, y, x)``, background first, at temperature 1.
    number
        Of the case: the draw follows from it.
    """
    truth = as_labels(labels)
    if truth.max() >= len(found):
        raise InvalidConfig(
            f"the labels of {labels.name} hold class {truth.max()}, and the model has the classes "
            f"1 to {len(found) - 1}; give labels of the model's classes"
        )
    voxels = np.flatnonzero(near(truth, labels.spacing))
    if len(voxels) > MOST_VOXELS:
        voxels = np.sort(random_of(0, number).choice(voxels, MOST_VOXELS, replace=False))
    return Sample(found.reshape(len(found), -1)[:, voxels], truth.ravel()[voxels])


def figures(samples: Sequence[Sample], temperature: float) -> dict[str, float]:
    """Return how far probabilities can be trusted at a temperature."""
    counted, surprises = [], []
    for each in samples:
        its = tempered(each.probabilities, temperature)
        maps = dict(enumerate(its[1:], start=1))
        counted.append(measure_calibration(maps, each.truth)[MOST_PROBABLE])
        surprises.append(surprise(each.probabilities, each.truth, temperature))
    voxels = [len(each.truth) for each in samples]
    return {
        ECE: reduce(add, counted).expected_calibration_error,
        SURPRISE: float(np.average(surprises, weights=voxels)),
    }


def write(done: Calibrated, config: CalibrateConfig) -> None:
    """Write the model with its temperature, and with what was measured of it."""
    source = resolve_model(config.model)
    card, header = load_card(source), read_header(source)
    measured = asdict(done) | {"model": done.model.name}
    updated = card.model_copy(
        update={
            "name": config.name or card.name,
            "temperature": done.temperature,
            "quality": card.quality | {"calibration": measured},
        }
    )
    rest = {key: text for key, text in header.items() if key != "card"}
    save_checkpoint(done.model, read_tensors(source), updated, extra=rest)

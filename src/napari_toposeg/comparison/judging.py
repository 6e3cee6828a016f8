"""Judging a run: its best checkpoint predicts each test case once, and the masks are measured.

Of the same probabilities there are up to three masks: raw, the most probable class; fix, the plain
repair that needs no wanted numbers (largest component, cavities filled); repaired, to the wanted
Betti numbers.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_toposeg.comparison.cases import CaseSet
from napari_toposeg.comparison.columns import SENSITIVITY
from napari_toposeg.comparison.digests import counting, digest_of
from napari_toposeg.comparison.spending import read_spent
from napari_toposeg.comparison.trials import Trial
from napari_toposeg.config import CompareConfig, PredictConfig, write_atomically
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.io.channels import read_channels
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.metrics import EXACT, measure_case, measure_exactness
from napari_toposeg.metrics.catalogue import metrics_of
from napari_toposeg.progress import Step, retold
from napari_toposeg.reports.page import simplified
from napari_toposeg.topology import largest_and_filled
from napari_toposeg.topology.grid import Mask
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.segmentation import Segmentation

RAW, FIX, REPAIRED = "raw", "fix", "repaired"
TOGETHER = "all together"
"""Class of the row that is of a whole case."""


@dataclass(frozen=True)
class Judgement:
    """How a run did on the test cases.

    Parameters
    ----------
    rows
        One for each case, mask and class (`TOGETHER` among them): ``case``, ``mask``, ``class``
        and metrics; those that are infinite or not defined are None.
    seconds
        Processor seconds: of ``training``, and over all cases of ``segmenting`` and of each mask.
    """

    rows: list[dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)


def judgement_path(trial: Trial, config: CompareConfig, cases: CaseSet) -> Path:
    """Return the file of a run's judgement: another one for other test cases, masks or metrics."""
    key: dict[str, Any] = {
        "test": cases.fingerprint(cases.test, labelled=True),
        "prediction": counting(trial.prediction),
        "settings": [config.tolerance, config.classes],
        "metrics": [metric.name for metric in metrics_of(config.metrics)],
    }
    if len(trial.members) > 1:
        key["members"] = [member.digest for member in trial.members]
    return trial.folder / f"judged-{digest_of(key)}.json"


def read_judgement(trial: Trial, config: CompareConfig, cases: CaseSet) -> Judgement | None:
    """Read how a run did; None if it is not judged on these test cases."""
    path = judgement_path(trial, config, cases)
    if not path.is_file():
        return None
    return Judgement(**json.loads(path.read_text(encoding="utf-8")))


def maps_folder(trial: Trial, mask: str) -> Path:
    """Return the folder of a mask's label maps: one for each way to predict by one training."""
    way = counting(trial.prediction)
    if mask != REPAIRED:
        way.pop("repair", None)
    if len(trial.members) > 1:
        way["members"] = [member.digest for member in trial.members]
    return trial.folder / (f"{mask}-{digest_of(way)}" if way else mask)


def lacks_maps(trial: Trial, config: CompareConfig, judgement: Judgement) -> bool:
    """Tell whether label maps of a judged run are to be kept and are not all there."""
    if not config.keep_predictions:
        return False
    folders = {row["mask"]: maps_folder(trial, row["mask"]) for row in judgement.rows}
    files = {folders[row["mask"]] / f"{row['case']}.nii.gz" for row in judgement.rows}
    return not all(file.is_file() for file in files)


def judge(trial: Trial, config: CompareConfig, cases: CaseSet) -> Generator[Step, None, None]:
    """Predict and measure all test cases, and write the judgement, whole or not at all."""
    from napari_toposeg.learning.checkpoints import load_model
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.predict import sweep_of
    from napari_toposeg.learning.segmentation import segment_together

    choose_threads(config.threads)
    models = [load_model(member.folder, config.device) for member in trial.members]
    classes, sweep = models[0].card.classes, sweep_of(trial.prediction)
    spent = [read_spent(member.folder).get("cpu_seconds", np.nan) for member in trial.members]
    seconds = {"training": float(sum(spent))}
    rows: list[dict[str, Any]] = []
    for number, name in enumerate(cases.test, start=1):
        image, *further = read_channels(CaseFiles(name, (cases.image_files[name],)))
        truth = read_volume(cases.label_files[name], modality="label")
        require_classes(name, truth, classes)
        tell = one_of(number, len(cases.test))
        with timed(seconds, "segmenting"):
            work = segment_together(image, models, sweep, further=further)
            segmentation = yield from retold(work, tell)
        for mask, make in masks_of(segmentation, trial.prediction).items():
            with timed(seconds, mask):
                labels = make()
            of_mask = {"case": name, "mask": mask}
            rows += [of_mask | row for row in measured(labels, truth, classes, config)]
            if config.keep_predictions:
                folder = maps_folder(trial, mask)
                write_volume(labels, folder / f"{name}.nii.gz")
    judgement = {"rows": rows, "seconds": seconds}
    content = json.dumps(simplified(judgement))
    write_atomically(judgement_path(trial, config, cases), content.encode())


def require_classes(name: str, truth: Volume, classes: Sequence[str]) -> None:
    """Raise InvalidConfig if a case has a class that the model never heard of.

    Left out, it would make a model from few cases better than one that had to learn it.
    """
    highest = int(truth.voxels.max())
    if highest > len(classes):
        raise InvalidConfig(
            f"test case {name} has label {highest}, and the model knows {len(classes)} class(es), "
            "as its labelled cases have no more; name all `classes` of the comparison, so that "
            "every run has them"
        )


def one_of(number: int, total: int) -> Callable[[Step], Step]:
    """Return what tells each Step of a case as one of the whole: it can be cancelled at all."""
    told = Step(step=number, total=total, message="judging")
    return lambda _: told


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the processor time of a block to an account."""
    began = time.process_time()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.process_time() - began


def masks_of(
    segmentation: "Segmentation", prediction: PredictConfig
) -> dict[str, Callable[[], Volume]]:
    """Return how each mask is made of a segmentation."""
    from napari_toposeg.learning.repairing import repaired

    labels = segmentation.labels
    masks = {
        RAW: lambda: labels,
        FIX: lambda: labels.with_voxels(largest_and_filled(labels.voxels), modality="label"),
    }
    if wanted := prediction.wanted_of(segmentation.classes):
        masks[REPAIRED] = lambda: repaired(segmentation, wanted)[0].labels
    return masks


def measured(
    labels: Volume, truth: Volume, classes: Sequence[str], config: CompareConfig
) -> Iterator[dict[str, Any]]:
    """Yield a row for each class, and one for all of them together."""
    found = measure_case(labels, truth, classes, tolerance=config.tolerance, parts=config.metrics)
    for number, (name, values) in enumerate(found.items(), start=1):
        kept = sensitivity(labels.voxels == number, truth.voxels == number)
        yield {"class": name} | values | {SENSITIVITY: kept}
    if "betti" in config.metrics:
        yield {"class": TOGETHER, EXACT.name: measure_exactness(labels, truth, classes)}


def sensitivity(prediction: Mask, truth: Mask) -> float:
    """Return the share of the true voxels that a mask keeps; NaN where there are none."""
    there = np.count_nonzero(truth)
    return np.count_nonzero(prediction & truth) / there if there else np.nan

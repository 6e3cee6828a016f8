"""Calibration of a model over cases: folders of probability maps against the true label maps."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg import io
from napari_toposeg.errors import UnreadableFile
from napari_toposeg.metrics.calibration import NEAR, Reliability, measure_calibration, near
from napari_toposeg.metrics.cases import as_labels, require_distinct_classes, require_same_grid
from napari_toposeg.metrics.folders import PROBABILITY, listed
from napari_toposeg.metrics.intervals import mean_with_interval
from napari_toposeg.volume import Volume

REGIONS = ("all voxels", f"within {NEAR:g} mm of the true box")
"""Where voxels are counted."""

NUMBERED = re.compile(rf"(.+)_([1-9][0-9]*){PROBABILITY}")
"""Name of the map of a class without a name: its case, and its label."""


@dataclass(frozen=True)
class Calibration:
    """How far a model's probabilities can be trusted, case by case.

    Parameters
    ----------
    cases
        Region (one of `REGIONS`) -> what (a class, all classes together, the most probable class)
        -> one count for each case.
    seed
        Of the bootstrap.
    """

    cases: Mapping[str, Mapping[str, Sequence[Reliability]]]
    seed: int = 0

    def pooled(self, region: str, what: str) -> Reliability:
        """Return the voxels of all cases in one count."""
        first, *others = self.cases[region][what]
        return sum(others, start=first)

    def summary(self) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
        """Return region -> what -> figure -> its mean over cases with a 95 % bootstrap interval."""
        return {
            region: {
                what: {
                    "expected_calibration_error": self._mean(
                        [each.expected_calibration_error for each in counts]
                    ),
                    "brier": self._mean([each.brier for each in counts]),
                }
                for what, counts in found.items()
            }
            for region, found in self.cases.items()
        }

    def _mean(self, values: Sequence[float]) -> dict[str, float]:
        return mean_with_interval(np.array(values), self.seed)

    def to_dict(self) -> dict[str, Any]:
        """Return means over cases, and the bins of all cases together, as plain data."""
        return {
            "mean": self.summary(),
            "pooled": {
                region: {what: self.pooled(region, what).to_dict() for what in found}
                for region, found in self.cases.items()
            },
        }


def calibrate_folders(
    probabilities: Path | str,
    truth: Path | str,
    classes: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> Calibration:
    """Measure the calibration of every case that has probability maps and a true label map.

    Parameters
    ----------
    probabilities
        Folder of maps as ``predict --probability`` writes them: ``<case>_<class>_probability``.
    truth
        Folder of true label maps, or one file.
    classes
        Names of the labels 1, 2, ... as the files have them, the same for all cases; by default
        the numbers from 1 to the highest that a map or the truth of a case has.
    seed
        Of the bootstrap.

    Raises
    ------
    UnreadableFile
        If a case lacks the map of a class, or no case has any.
    ShapeMismatch
        If a map and the truth do not share a grid.
    InvalidVolume
        If a file is no label map, or holds other than probabilities.
    InvalidConfig
        If a class is named twice.
    """
    maps, truths = io.list_cases(Path(probabilities)), io.list_cases(Path(truth))
    found: dict[str, dict[str, list[Reliability]]] = {region: {} for region in REGIONS}
    classes = numbers_of(maps, truths) if classes is None else classes
    require_distinct_classes(classes)
    names = [name for name in truths if any(map_name(name, each) in maps for each in classes)]
    if not names:
        raise UnreadableFile(
            f"{probabilities} has no probability map of a case of {truth} (it has {listed(maps)}); "
            f"give the folder that predict --probability wrote, with files <case>_<class>"
            f"{PROBABILITY}.nii.gz, and name the classes as the files do"
        )
    for name in names:
        true = io.read_volume(truths[name], modality="label")
        for region, counts in calibrate_case(read_maps(name, maps, true, classes), true).items():
            for what, count in counts.items():
                found[region].setdefault(what, []).append(count)
    return Calibration(found, seed)


def map_name(case: str, label: str) -> str:
    """Return the name of the probability map of a class."""
    return f"{case}_{label}{PROBABILITY}"


def numbers_of(maps: Mapping[str, Path], truths: Mapping[str, Path]) -> list[str]:
    """Return the numbers of the classes, of all cases that have both maps and a truth."""
    matches = [match for name in maps if (match := NUMBERED.fullmatch(name))]
    labels = [int(match[2]) for match in matches if match[1] in truths]
    for case in {match[1] for match in matches} & set(truths):
        true = io.read_volume(truths[case], modality="label")
        labels.append(int(as_labels(true).max()))
    return [str(label) for label in range(1, max(labels, default=0) + 1)]


def calibrate_case(
    probabilities: Mapping[str, NDArray[Any]], truth: Volume
) -> dict[str, dict[str, Reliability]]:
    """Return region -> what -> count of one case.

    Parameters
    ----------
    probabilities
        Class name -> map on the truth's grid, in the order of the labels 1, 2, ...
    """
    labels = as_labels(truth)
    numbered = dict(enumerate(probabilities.values(), start=1))
    names = dict(enumerate(probabilities, start=1))
    regions = (None, near(labels, truth.spacing))
    return {
        title: {
            names[what] if isinstance(what, int) else what: count
            for what, count in measure_calibration(numbered, labels, region=region).items()
        }
        for title, region in zip(REGIONS, regions, strict=True)
    }


def read_maps(
    case: str, maps: Mapping[str, Path], truth: Volume, classes: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Read the probability map of each class of a case."""
    names = {label: map_name(case, label) for label in classes}
    if missing := [name for name in names.values() if name not in maps]:
        beside = [name for name in maps if name.startswith(f"{case}_")]
        raise UnreadableFile(
            f"case {case} lacks {', '.join(missing)} (it has {', '.join(beside)}); "
            "name the classes as the files do, in the order of their labels"
        )
    found = {}
    for label, name in names.items():
        volume = io.read_volume(maps[name], modality="probability")
        require_same_grid(volume, truth)
        found[label] = volume.voxels
    return found

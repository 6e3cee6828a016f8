"""From files or layers to examples on the model's grid, ready to be cropped.

What is read from files is held in memory: right for the few scans of one person. A cohort is
prepared once (see `prepare`), and its examples are read crop by crop.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.config import Size3
from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.io import list_cases, read_volume
from napari_toposeg.io.headers import Extent
from napari_toposeg.io.store import StoredArray, read_index
from napari_toposeg.learning.cards import Intensity
from napari_toposeg.learning.normalisation import normalisation_of
from napari_toposeg.learning.places import IGNORED, Places
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.resampling import resample
from napari_toposeg.volume import Spacing, Volume

BACKGROUND = 255
"""Value that marks background in an annotation, where 0 means unlabelled."""

PHANTOM_EDGE = 64
"""Edge of a training phantom, in voxels."""

PHANTOM_SPACING = (1.0, 1.0, 1.0)
"""Voxel size of a training phantom in mm, where nothing else says it."""

Voxels = NDArray[Any] | StoredArray
"""A volume ``(z, y, x)`` in memory, or one that is read when it is sliced."""


@dataclass(frozen=True)
class Case:
    """One image with its labels.

    Parameters
    ----------
    labels
        On the image's grid: 0 background, 1..K classes; or, where `annotated`, 0 unlabelled,
        1..K classes and 255 background.
    role
        Whether it trains the model or chooses the best one.
    annotated
        Labels were painted on some slices only.
    """

    name: str
    image: Volume
    labels: Volume
    role: Literal["train", "validation"] = "train"
    annotated: bool = False


@dataclass(frozen=True)
class Example:
    """A case on the model's grid.

    Parameters
    ----------
    image
        Normalised to 0..1, ``(z, y, x)``.
    target
        Class numbers, -1 where unlabelled; None for an unlabelled scan.
    modality
        What kind of scan it is: see `volume.Modality`.
    """

    name: str
    image: Voxels
    target: Voxels | None = None
    modality: str = "unknown"

    def loaded(self) -> "Example":
        """Return the case in memory, as a whole."""
        whole = (slice(None),) * 3
        target = None if self.target is None else self.target[whole]
        return Example(self.name, self.image[whole], target, self.modality)

    @cached_property
    def places(self) -> Places:
        """Where crops are worth it, found when it is first asked."""
        return Places.of(self.image, self.target)


@dataclass(frozen=True, kw_only=True)
class StoredExample(Example):
    """A case of a store.

    Parameters
    ----------
    index
        File of its places, which were found when the store was made.
    """

    index: Path

    @property
    def places(self) -> Places:
        """Where crops are worth it."""
        z, y, x = self.image.shape
        return read_places(self.index, (z, y, x))


@lru_cache(maxsize=256)
def read_places(index: Path, shape: Size3) -> Places:
    """Read the places of a stored case; those of the cases visited last are kept."""
    return Places.read(shape, read_index(index))


def target_of(case: Case) -> NDArray[np.int16]:
    """Return class numbers of a case, -1 where it is not labelled."""
    labels = case.labels.voxels.astype(np.int16)
    if not case.annotated:
        return labels
    target = np.where(labels == 0, np.int16(IGNORED), labels)
    target[labels == BACKGROUND] = 0
    return target


def prepare_case(case: Case, spacing: Spacing, intensity: Intensity | None = None) -> Example:
    """Bring image and labels of a case to the model's spacing; see `prepare_image`.

    Raises
    ------
    ShapeMismatch
        If image and labels differ in shape.
    """
    target = prepare_target(case, spacing)
    image = prepare_image(case.image, spacing, intensity).voxels
    return Example(case.name, image, target, case.image.modality)


def prepare_target(case: Case, spacing: Spacing) -> NDArray[np.int16]:
    """Return class numbers of a case on the model's spacing, -1 where it is not labelled.

    Raises
    ------
    ShapeMismatch
        If image and labels differ in shape.
    """
    if case.image.shape != case.labels.shape:
        raise ShapeMismatch(
            f"case {case.name!r}: image {case.image.shape} and labels {case.labels.shape} differ "
            "in shape; "
            "resample the labels to the image's grid first"
        )
    target = case.image.with_voxels(target_of(case), modality="label")
    resampled: NDArray[Any] = resample(target, spacing, order=0).voxels
    return np.ascontiguousarray(resampled, dtype=np.int16)


def prepare_image(image: Volume, spacing: Spacing, intensity: Intensity | None = None) -> Volume:
    """Return a scan normalised to 0..1, or as a card's `intensity` says, on the model's spacing."""
    scaled = image.with_voxels(normalisation_of(image, intensity).apply(image.voxels))
    prepared = resample(scaled, spacing, order=1)
    return prepared.with_voxels(np.ascontiguousarray(prepared.voxels, dtype=np.float32))


def read_labelled(
    images: Path,
    labels: Path,
    names: Sequence[str] | None,
    role: Literal["train", "validation"],
    *,
    without: Sequence[str] = (),
) -> list[Case]:
    """Read the labelled cases of two folders whose files share their names.

    Parameters
    ----------
    names
        Cases to read; all that have labels where None.
    without
        Cases to leave out.

    Raises
    ------
    InvalidConfig
        If a named case lacks its image or its labels, or no case is left.
    """
    image_paths, label_paths = list_cases(images), list_cases(labels)
    known = sorted(image_paths.keys() & label_paths.keys())
    wanted = [name for name in (known if names is None else names) if name not in without]
    require_known(wanted, known)
    if not wanted:
        raise InvalidConfig(
            f"{images} and {labels} share no case; name image and labels of a case alike"
        )
    return [
        Case(
            name,
            read_volume(image_paths[name]),
            read_volume(label_paths[name], modality="label"),
            role,
        )
        for name in wanted
    ]


def require_known(wanted: Iterable[str], known: Container[str]) -> None:
    """Raise InvalidConfig unless every named case has an image and labels."""
    lacking = [name for name in wanted if name not in known]
    if lacking:
        raise InvalidConfig(
            f"{len(lacking)} case(s) lack an image or labels, first {lacking[:3]}; "
            "image and labels of a case must be files of one name in the two folders"
        )


def read_names(path: Path | None) -> list[str] | None:
    """Read case names, one a line; None where there is no file."""
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path} is not a readable list of case names ({error})") from error
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise InvalidConfig(f"{path} names no case; write one case name a line")
    return names


def median_spacing(volumes: Iterable[Volume | Extent]) -> Spacing:
    """Return the median voxel size in mm along ``(z, y, x)``, to a micrometre."""
    z, y, x = np.median([volume.spacing for volume in volumes], axis=0).round(3)
    return float(z), float(y), float(x)


def phantom_cases(
    count: int,
    *,
    first_seed: int,
    spacing: Spacing,
    role: Literal["train", "validation"] = "train",
    scales: tuple[int, ...] = (1,),
) -> list[Case]:
    """Draw vessel phantoms with their exact labels; noise and chest wall differ among them.

    Parameters
    ----------
    spacing
        Voxel size in mm ``(z, y, x)``.
    scales
        Each phantom is drawn with voxels, and so vessels, larger by one of these factors.
    """
    return [
        phantom_case(seed, spacing, role, scales[seed % len(scales)])
        for seed in range(first_seed, first_seed + count)
    ]


def phantom_case(
    seed: int, spacing: Spacing, role: Literal["train", "validation"], scale: int = 1
) -> Case:
    """Draw one vessel phantom."""
    random = np.random.default_rng((seed, 1))
    noise, wall = float(random.uniform(20, 80)), float(random.choice([0, 6, 10]))
    z, y, x = (PHANTOM_EDGE // scale,) * 3
    dz, dy, dx = (scale * step for step in spacing)
    phantom = vessel_tree(
        (z, y, x), spacing=(dz, dy, dx), seed=seed, noise=noise, wall=wall / scale
    )
    return Case(f"phantom-{seed}", phantom.image, phantom.truth, role)

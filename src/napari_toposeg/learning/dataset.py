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
from napari_toposeg.io.channels import read_channels
from napari_toposeg.io.headers import Extent
from napari_toposeg.io.layouts import CaseFiles
from napari_toposeg.io.stored_arrays import StoredArray, read_index
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
"""A volume ``(z, y, x)``, or channels ``(c, z, y, x)``, in memory or read when it is sliced."""


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
    further
        The image's other channels, on its grid.
    """

    name: str
    image: Volume
    labels: Volume
    role: Literal["train", "validation"] = "train"
    annotated: bool = False
    further: tuple[Volume, ...] = ()


@dataclass(frozen=True)
class Example:
    """A case on the model's grid.

    Parameters
    ----------
    image
        Normalised to 0..1, ``(z, y, x)``, or ``(c, z, y, x)`` where there are several channels.
    target
        Class numbers, -1 where unlabelled; None for an unlabelled scan.
    modality
        What kind of scan it is: see `volume.Modality`.
    """

    name: str
    image: Voxels
    target: Voxels | None = None
    modality: str = "unknown"

    @property
    def grid(self) -> Size3:
        """Number of voxels along ``(z, y, x)``."""
        z, y, x = self.image.shape[-3:]
        return z, y, x

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.image.shape[0] if len(self.image.shape) > 3 else 1

    def loaded(self) -> "Example":
        """Return the case in memory, as a whole."""
        whole = (slice(None),) * 3
        image = self.image[(slice(None),) * len(self.image.shape)]
        target = None if self.target is None else self.target[whole]
        return Example(self.name, image, target, self.modality)

    @cached_property
    def places(self) -> Places:
        """Where crops are worth it, judged by the first channel, found when it is first asked."""
        first = (slice(None),) * 3 if self.channels == 1 else (0,)
        return Places.of(np.asarray(self.image)[first], self.target)


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
        return read_places(self.index, self.grid)


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
    image = prepare_channels((case.image, *case.further), spacing, intensity)
    return Example(case.name, image, target, case.image.modality)


def prepare_channels(
    channels: Sequence[Volume], spacing: Spacing, intensity: Intensity | None = None
) -> NDArray[np.float32]:
    """Return all channels of a scan, ``(c, z, y, x)``; of one channel ``(z, y, x)``."""
    prepared = [prepare_image(channel, spacing, intensity).voxels for channel in channels]
    return prepared[0] if len(prepared) == 1 else np.stack(prepared)


def boxed(image: NDArray[Any], cut: Sequence[slice]) -> NDArray[Any]:
    """Return a box of an image, of all its channels."""
    z, y, x = cut
    box: NDArray[Any] = image[..., z, y, x]
    return box


def with_channels(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image with an axis of channels, which that of one channel lacks."""
    return image if image.ndim == 4 else image[None]


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
    files = {name: CaseFiles(name, (image_paths[name],), label_paths[name]) for name in wanted}
    return [read_case(files[name], role) for name in wanted]


def read_case(files: CaseFiles, role: Literal["train", "validation"]) -> Case:
    """Read image and labels of a case."""
    assert files.labels is not None
    image, *further = read_channels(files)
    labels = read_volume(files.labels, modality="label")
    return Case(files.name, image, labels, role, further=tuple(further))


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

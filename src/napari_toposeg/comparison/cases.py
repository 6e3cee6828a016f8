"""The cases of a comparison: what is learnt from, what chooses, what is judged, and never mixed.

The labelled cases of a seed are drawn once, by a permutation of the pool: the first n of it are the
n labelled ones, so that draws are nested, and the same for all arms.
"""

import filecmp
import hashlib
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from napari_toposeg.comparison.contents import contents_of
from napari_toposeg.config import ALL, CompareConfig, write_atomically
from napari_toposeg.errors import InvalidConfig, UnreadableFile
from napari_toposeg.io import list_cases
from napari_toposeg.io.companions import voxel_files
from napari_toposeg.io.layouts.decathlon import grouped


@dataclass(frozen=True)
class CaseSet:
    """Labelled cases, divided.

    Parameters
    ----------
    images, labels
        Their folders.
    image_files, label_files
        Files by the name of their case.
    pool, validation, test
        Names: labelled cases are drawn from the first, checkpoints are chosen on the second,
        and all arms are judged on the third.
    unlabelled_files
        Files of the further scans to pretrain on, by their names.
    contents
        Digest of what the files hold, by their places in those above.
    """

    images: Path
    labels: Path
    image_files: Mapping[str, Path]
    label_files: Mapping[str, Path]
    pool: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    unlabelled_files: Mapping[str, Path]
    contents: Mapping[Path, str]

    def drawn(self, count: int, seed: int) -> tuple[str, ...]:
        """Return the labelled cases of a seed: the first so many of a permutation of the pool."""
        order = np.random.default_rng(seed).permutation(len(self.pool))
        return tuple(self.pool[index] for index in order[: count or len(self.pool)])

    def fingerprint(self, names: Sequence[str], *, labelled: bool) -> list[list[str]]:
        """Return names and digests of what their files hold: changed data is other data."""
        kinds = (self.image_files, self.label_files) if labelled else (self.image_files,)
        return [[name, *(self.contents[files[name]] for files in kinds)] for name in sorted(names)]

    def fingerprint_of_unlabelled(self) -> list[list[str]]:
        """Return the same of the further scans to pretrain on."""
        return [
            [name, self.contents[place]] for name, place in sorted(self.unlabelled_files.items())
        ]

    @cached_property
    def learnt_files(self) -> Mapping[Path, Path]:
        """Files of the images that may be learnt from, by their places in the images' folder."""
        found: dict[Path, Path] = {}
        for name in (*self.pool, *self.validation):
            image = self.image_files[name]
            if image.is_dir():
                # Folders of patients are numbered, and fewer of them would be so in another way.
                found[Path(name)] = image.resolve()
                continue
            for file in (image, *voxel_files(image)):
                found[file.relative_to(image.parent)] = file.resolve()
        return found


def gather(config: CompareConfig) -> CaseSet:
    """Find the cases of a comparison.

    Raises
    ------
    InvalidConfig
        If a named case is missing, cases are in two parts at once, or the pool has too few.
    """
    from napari_toposeg.learning.cases import read_names, require_known

    assert config.images is not None and config.labels is not None
    images, labels = list_cases(config.images), list_cases(config.labels)
    pool, validation, test = (
        tuple(dict.fromkeys(read_names(path) or ()))
        for path in (config.pool, config.validation, config.test)
    )
    require_known([*pool, *validation, *test], images.keys() & labels.keys())
    require_apart({"pool": pool, "validation": validation, "test": test})
    require_enough(config, len(pool))
    unlabelled = list_unlabelled(config.unlabelled)
    require_unseen(unlabelled, [*validation, *test])
    used = [files[name] for files in (images, labels) for name in (*pool, *validation, *test)]
    return CaseSet(
        config.images,
        config.labels,
        images,
        labels,
        tuple(sorted(pool)),
        validation,
        test,
        unlabelled,
        digests_of([*used, *unlabelled.values()], config),
    )


def digests_of(places: Sequence[Path], config: CompareConfig) -> Mapping[Path, str]:
    """Return what tells the data of volumes: of phantoms their names do, as they have the seeds."""
    if config.phantoms is not None:
        return dict.fromkeys(places, "phantom")
    return contents_of(places, config.output / "cases" / "contents.json")


def require_apart(parts: Mapping[str, Sequence[str]]) -> None:
    """Raise InvalidConfig if a case is in two parts."""
    seen: dict[str, str] = {}
    for part, names in parts.items():
        if shared := [name for name in names if name in seen]:
            raise InvalidConfig(
                f"{len(shared)} cases are both in {seen[shared[0]]} and in {part}, first "
                f"{shared[:3]}; what is judged must not be learnt from: give each case one part"
            )
        seen |= dict.fromkeys(names, part)


def require_enough(config: CompareConfig, cases: int) -> None:
    """Raise InvalidConfig if more labelled cases are asked for than the pool has."""
    most = max((*config.counts, *(n for arm in config.every_arm for n in arm.counts or ())))
    if most > cases:
        raise InvalidConfig(
            f"{most} labelled cases are asked for and the pool has {cases}; ask for fewer, or for "
            f"all ({ALL})"
        )


def list_unlabelled(places: Sequence[Path]) -> dict[str, Path]:
    """Return the scans of folders, by name.

    Raises
    ------
    InvalidConfig
        If a folder holds none itself, as that of a store or of a dataset.
    """
    try:
        return {name: file for place in places for name, file in list_cases(place).items()}
    except UnreadableFile as error:
        raise InvalidConfig(
            f"unlabelled: {error}; of a dataset in folders give that of the images, and of a store "
            "made by prepare the folder that it was made of: a comparison has to know their names"
        ) from error


def require_unseen(scans: Mapping[str, Path], held: Collection[str]) -> None:
    """Raise InvalidConfig if scans to pretrain on are cases of validation or test.

    A channel, such as ``NAME_0000``, is of the case ``NAME``.
    """
    if shared := sorted({*scans, *grouped(scans, held)} & {*held}):
        raise InvalidConfig(
            f"{len(shared)} of the unlabelled scans are named as cases of validation or test, "
            f"first {shared[:3]}; take them out, so that nothing is learnt from what is judged"
        )


def linked_images(cases: CaseSet, parent: Path) -> Path:
    """Return a folder of links to the images that may be learnt from, and to nothing else.

    No training is given the folder that holds the test images, so none can learn from them.
    """
    names = [*cases.pool, *cases.validation]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:10]
    folder = parent / f"images-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    for place in folder.glob("[!.]*"):
        if place.is_symlink() and Path(place.name) not in cases.learnt_files:
            place.unlink(missing_ok=True)
    for place, source in cases.learnt_files.items():
        link(source, folder / place)
    return folder


def link(source: Path, place: Path) -> None:
    """Link to a file or a folder, or copy it where the system has no links for everyone.

    A link to something else is replaced at once, so that a process beside this finds one of both.
    """
    if place.is_symlink() and place.readlink() == source:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(source)
    except OSError:
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
            return
        if place.is_file() and filecmp.cmp(source, place):
            return
        shutil.copy2(source, fresh)
    fresh.replace(place)


def write_names(path: Path, names: Sequence[str]) -> Path:
    """Write names, one a line, if they are not there already."""
    text = "".join(f"{name}\n" for name in names)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_atomically(path, text.encode())
    return path

"""Labelled files: the data of a fine-tuning run from folders, a store or a public dataset.

Of phantoms, which take their place, the cases are drawn. Images to learn from without labels are
read here too; labels that they may have are not.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from functools import partial

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases
from napari_toposeg.io.headers import read_extent
from napari_toposeg.io.layouts import CaseFiles, require_dataset
from napari_toposeg.io.store import open_store
from napari_toposeg.learning.cards import Intensity
from napari_toposeg.learning.cases import (
    Case,
    read_case,
    read_labelled,
    read_names,
    require_known,
)
from napari_toposeg.learning.cohort import (
    agreed_intensity,
    agreed_spacing,
    read_scan,
    require_memory,
    stored_examples,
)
from napari_toposeg.learning.devices import decompressing_threads
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.labelled import LabelledData, prepare_labelled
from napari_toposeg.learning.model_grid import planned_spacing, prepare_channels
from napari_toposeg.learning.phantom_cases import PHANTOM_SPACING, phantom_cases

PHANTOM_SCALES = (1, 1, 2, 3)
"""Half of the phantoms are drawn coarser: scans of thick slices show only such vessels."""
PHANTOM_VALIDATION = 8
PHANTOM_VALIDATION_SEED = 1_000_000


def read_labelled_store(config: FinetuneConfig, intensity: Intensity | None) -> LabelledData:
    """Open a store that was made with labels; its cases are read crop by crop.

    Raises
    ------
    InvalidConfig
        If it has no labels or another spacing, a named case is not in it, or the checkpoint wants
        other intensities than stores hold.
    """
    assert config.data is not None
    store = open_store(config.data)
    if intensity == "z-score":
        raise InvalidConfig(
            f"{config.checkpoint} was trained on intensities scaled by {intensity}, and stores "
            "hold 0..1; give --images and --labels, or a dataset, in place of the store"
        )
    if not store.manifest.labelled:
        raise InvalidConfig(f"{config.data} has no labels; prepare it anew with --labels")
    spacing = agreed_spacing([store], config.spacing) or store.manifest.spacing
    intensity = agreed_intensity([store], intensity)
    threads = decompressing_threads(config.device)
    known = {example.name: example for example in stored_examples(store, threads)}
    kept = read_names(config.validation) or []
    wanted = [name for name in read_names(config.ids) or sorted(known) if name not in kept]
    require_known([*wanted, *kept], known)
    classes = max(max(case.classes or (0,)) for case in store.manifest.cases)
    if not (wanted and classes):
        raise InvalidConfig(f"no case of {config.data} is left to train on, or none has a class")
    return LabelledData(
        [known[name] for name in wanted],
        [known[name] for name in kept],
        classes,
        spacing,
        intensity,
        store.manifest.class_names,
        unlabelled=[
            replace(example, target=None)
            for name, example in known.items()
            if config.unlabelled and name in unlabelled_names(config, known, (*wanted, *kept))
        ],
    )


def read_labelled_dataset(config: FinetuneConfig, intensity: Intensity | None) -> LabelledData:
    """Read the labelled cases of a public dataset in its own folders.

    Raises
    ------
    InvalidConfig
        If the folder is no such dataset, a named case is not in it, or they do not fit into the
        memory.
    """
    assert config.data is not None
    dataset = require_dataset(config.data)
    files = {case.name: case for case in dataset.labelled}
    kept = read_names(config.validation) or []
    wanted = [name for name in read_names(config.ids) or files if name not in kept]
    require_known([*wanted, *kept], files)
    used = [files[name] for name in (*wanted, *kept)]
    extents = (read_extent(case.images[0]) for case in used)
    require_memory(used, config.spacing or planned_spacing(extents))
    drawn = [read_case(files[name], "train") for name in wanted]
    held = [read_case(files[name], "validation") for name in kept]
    data = prepare_labelled(config, [*drawn, *held], intensity)
    every = {case.name: case for case in dataset.cases}
    unlabelled = prepare_unlabelled(config, every, (*wanted, *kept), data)
    return replace(data, names=dataset.classes, unlabelled=unlabelled)


def read_labelled_folders(config: FinetuneConfig, intensity: Intensity | None) -> LabelledData:
    """Read the labelled cases of two folders, or draw phantoms."""
    cases = read_cases(config)
    data = prepare_labelled(config, cases, intensity)
    if config.images is None:
        return data
    used = [case.name for case in cases]
    files = list_cases(config.images).items()
    every = {name: CaseFiles(name, (path,)) for name, path in files}
    return replace(data, unlabelled=prepare_unlabelled(config, every, used, data))


def unlabelled_names(
    config: FinetuneConfig, known: Iterable[str], used: Container[str]
) -> list[str]:
    """Return the names of the images to learn from without labels.

    Parameters
    ----------
    used
        Those that have another part in the run.

    Raises
    ------
    InvalidConfig
        If there is no such image as one that is named.
    """
    known = list(known)
    named = read_names(config.unlabelled_ids)
    if lacking := [name for name in named or () if name not in known]:
        raise InvalidConfig(
            f"{config.unlabelled_ids} names {len(lacking)} image(s) that are not there, first "
            f"{lacking[:3]}; write the names of image files without their endings"
        )
    return [name for name in (known if named is None else named) if name not in used]


def prepare_unlabelled(
    config: FinetuneConfig,
    every: Mapping[str, CaseFiles],
    used: Container[str],
    data: LabelledData,
) -> list[Example]:
    """Read images to learn from without labels, on the grid of the labelled ones.

    Raises
    ------
    InvalidConfig
        If one is not there or a label map, or they do not fit into the memory.
    """
    if not config.unlabelled:
        return []
    cases = [every[name] for name in unlabelled_names(config, every, used)]
    if not cases:
        return []
    require_memory(cases, data.spacing)
    read = ((case.name, read_scan(case)) for case in cases)
    return [
        Example(
            name,
            prepare_channels(channels, data.spacing, data.intensity),
            modality=channels[0].modality,
        )
        for name, channels in read
    ]


def read_cases(config: FinetuneConfig) -> list[Case]:
    """Read the labelled cases that the config names, or draw phantoms."""
    if config.phantoms:
        spacing = config.spacing or PHANTOM_SPACING
        draw = partial(phantom_cases, spacing=spacing, scales=PHANTOM_SCALES)
        drawn = draw(config.phantoms, first_seed=config.seed)
        kept = draw(PHANTOM_VALIDATION, first_seed=PHANTOM_VALIDATION_SEED, role="validation")
        return drawn + kept
    if config.images is None or config.labels is None:
        raise InvalidConfig(
            "fine-tuning needs labelled volumes; give --data, or --images and --labels"
        )
    validation = read_names(config.validation)
    read = partial(read_labelled, config.images, config.labels, annotated=config.annotated)
    training = read(read_names(config.ids), "train", without=validation or ())
    return training + (read(validation, "validation") if validation else [])

"""Crops of the same volumes from our store and from MONAI's two datasets, each in its usual form.

MONAI's cut anywhere and leave the crop as it is; ours show something and are mirrored.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_toposeg.config import PrepareConfig
from napari_toposeg.learning.cohort import read_cohort
from napari_toposeg.learning.crops import draw_unlabelled
from napari_toposeg.learning.prepare import prepare
from napari_toposeg.progress import finish

EDGE = 96
Draw = Callable[[int], np.ndarray]
"""From a number to a crop of a volume that the number chooses."""


def make_store(scans: Path, store: Path) -> Path:
    """Prepare the volumes."""
    config = PrepareConfig.create(images=(scans,), output=store, spacing=(1.0, 1.0, 1.0))
    return finish(prepare(config)).store


def from_store(store: Path, threads: int = 1) -> Draw:
    """Return what draws from our store."""
    examples = read_cohort([store], None, threads=threads).examples

    def draw(number: int) -> np.ndarray:
        random = np.random.default_rng(number)
        example = examples[random.integers(len(examples))]
        return draw_unlabelled(example, (EDGE,) * 3, random).image

    return draw


def from_monai(scans: Path, cache: Path | None) -> Draw:
    """Return what draws from a PersistentDataset, or without a folder from a CacheDataset."""
    from monai.data import CacheDataset, PersistentDataset
    from monai.transforms import (
        Compose,
        EnsureChannelFirstd,
        LoadImaged,
        RandSpatialCropd,
        ScaleIntensityRanged,
    )

    steps = Compose(
        [
            LoadImaged("image"),
            EnsureChannelFirstd("image"),
            ScaleIntensityRanged("image", -1000, 1000, 0, 1, clip=True),
            RandSpatialCropd("image", (EDGE,) * 3, random_size=False),
        ]
    )
    files = [{"image": str(path)} for path in sorted(scans.glob("*.nii"))]
    if cache is None:
        dataset = CacheDataset(files, steps, progress=False, num_workers=1)
    else:
        dataset = PersistentDataset(files, steps, cache_dir=cache)

    def draw(number: int) -> np.ndarray:
        random = np.random.default_rng(number)
        return dataset[int(random.integers(len(files)))]["image"].numpy()

    return draw

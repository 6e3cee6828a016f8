"""Does the plain masked autoencoder learn at all: its error on unseen volumes beside no network's.

What is hidden of volumes that no run saw is rebuilt by a ViT and by a masked convolutional network,
filled with the mean of what is visible, and interpolated: the same voxels for all, in windows of
the crop that was trained on, of which each way sees what is visible inside and nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from monai.data.utils import dense_patch_slices
from numpy.typing import NDArray

from benchmarks.pretraining import ablation
from benchmarks.pretraining.fine_structures import Fill, Judged, filled_in, rebuilt
from benchmarks.pretraining.objectives import hippocampi
from benchmarks.pretraining.training import train
from benchmarks.pretraining.variants import Settings
from napari_toposeg.learning.examples import Example

SEEDS = (0, 1, 2)
RATIO = 0.6
BASE: Settings = {
    "objective": "mae",
    "size": "nano",
    "mask_ratio": RATIO,
    "learning_rate": 2e-3,
    "threads": 1,
}
HEADER = (
    "scans",
    "network",
    "hidden cube",
    "crop",
    "batch x steps",
    "hidden error",
    "the mean's",
    "interpolation's",
    "of the mean's",
    "of interpolation's",
)


@dataclass(frozen=True)
class Trial:
    """Scans to learn from and to be judged on, and the settings of a network."""

    scans: str
    network: str
    edge: int
    cube: int
    batch: int
    steps: int


TRIALS = (
    Trial("vessel phantoms", "vit", edge=24, cube=4, batch=8, steps=1500),
    Trial("vessel phantoms", "resenc-unet", edge=24, cube=4, batch=2, steps=600),
    Trial("hippocampus MR", "vit", edge=32, cube=8, batch=8, steps=4000),
    Trial("hippocampus MR", "resenc-unet", edge=32, cube=8, batch=2, steps=800),
    Trial("CT", "vit", edge=32, cube=8, batch=8, steps=2000),
    Trial("CT", "resenc-unet", edge=24, cube=4, batch=2, steps=1200),
)


def lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Train each network on each kind of scan and yield a line of the table."""
    for trial in TRIALS:
        training, unseen = scans_of(trial)
        settings = BASE | {
            "network": trial.network,
            "patch": trial.cube,
            "crop": (trial.edge,) * 3,
            "batch": trial.batch,
            "steps": 20 if quick else trial.steps,
            "every": trial.steps,
        }
        runs = []
        for seed in SEEDS[:1] if quick else SEEDS:
            model = train(settings | {"seed": seed}, training, training[:2]).model
            runs.append([error_of(case, rebuilt(model, case)) for case in unseen])
        simple = [
            np.mean([error_of(case, in_windows(case, trial.edge, fill)) for case in unseen])
            for fill in (visible_mean, filled_in)
        ]
        yield line(trial, np.array(runs), *simple)


def line(
    trial: Trial, errors: NDArray[np.float64], mean: float, interpolation: float
) -> tuple[str, ...]:
    """Write the mean over seeds and volumes, and the range of each seed's."""
    seeds = errors.mean(axis=1)
    return (
        trial.scans,
        trial.network,
        f"{trial.cube}^3",
        f"{trial.edge}^3",
        f"{trial.batch} x {trial.steps:,}",
        f"{seeds.mean():.3g} ({seeds.min():.3g} - {seeds.max():.3g})",
        f"{mean:.3g}",
        f"{interpolation:.3g}",
        f"{seeds.mean() / mean:.0%}",
        f"{seeds.mean() / interpolation:.0%}",
    )


def scans_of(trial: Trial) -> tuple[Sequence[Example], Sequence[Judged]]:
    """Return the scans to learn from, and unseen ones with what is hidden of them."""
    match trial.scans:
        case "vessel phantoms":
            setting = ablation.volumes("phantoms", trial.cube)
            return setting.training, setting.testing
        case "CT":
            setting = ablation.volumes("ct", trial.cube)
            return setting.training, setting.testing
        case _:
            unseen = [
                ablation.whole_cubes(example, trial.cube, number)
                for number, example in enumerate(hippocampi("test"))
            ]
            return hippocampi("train"), unseen


def error_of(case: Judged, composite: NDArray[np.float32]) -> float:
    """Return the mean squared error of hidden voxels."""
    return float(np.square((composite - case.image)[case.hidden]).mean())


def visible_mean(case: Judged) -> NDArray[np.float32]:
    """Return the volume with the mean of what is visible in the place of what is hidden."""
    return np.where(case.hidden, case.image[~case.hidden].mean(), case.image)


def in_windows(case: Judged, edge: int, fill: Fill) -> NDArray[np.float32]:
    """Fill in each window of a volume by itself."""
    composite = case.image.copy()
    for place in dense_patch_slices(case.image.shape, (edge,) * 3, (edge,) * 3):
        composite[place] = fill(Judged(case.image[place], None, case.hidden[place]))
    return composite

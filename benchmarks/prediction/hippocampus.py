"""The hippocampus cases, and models trained on few of them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.io import list_cases, read_volume
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.seeds import random_of
from napari_toposeg.progress import finish
from napari_toposeg.volume import Volume

SPLITS = Path(__file__).parents[1] / "recipes"
CLASSES = ("anterior", "posterior")
SHIPPED = "hippocampus-mr"
STEPS = 200


def names_of(split: str) -> list[str]:
    """Return the names of the cases that the shipped model was trained, chosen or tested on."""
    return (SPLITS / f"hippocampus-{split}.txt").read_text(encoding="utf-8").split()


def data_folder() -> Path:
    """Return the folder of images and labels."""
    return Path(os.environ["NAPARI_TOPOSEG_DATA"]) / "hippocampus"


def cases_of(split: str, *, quick: bool = False) -> Iterator[tuple[str, Volume, Volume]]:
    """Yield name, image and truth of each case."""
    images, labels = (list_cases(data_folder() / kind) for kind in ("images", "labels"))
    for name in names_of(split)[: 3 if quick else None]:
        yield name, read_volume(images[name]), read_volume(labels[name], modality="label")


def few_labels(count: int, seed: int) -> Model:
    """Return a small residual U-Net trained from scratch on so many cases, drawn by the seed.

    It is kept in the folder of temporary files, and taken from there the next time.
    """
    folder = Path(tempfile.gettempdir()) / "toposeg-few-labels"
    run, ids = folder / f"{count}-{seed}", folder / f"{count}-{seed}.txt"
    if not (run / "best.safetensors").exists():
        folder.mkdir(exist_ok=True)
        drawn = random_of(seed, count).choice(names_of("train"), count, replace=False)
        ids.write_text("\n".join(drawn) + "\n", encoding="utf-8")
        config = FinetuneConfig.create(
            checkpoint="none", network="resenc-unet", size="nano", steps=STEPS, classes=CLASSES,
            images=data_folder() / "images", labels=data_folder() / "labels", ids=ids, seed=seed,
            output=run, threads=1, previews=False, forecast=False, precision="32-true",
        )  # fmt: skip
        finish(finetune(config))
    return load_model(run, "cpu")

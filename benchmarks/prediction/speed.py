"""Seconds of a sweep of windows over a volume, ours and MONAI's in turn."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from torch import Tensor

from napari_toposeg.config import PrecisionName
from napari_toposeg.io import read_volume
from napari_toposeg.learning.answers import asked, planned_batch
from napari_toposeg.learning.checkpoints import Model, load_model
from napari_toposeg.learning.model_grid import prepare_image
from napari_toposeg.learning.windows import alike, places, slide, strides
from napari_toposeg.progress import finish

HEADER = (
    "model", "volume", "windows", "MONAI", "ours, full precision", "ratio (least - most)",
    "ours, as planned", "ratio (least - most)", "MONAI in bf16", "ratio",
)  # fmt: skip
AIR_HEADER = ("scan", "model's grid", "windows", "spared", "spared by --air 0.02")

OVERLAP = 0.25
ROUNDS = 3
SPAN = 0.02
MODELS = ("vessels-ct", "hippocampus-mr")
SCANS = {
    "chest CT, whole": "chest_ct/ct-64.nrrd",
    "liver CT": "liver_ct/CRLM-CT-1004_256.nii.gz",
    "CT of a lung tumour": "lung_tumour/A0002_B40f_256.nii.gz",
    "abdomen CT": "totalsegmentator/example_ct.nii.gz",
    "abdomen MR": "totalsegmentator/example_mr_sm.nii.gz",
}


def lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Yield a row for each model and volume."""
    for name in MODELS[: 1 if quick else None]:
        model = load_model(name, "cpu")
        for what, image in volumes(model, quick=quick):
            yield row(model, what, image, rounds=1 if quick else ROUNDS)


def volumes(model: Model, *, quick: bool) -> Iterator[tuple[str, Tensor]]:
    """Yield noise all over, of 8 and of 27 windows, and a body in as much air."""
    stride = strides(model.card.crop, OVERLAP)
    for count in (2,) if quick else (2, 3):
        shape = [
            edge + (count - 1) * step for edge, step in zip(model.card.crop, stride, strict=True)
        ]
        yield "x".join(map(str, shape)), noise(shape)
    shape[0] *= 2
    image = noise(shape)
    image[:, :, shape[0] // 2 :] = 0
    yield f"{'x'.join(map(str, shape))}, half of it air", image


def noise(shape: list[int]) -> Tensor:
    """Return a volume of which no window is of one grey value."""
    return torch.rand((1, 1, *shape), generator=torch.Generator().manual_seed(0))


def row(model: Model, what: str, image: Tensor, *, rounds: int) -> tuple[str, ...]:
    """Time both in turn, round after round; the ratio is that of a round."""
    ways: dict[str, Callable[[], Tensor]] = {
        "monai": lambda: by_monai(model, image, torch.float32),
        "full": lambda: by_us(model, image, "32-true"),
        "planned": lambda: by_us(model, image, "auto"),
        "monai bf16": lambda: by_monai(model, image, torch.bfloat16),
    }
    seconds = [{name: timed(way) for name, way in ways.items()} for _ in range(rounds)]
    least = {name: min(each[name] for each in seconds) for name in ways}

    def ratio(name: str, rival: str = "monai") -> str:
        found = [each[rival] / each[name] for each in seconds]
        return f"{np.median(found):.2f}x ({min(found):.2f} - {max(found):.2f})"

    count = len(places(image.shape[2:], model.card.crop, strides(model.card.crop, OVERLAP)))
    return (
        model.card.name, what, str(count), f"{least['monai']:.2f} s", f"{least['full']:.2f} s",
        ratio("full"), f"{least['planned']:.2f} s", ratio("planned"),
        f"{least['monai bf16']:.2f} s", ratio("planned", "monai bf16"),
    )  # fmt: skip


def timed(way: Callable[[], Tensor]) -> float:
    """Return the seconds of the processor that a sweep takes."""
    began = time.process_time()
    way()
    return time.process_time() - began


def by_us(model: Model, image: Tensor, precision: PrecisionName) -> Tensor:
    """Sweep as a prediction does."""
    return finish(
        slide(
            image,
            model.card.crop,
            asked(model.network, "cpu", precision=precision),
            stride=strides(model.card.crop, OVERLAP),
            message="",
            batch=planned_batch(0, "cpu"),
        )
    )


def by_monai(model: Model, image: Tensor, kind: torch.dtype) -> Tensor:
    """Sweep as MONAI does, with as many windows at once as ours has."""
    arithmetic = torch.autocast("cpu", kind, enabled=kind != torch.float32)

    def probabilities(windows: Tensor) -> Tensor:
        found: Tensor = model.network(windows).float().softmax(1)
        return found

    with torch.inference_mode(), arithmetic:
        blended: Tensor = sliding_window_inference(
            image, model.card.crop, planned_batch(0, "cpu"), probabilities, OVERLAP, "gaussian"
        )
    return blended


def air_lines(*, quick: bool) -> Iterator[tuple[str, ...]]:
    """Yield how many windows of real scans share another's answer, on the grid of vessels-ct."""
    model = load_model("vessels-ct", "cpu")
    folder = Path(os.environ["NAPARI_TOPOSEG_DATA"])
    for what, path in list(SCANS.items())[: 1 if quick else None]:
        prepared = prepare_image(
            read_volume(folder / path), model.card.spacing, model.card.intensity
        )
        image = torch.from_numpy(prepared.voxels)[None, None]
        spots = places(image.shape[2:], model.card.crop, strides(model.card.crop, OVERLAP))
        spared = [len(spots) - len(alike(image, spots, span)) for span in (0.0, SPAN)]
        shape = "x".join(map(str, image.shape[2:]))
        cells = (f"{number} ({number / len(spots):.0%})" for number in spared)
        yield what, shape, str(len(spots)), *cells

"""Make, measure and pack the models that ship with the package.

    NAPARI_TOPOSEG_DATA=<the real volumes> python benchmarks/ship_models.py [PART ...]

Parts, all in this order without a name: pretrain, unet, vessels, hippocampus, pack. The runs are
those of ``napari-toposeg pretrain`` and ``finetune`` with the settings below. ``pack`` measures
each model on cases that it did not see, writes the figures into its card, stores the weights in
half precision inside the package, and writes ``docs/models.md``. The split of the hippocampus
cases is in ``benchmarks/recipes``.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_toposeg.config import FinetuneConfig, PretrainConfig
from napari_toposeg.io import read_volume
from napari_toposeg.learning.cards import Card, load_card, shipped_folder
from napari_toposeg.learning.cases import read_names
from napari_toposeg.learning.checkpoints import load_model, save_checkpoint
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.phantom_cases import phantom_case
from napari_toposeg.learning.predict import segment
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.learning.reconstruct import reconstruct
from napari_toposeg.metrics import dice
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.progress import Step, finish
from napari_toposeg.topology import betti_numbers
from napari_toposeg.volume import Volume

HERE = Path(__file__).parent
DATA = Path(os.environ.get("NAPARI_TOPOSEG_DATA", "data"))
RUNS = Path(os.environ.get("NAPARI_TOPOSEG_RUNS", "runs"))
TRAINING_CT = (
    "lung_nodule/LIDC-IDRI-0001_slab.nii.gz",
    "lung_tumour/A0002_B40f_256.nii.gz",
    "lung_tumour/A0002_B70f_256.nii.gz",
    "liver_ct/CRLM-CT-1004_256.nii.gz",
    "sarcoma/CT_image.nii.gz",
    "totalsegmentator/example_ct.nii.gz",
    "totalsegmentator/example_ct_sm.nii.gz",
)
UNSEEN_CT = "chest_ct/ct-64.nrrd"
UNSEEN_MR = ("totalsegmentator/example_mr_sm.nii.gz", "sarcoma/MR_T1_image.nii.gz")
TEST_PHANTOMS = range(2_000_000, 2_000_020)
RESAMPLES = 2000

CT_SOURCES = (
    "Seven CT volumes: LIDC-IDRI-0001 (CC BY 3.0), Lung-PET-CT-Dx A0002 with two kernels (CC BY "
    "4.0), "
    "Colorectal-Liver-Metastases CRLM-CT-1004 (CC BY 4.0), Soft-tissue-Sarcoma as prepared by "
    "IBSI (CC BY 3.0), "
    "two TotalSegmentator test volumes (Apache-2.0); and three synthetic vessel phantoms"
)
USE = "Research use only; not a medical device. "


def pretraining() -> PretrainConfig:
    """Settings of topomae-ct."""
    return PretrainConfig.create(
        data=tuple(DATA / name for name in TRAINING_CT),
        output=RUNS / "topomae-ct",
        objective="topomae",
        network="vit",
        size="nano",
        patch=6,
        crop=(36, 36, 36),
        spacing=(3.0, 3.0, 3.0),
        phantoms=3,
        steps=6000,
        every=300,
        threads=1,
    )


def pretraining_unet() -> PretrainConfig:
    """Settings of topomae-ct-unet."""
    return PretrainConfig.create(
        data=tuple(DATA / name for name in TRAINING_CT),
        output=RUNS / "topomae-ct-unet",
        objective="topomae",
        network="resenc-unet",
        size="nano",
        cube=8,
        crop=(32, 32, 32),
        spacing=(3.0, 3.0, 3.0),
        phantoms=3,
        steps=3000,
        batch=4,
        learning_rate=2e-3,
        every=300,
        threads=1,
    )


def vessels() -> FinetuneConfig:
    """Settings of vessels-ct."""
    return FinetuneConfig.create(
        checkpoint=str(RUNS / "topomae-ct"),
        output=RUNS / "vessels-ct",
        phantoms=96,
        classes=("vessel",),
        flips="zyx",
        crop=(48, 48, 48),
        steps=1200,
        every=150,
        precision="32-true",
        threads=1,
    )


def hippocampus() -> FinetuneConfig:
    """Settings of hippocampus-mr."""
    return FinetuneConfig.create(
        checkpoint=str(RUNS / "topomae-ct"),
        output=RUNS / "hippocampus-mr",
        images=DATA / "hippocampus" / "images",
        labels=DATA / "hippocampus" / "labels",
        ids=HERE / "recipes" / "hippocampus-train.txt",
        validation=HERE / "recipes" / "hippocampus-validation.txt",
        classes=("anterior", "posterior"),
        steps=1500,
        every=250,
        precision="32-true",
        threads=1,
    )


def show(run: Iterator[Step]) -> None:
    """Print the Steps of a run that carry a measurement."""
    for step in run:
        if step.metrics:
            figures = ", ".join(f"{name} {value:.4f}" for name, value in step.metrics.items())
            print(f"{step.step}/{step.total} {step.seconds:.0f} s: {figures}", flush=True)


def interval(values: list[float]) -> dict[str, Any]:
    """Mean over cases with its 95 % bootstrap interval."""
    random = np.random.default_rng(0)
    draws = random.choice(values, (RESAMPLES, len(values))).mean(1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return {
        "mean": round(float(np.mean(values)), 4),
        "95%": [round(float(low), 4), round(float(high), 4)],
        "cases": len(values),
    }


def measure_reconstruction(model: Path) -> dict[str, Any]:
    """Hidden-voxel errors on scans that were not trained on, three masks each."""
    quality: dict[str, Any] = {}
    phantom = vessel_tree(seed=TEST_PHANTOMS[0], spacing=(3.0, 3.0, 3.0)).image
    scans = {name: read_volume(DATA / name) for name in (UNSEEN_CT, *UNSEEN_MR)}
    for name, volume in {**scans, "vessel phantom": phantom}.items():
        rebuilt = [finish(reconstruct(volume, model, seed=seed, device="cpu")) for seed in range(3)]
        quality[name] = {
            "mean squared error of hidden voxels": round(
                float(np.mean([r.mse for r in rebuilt])), 5
            ),
            "visible mean's": round(float(np.mean([r.mse_mean for r in rebuilt])), 5),
            "interpolation's": round(float(np.mean([r.mse_interpolation for r in rebuilt])), 5),
        }
    return quality


def best_threshold_dice(image: Volume, truth: np.ndarray) -> float:
    """Dice of the single threshold that is best for this very case, chosen with its truth."""
    levels = np.percentile(image.voxels, np.linspace(50, 99.9, 120))
    return max(dice(image.voxels > level, truth) for level in levels)


def measure_vessels(model: Path) -> dict[str, Any]:
    """Dice and Betti errors on phantoms of other seeds, beside the best threshold of each case."""
    quality = {}
    for kind, cases in {
        "default phantoms": [vessel_tree(seed=seed) for seed in TEST_PHANTOMS],
        "noise and chest wall as in training": [
            phantom_case(seed, (1.0, 1.0, 1.0), "validation") for seed in TEST_PHANTOMS
        ],
        "the same at 3 mm": [
            phantom_case(seed, (1.0, 1.0, 1.0), "validation", 3) for seed in TEST_PHANTOMS
        ],
    }.items():
        ours, best, errors = [], [], []
        for case in cases:
            labels = case.truth if kind == "default phantoms" else case.labels
            truth = labels.voxels > 0
            found = finish(segment(case.image, model, device="cpu")).labels.voxels > 0
            ours.append(dice(found, truth))
            best.append(best_threshold_dice(case.image, truth))
            errors.append(
                float(np.abs(np.subtract(betti_numbers(found), betti_numbers(truth))).sum())
            )
        quality[kind] = {
            "Dice": interval(ours),
            "Dice of the best threshold of each case": interval(best),
            "sum of Betti errors, 26-connected": interval(errors),
        }
    return quality


def measure_hippocampus(model: Path) -> dict[str, Any]:
    """Dice on the 40 test cases of the split."""
    names = read_names(HERE / "recipes" / "hippocampus-test.txt")
    assert names is not None
    scores: dict[str, list[float]] = {"anterior": [], "posterior": [], "mean": []}
    for name in names:
        image = read_volume(DATA / "hippocampus" / "images" / f"{name}.nii.gz")
        truth = read_volume(
            DATA / "hippocampus" / "labels" / f"{name}.nii.gz", modality="label"
        ).voxels
        found = finish(segment(image, model, device="cpu")).labels.voxels
        both = [dice(found == number, truth == number) for number in (1, 2)]
        for key, value in zip(scores, (*both, float(np.mean(both))), strict=True):
            scores[key].append(float(value))
    return {"40 test cases": {f"Dice {key}": interval(values) for key, values in scores.items()}}


DESCRIPTIONS: dict[str, dict[str, str]] = {
    "topomae-ct": {
        "modality": "CT",
        "intended_use": USE
        + "Starting point for fine-tuning on few labels, and an example of masked reconstruction "
        "of CT. On the unseen CT it is better than interpolation; on MR, which it never saw, and "
        "on the noisy phantom it is not.",
        "data": CT_SOURCES,
        "licence": "CC BY 4.0, attribution to the sources above",
    },
    "topomae-ct-unet": {
        "modality": "CT",
        "intended_use": USE
        + "Starting point for fine-tuning on few labels, and an example of masked reconstruction "
        "of CT by a masked convolutional network, the better of the two: its error is a smaller "
        "part of interpolation's, on larger hidden cubes. On the noisy phantom and on one of two "
        "MR, of which it saw none, interpolation is better.",
        "data": CT_SOURCES,
        "licence": "CC BY 4.0, attribution to the sources above",
    },
    "vessels-ct": {
        "modality": "CT",
        "intended_use": USE
        + "Bright vessels in lung-like CT at 1 mm, as in the synthetic phantoms; it was never "
        "shown a labelled real scan and marks other bright tissue too.",
        "data": "96 synthetic vessel phantoms; the encoder from topomae-ct",
        "licence": "CC BY 4.0, attribution to the sources of topomae-ct",
    },
    "hippocampus-mr": {
        "modality": "MR",
        "intended_use": USE
        + "Anterior and posterior hippocampus in T1 MR crops around it, as in the Medical "
        "Segmentation Decathlon; not for whole heads.",
        "data": "148 cases of Medical Segmentation Decathlon Task04 (CC BY-SA 4.0), 12 more to "
        "choose the best weights; "
        "the encoder from topomae-ct",
        "licence": "CC BY-SA 4.0, attribution to the Medical Segmentation Decathlon and the "
        "sources of topomae-ct",
    },
}


def pack(name: str) -> Card:
    """Measure a run's best model and put it into the package in half precision."""
    measure = {
        "topomae-ct": measure_reconstruction,
        "topomae-ct-unet": measure_reconstruction,
        "vessels-ct": measure_vessels,
        "hippocampus-mr": measure_hippocampus,
    }[name]
    model = load_model(RUNS / name)
    target = shipped_folder() / f"{name}.safetensors"
    card = model.card.model_copy(update={"name": name, **DESCRIPTIONS[name]})
    save_checkpoint(target, model.network.state_dict(), card, precision=torch.float16)
    # Measured as shipped: after rounding to half precision.
    card = card.model_copy(update={"quality": measure(target)})
    save_checkpoint(target, model.network.state_dict(), card, precision=torch.float16)
    return card


def table(cards: list[Card]) -> str:
    """Return the page of the docs."""
    lines = [
        "# Models that ship",
        "",
        "Small, honest models; research use only. `python benchmarks/ship_models.py pack` writes",
        "this page: it measures each model, as shipped, on cases that it did not see. Brackets are",
        "95 % bootstrap intervals over cases. Errors of hidden voxels: intensities scaled to 0..1,",
        "mask ratio 0.6, mean of three masks.",
        "",
    ]
    for card in cards:
        size = (shipped_folder() / f"{card.name}.safetensors").stat().st_size / 1e6
        lines += [
            f"## {card.name}",
            "",
            f"{card.intended_use}",
            "",
            f"- Network: {card.network.name}, size {card.network.size}, patch "
            f"{card.network.patch}; {size:.1f} MB",
            f"- Voxel size: {' x '.join(map(str, card.spacing))} mm (z, y, x); window "
            f"{' x '.join(map(str, card.crop))} voxels",
            f"- Data: {card.data}",
            f"- Licence of the weights: {card.licence}",
            f"- Recipe: `{settings(card)}`",
            "",
            "| unseen cases | measured |",
            "|---|---|",
            *(f"| {subject} | {figures} |" for subject, figures in rows(card.quality)),
            "",
        ]
    return "\n".join(lines)


def settings(card: Card) -> str:
    """Write the recipe as flags."""
    given = {name: value for name, value in card.recipe.items() if value is not None}
    return " ".join(f"{name}={value}" for name, value in given.items())


def rows(quality: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the figures of a card: what they were measured on, and each with its name."""
    for subject, figures in quality.items():
        yield subject, "; ".join(f"{name} {text_of(value)}" for name, value in figures.items())


def text_of(value: Any) -> str:
    """Write a figure with its interval and number of cases, if it has them."""
    if not isinstance(value, dict):
        return str(value)
    low, high = value["95%"]
    return f"{value['mean']} ({low} - {high}; {value['cases']} cases)"


def main(parts: list[str]) -> None:
    """Do the parts that are named, or all."""
    for part in parts or ["pretrain", "unet", "vessels", "hippocampus", "pack"]:
        match part:
            case "pretrain":
                show(pretrain(pretraining()))
            case "unet":
                show(pretrain(pretraining_unet()))
            case "vessels":
                show(finetune(vessels()))
            case "hippocampus":
                show(finetune(hippocampus()))
            case "pack":
                for name in DESCRIPTIONS:
                    if (RUNS / name).is_dir():
                        print(name, pack(name).quality, flush=True)
                cards = [
                    load_card(shipped_folder() / f"{name}.safetensors") for name in DESCRIPTIONS
                ]
                (HERE.parent / "docs" / "models.md").write_text(table(cards), encoding="utf-8")
            case _:
                sys.exit(f"there is no part {part!r}; see the top of this file")


if __name__ == "__main__":
    main(sys.argv[1:])

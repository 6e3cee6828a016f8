"""The recipes of published settings: each is understood, and runs on small data of its layout."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from tests.datasets import (
    make_acdc,
    make_btcv,
    make_decathlon,
    make_nnssl,
    make_synapse,
    write_image,
)

from napari_toposeg.cli import build_parser
from napari_toposeg.cli.flags import read_settings
from napari_toposeg.config import FinetuneConfig, NetworkConfig, PretrainConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.cases import read_names
from napari_toposeg.learning.finetune import finetune
from napari_toposeg.learning.planning import crop_multiple, multiple_of, plan_network
from napari_toposeg.learning.pretrain import pretrain
from napari_toposeg.progress import finish

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))
SPLITS = Path(__file__).parents[2] / "recipes" / "splits"
COMMAND = re.compile(r"# napari-toposeg (\w+) --config (recipes/[\w-]+\.toml)")
TINY = {
    "size": "nano",
    "batch": 1,
    "every": 1,
    "steps": 1,
    "minutes": 0,
    "threads": 1,
    "device": "cpu",
    "previews": False,
    "ids": None,
    "validation": None,
    "checkpointing": False,
    "crops_per_visit": 1,
}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_command_in_its_header_understands_a_recipe(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parents[1])
    said = COMMAND.match(path.read_text(encoding="utf-8"))
    assert said is not None and said[2] == f"recipes/{path.name}"
    config = FinetuneConfig if said[1] == "finetune" else PretrainConfig
    settings = read_settings(build_parser().parse_args([said[1], "--config", said[2]]), config)
    assert settings.output == Path("runs") / path.stem
    for names in (settings.ids, settings.validation if said[1] == "finetune" else None):
        assert names is None or read_names(names)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_crop_of_a_recipe_fits_its_network(path: Path) -> None:
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    if "checkpoint" in settings:
        config = FinetuneConfig.create(**settings)
        network = NetworkConfig(name=config.network, size=config.size, patch=config.patch)
    else:
        network = plan_network(PretrainConfig.create(**settings))
    multiple = crop_multiple(network) if "objective" in settings else multiple_of(network)
    assert all(n % step == 0 for n, step in zip(settings["crop"], multiple, strict=True))


@pytest.mark.parametrize(
    ("train", "held", "counts"),
    [
        ("btcv-train", "btcv-validation", (24, 6)),
        ("synapse-train", "synapse-test", (18, 12)),
        ("acdc-train", "acdc-validation", (140, 20)),
    ],
)
def test_the_parts_of_a_split_share_no_patient(train: str, held: str, counts: tuple) -> None:
    parts = [read_names(SPLITS / f"{part}.txt") or [] for part in (train, held)]
    assert tuple(map(len, parts)) == counts
    patients = [Counter(name.partition("_")[0] for name in part) for part in parts]
    assert not patients[0].keys() & patients[1].keys()
    frames = 2 if "acdc" in train else 1
    assert set((patients[0] + patients[1]).values()) == {frames}


def test_the_hippocampus_cases_are_divided_without_rest() -> None:
    parts = [
        read_names(SPLITS / f"hippocampus-{part}.txt") for part in ("pool", "validation", "test")
    ]
    assert [len(part) for part in parts] == [140, 20, 40]
    assert len(set().union(*parts)) == 200


def test_few_labels_start_from_what_was_pretrained() -> None:
    first, second = (
        tomllib.loads((RECIPES[0].parent / f"few-labels-{part}.toml").read_text(encoding="utf-8"))
        for part in ("pretrain", "finetune")
    )
    assert second["checkpoint"] == first["output"]
    assert {key: first[key] for key in ("network", "size", "crop")} == {
        key: second[key] for key in ("network", "size", "crop")
    }


def made(name: str, root: Path) -> Path:
    """Make a small dataset in the layout that a recipe asks for."""
    names = {"0": "background", "1": "one", "2": "two", "3": "three"}
    sequences = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
    match name.partition("-")[0], name:
        case _, "synapse-unetr-pp":
            return make_synapse(root)
        case _, "nnssl-mae":
            return make_nnssl(root / "Dataset745_OpenMind")
        case _, "swin-unetr-ssl" | "disruptive":
            write_image(root / "scan.nii.gz", 0)
            return root
        case _, "msd-brain-unetr" | "selfmedmae-brain":
            return make_decathlon(root, "BRATS", modality=sequences, labels=names)
        case "msd", _:
            return make_decathlon(root, "case", modality={"0": "CT"}, labels=names)
        case "few", _:
            two = {"0": "background", "1": "anterior", "2": "posterior"}
            return make_decathlon(root, "case", modality={"0": "MRI"}, labels=two)
        case "lung", _:
            one = {"0": "background", "1": "vessel"}
            return make_decathlon(root, "case", modality={"0": "CT"}, labels=one)
        case _, "acdc-unetr-pp" | "topomae-acdc":
            return make_acdc(root, [("patient001", 1, 12)])
        case _:
            return make_btcv(root)


def folders(place: Path) -> dict[str, Path | str]:
    """Name one of the cases of a dataset as labelled; a start that is not there is left out."""
    ids = place / "ids.txt"
    ids.write_text("case_001\n", encoding="utf-8")
    parts = {"images": place / "imagesTr", "labels": place / "labelsTr", "ids": ids}
    return {"checkpoint": "none", **parts}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs_on_data_of_its_layout(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_toposeg.learning.pretraining.VALIDATION_CROPS", 1)
    place, output = made(path.stem, tmp_path / "data"), tmp_path / "run"
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    crop = (16, 32, 32) if "unetr-pp" in path.stem else (32, 32, 32)
    changes = {"output": output, "crop": crop, "spacing": (2.0, 2.0, 2.0)}
    if "checkpoint" in settings:
        changes |= {key: TINY[key] for key in TINY if key in FinetuneConfig.model_fields}
        changes |= folders(place) if "images" in settings else {"data": place}
        steps = list(finetune(FinetuneConfig.create(**settings | changes)))
        if settings.get("unlabelled"):
            assert any("told" in step.losses for step in steps)
    else:
        changes |= {key: TINY[key] for key in TINY if key in PretrainConfig.model_fields}
        changes |= {"validation": (), "data": (place,), "topology_block": 8}
        finish(pretrain(PretrainConfig.create(**settings | changes)))
    card = load_card(output)
    if "intensity" in settings:
        assert card.intensity == tuple(settings["intensity"])
    if path.stem == "btcv-unetr":
        assert card.classes == ("spleen", "right kidney", "left kidney")
    if path.stem == "msd-brain-unetr":
        assert card.network.channels == 4 and card.modality == "MR"

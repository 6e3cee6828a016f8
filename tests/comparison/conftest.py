"""Six small scans in two classes, and a comparison on them that takes seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_toposeg.config import CompareConfig
from napari_toposeg.io import write_volume
from napari_toposeg.volume import Volume

EDGE = 16
PARTS = {"pool": ("a", "b", "c"), "validation": ("d",), "test": ("e", "f")}
SETTINGS: dict[str, Any] = {
    "counts": [1, "all"],
    "seeds": [0, 1],
    "arms": [
        {"name": "scratch"},
        {"name": "pretrained", "objective": "mae"},
    ],
    "pretrain": {
        "network": "vit",
        "size": "nano",
        "patch": 8,
        "crop": [EDGE] * 3,
        "steps": 2,
        "every": 1,
        "batch": 2,
    },
    "finetune": {
        "network": "vit",
        "size": "nano",
        "patch": 8,
        "crop": [EDGE] * 3,
        "steps": 3,
        "every": 2,
    },
    "metrics": ["dice", "surface", "betti"],
    "device": "cpu",
    "threads": 1,
}

Make = Callable[..., CompareConfig]


def scan(seed: int) -> tuple[Volume, Volume]:
    """Return a bright box, a brighter one let into it, and their labels: each one solid piece."""
    random = np.random.default_rng(seed)
    labels = np.zeros((EDGE,) * 3, np.uint8)
    z, y, x = random.integers(2, 5, 3)
    labels[z : z + 8, y : y + 8, x : x + 8] = 1
    labels[z + 2 : z + 6, y + 2 : y + 6, x + 2 : x + 8] = 2
    noise = random.normal(0, 10, labels.shape)
    image = Volume(np.float32(100 * labels + noise), np.eye(4), name=f"scan {seed}")
    return image, image.with_voxels(labels, modality="label")


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of images, labels and lists of names."""
    folder = tmp_path_factory.mktemp("scans")
    for part, names in PARTS.items():
        (folder / f"{part}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        for name in names:
            image, labels = scan(ord(name))
            write_volume(image, folder / "images" / f"{name}.nii.gz")
            write_volume(labels, folder / "labels" / f"{name}.nii.gz")
    return folder


@pytest.fixture
def settings(scans: Path, tmp_path: Path) -> Make:
    """Return the config of a comparison on the scans; arguments win over its settings."""

    def make(**others: Any) -> CompareConfig:
        places = {
            "images": scans / "images",
            "labels": scans / "labels",
            **{part: scans / f"{part}.txt" for part in PARTS},
        }
        return CompareConfig.create(**{"output": tmp_path / "out", **places, **SETTINGS, **others})

    return make

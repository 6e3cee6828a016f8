"""Digests: by what a run is known again, so that it is made once.

A digest is of the settings that differ from their defaults, of the cases and of what a run starts
from; so a run is found again as long as it would be the same, whatever its arm is called.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_toposeg.config import Arm, FinetuneConfig, PredictConfig, PretrainConfig

MEANING = 1
"""Raised where a default, or what a setting means, is changed: runs from before are made anew."""

NOT_COUNTED = {
    "output",
    "name",
    "data",
    "ids",
    "images",
    "labels",
    "validation",
    "unlabelled_ids",
    "checkpoint",
    "resume",
    "device",
    "threads",
    "previews",
    "forecast",
    "model",
}
"""Settings that change no number of a run, and those that the cases stand for."""


def counting(config: PretrainConfig | FinetuneConfig | PredictConfig) -> dict[str, Any]:
    """Return the settings that make the numbers of a run, defaults left out.

    So a setting that a later version adds does not make a run another one.
    """
    return config.model_dump(mode="json", exclude_defaults=True, exclude=NOT_COUNTED)


def start_of(arm: Arm) -> str:
    """Return what tells the weights that an arm starts from."""
    from napari_toposeg.learning.cards import resolve_model

    if arm.checkpoint is None:
        return "none"
    return hashlib.sha256(resolve_model(arm.checkpoint).read_bytes()).hexdigest()


def digest_of(settings: Mapping[str, Any]) -> str:
    """Return a digest of plain data."""
    text = json.dumps({"meaning": MEANING, **settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def folder_of(parent: Path, name: str, digest: str) -> Path:
    """Return the folder of a run: one that is there already, by whatever name, or a new one."""
    return next(parent.glob(f"*-{digest}"), parent / f"{name}-{digest}")

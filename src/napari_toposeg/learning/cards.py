"""Model cards, without torch: which models there are and what each is for.

A model is one safetensors file; its card is JSON in the file's header. Models that ship with the
package lie in its ``models`` folder, the user's own in the store of `models_folder`: see
`model_store`.
"""

import json
import os
import struct
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_toposeg.config import NetworkConfig, Size3
from napari_toposeg.errors import InvalidCheckpoint, InvalidVolume

Intensity = tuple[float, float] | Literal["z-score"]

SUFFIX = ".safetensors"
HEADER_LIMIT = 100_000_000


class Card(BaseModel):
    """What a model is, what it is for, and how good it was measured to be.

    Parameters
    ----------
    task
        ``"reconstruct"``: a masked autoencoder; ``"encode"``: an encoder, to be fine-tuned or to
        take features from; ``"segment"``: a segmentation model.
    crop
        Window that the model was trained on, in voxels ``(z, y, x)``.
    spacing
        Voxel size in mm ``(z, y, x)`` that a scan is resampled to before the model sees it.
    modality
        Kind of scan that it was trained on.
    intensity
        What becomes 0 and 1: two numbers in HU for CT, or ``"z-score"``: mean and mean plus a
        standard deviation, unclipped. By default as `normalisation` says.
    classes
        Names of the labels 1, 2, ...
    mask_ratio
        Share of patches hidden in pretraining.
    temperature
        At which its probabilities come true: see `calibration`; 1 where that was not fitted.
    recipe
        The settings of the run that made it.
    data, licence
        What it was trained on, and the terms of the weights that follow from that.
    quality
        Measured figures by name, on cases that it did not see.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    task: Literal["reconstruct", "encode", "segment"]
    network: NetworkConfig
    crop: Size3
    spacing: tuple[float, float, float]
    modality: str = "unknown"
    intensity: Intensity | None = None
    classes: tuple[str, ...] = ()
    mask_ratio: float | None = None
    temperature: float = Field(1.0, gt=0, allow_inf_nan=False)
    intended_use: str = "Research use only."
    data: str = ""
    licence: str = ""
    recipe: dict[str, Any] = {}
    quality: dict[str, Any] = {}
    made_with: str = ""

    @property
    def does(self) -> str:
        """What it does, as the verb of a sentence."""
        return {"reconstruct": "rebuilds", "encode": "encodes", "segment": "segments"}[self.task]


def require_channels(card: Card, count: int) -> None:
    """Raise InvalidVolume unless an image has as many channels as the model reads."""
    wanted = card.network.channels
    if count != wanted:
        raise InvalidVolume(
            f"{card.name!r} reads {wanted} channels and the image has {count}; give them as the "
            "frames of one 4D file, or as files NAME_0000, NAME_0001, ... of a folder, to predict"
        )


def models_folder() -> Path:
    """Return the folder of the user's own models; ``NAPARI_TOPOSEG_MODELS`` moves it."""
    chosen = os.environ.get("NAPARI_TOPOSEG_MODELS")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("napari-toposeg")) / "models"


def shipped_folder() -> Path:
    """Return the folder of the models inside the package."""
    return Path(str(files("napari_toposeg") / "models"))


def resolve_model(name_or_path: str | Path) -> Path:
    """Return the file of a model given by its name, by a run's folder or by a path.

    Raises
    ------
    InvalidCheckpoint
        If there is no such model.
    """
    given = Path(name_or_path)
    places = (
        [given]
        if given.suffix == SUFFIX
        else [
            given / f"best{SUFFIX}",
            given / f"last{SUFFIX}",
            models_folder() / f"{given.name}{SUFFIX}",
            shipped_folder() / f"{given.name}{SUFFIX}",
        ]
    )
    for place in places:
        if place.is_file():
            return place
    known = ", ".join(card.name for card in list_models()) or "none"
    raise InvalidCheckpoint(
        f"there is no model {str(name_or_path)!r}; give one of the names ({known}), a run's "
        f"folder or a {SUFFIX} file"
    )


def read_header(path: Path) -> dict[str, str]:
    """Return the text entries of a safetensors header without reading a tensor."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > HEADER_LIMIT:
                raise InvalidCheckpoint(
                    f"{path.name} is not a safetensors file; give a model made by this program"
                )
            header = json.loads(file.read(length))
    except (OSError, struct.error, ValueError) as error:
        raise InvalidCheckpoint(
            f"{path} is not a whole safetensors file ({error}); copy or train it again"
        ) from error
    entries = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    return {str(key): str(value) for key, value in entries.items()}


def load_card(name_or_path: str | Path) -> Card:
    """Read a model's card.

    Raises
    ------
    InvalidCheckpoint
        If there is no such model or the file has no card.
    """
    path = resolve_model(name_or_path)
    card = read_header(path).get("card")
    if card is None:
        raise InvalidCheckpoint(f"{path.name} has no model card; it was not made by this program")
    try:
        return Card.model_validate_json(card)
    except ValidationError as error:
        raise InvalidCheckpoint(
            f"the card of {path.name} is not understood ({error.error_count()} faults); was it "
            "made by a newer version?"
        ) from error


def has_card(path: Path) -> bool:
    """Tell whether a path is to be read as a model of this program.

    So is one that is not there, of which the reading then says so.

    Raises
    ------
    InvalidCheckpoint
        If it is a damaged safetensors file.
    """
    if not path.is_file():
        return True
    return path.suffix == SUFFIX and "card" in read_header(path)


def list_models() -> tuple[Card, ...]:
    """Return the cards of all models, shipped ones first, by name; damaged files are left out."""
    cards = []
    for folder in (shipped_folder(), models_folder()):
        for path in sorted(folder.glob(f"*{SUFFIX}"), key=lambda each: each.stem):
            try:
                cards.append(load_card(path).model_copy(update={"name": path.stem}))
            except InvalidCheckpoint:
                continue
    return tuple(cards)


def fitting_card(cards: Iterable[Card], modality: str) -> Card | None:
    """Return the first model for this kind of scan, else the first of all; None of none."""
    offered = tuple(cards)
    fitting = (card for card in offered if card.modality == modality)
    return next(fitting, next(iter(offered), None))


def misfit(card: Card, modality: str) -> str | None:
    """Say plainly where a model sees a kind of scan that it was not trained on; else None."""
    if card.modality == modality:
        return None
    kind = "of an unknown kind" if modality == "unknown" else modality
    return (
        f"{card.name} was trained on {card.modality}, and this scan is {kind}: what it {card.does} "
        "here is outside of what it was trained for, and says nothing of how good it is."
    )


def is_shipped(name: str) -> bool:
    """Tell whether a model of this name comes with the package."""
    return (shipped_folder() / f"{name}{SUFFIX}").is_file()

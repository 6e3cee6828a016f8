"""The settings of every run: frozen pydantic models, read from and written to TOML.

The command line's flags and the dock's forms derive from these models, so that a setting is
described once: its name, its unit and range in the field's description, its default.
"""

import os
import threading
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from napari_toposeg.errors import InvalidConfig

Size3 = tuple[int, int, int]
PositiveInt = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]

ObjectiveName = Literal["mae", "topomae"]
NetworkName = Literal["vit"]
SizeName = Literal["nano", "tiny", "small", "base"]
TopologyName = Literal[
    "critical-voxel",
    "wasserstein",
    "sliced",
    "betti-curve",
    "betti-matching",
    "cldice",
    "dog",
    "histogram",
]
FieldLossName = Literal[TopologyName, "topograph", "defects"]
LossName = Literal["dice-ce", FieldLossName]


class RunConfig(BaseModel):
    """What all runs share; unknown settings are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def create(cls, **settings: Any) -> Self:
        """Build the config, or raise InvalidConfig naming every setting that is wrong."""
        try:
            return cls(**settings)
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or cls.__name__}: "
                + (
                    "is missing"
                    if fault["type"] == "missing"
                    else f"{fault['msg']} (got {fault['input']!r})"
                )
                for fault in error.errors()
            )
            raise InvalidConfig(f"{faults}; see --help for what each setting can be") from error

    @classmethod
    def from_toml(cls, path: Path, **overrides: Any) -> Self:
        """Read a config; keyword arguments win over the file."""
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidConfig(
                f"{path} is not a readable TOML file ({error}); check the path and the syntax"
            ) from error
        return cls.create(**(settings | overrides))

    def to_toml(self, path: Path) -> None:
        """Write every setting that is not None."""
        settings = self.model_dump(mode="json", exclude_none=True)
        write_atomically(path, tomli_w.dumps(settings).encode())


class NetworkConfig(RunConfig):
    """What a network is made of: enough to build it again before its weights are loaded."""

    name: NetworkName = Field("vit", description="architecture")
    size: SizeName = Field("tiny", description="size of the network")
    patch: PositiveInt = Field(6, description="edge of a patch, in voxels")


class TrainingConfig(RunConfig):
    """What all training runs share."""

    output: Path = Field(description="folder of the run; made if absent")
    name: str | None = Field(
        None, description="name under which the model is listed; default: the output folder's"
    )
    network: NetworkName = Field("vit", description="architecture")
    steps: PositiveInt = Field(description="optimiser steps")
    every: PositiveInt = Field(description="steps between checkpoints")
    learning_rate: float = Field(1e-3, gt=0, description="peak learning rate of AdamW")
    seed: int = Field(0, ge=0, description="seed of every random choice")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = Field(
        "auto", description="arithmetic"
    )
    threads: int = Field(
        0, ge=0, description="CPU threads for the network; 0: as many as there are cores"
    )
    resume: bool = Field(False, description="go on from the last checkpoint in the output folder")


class TopologyConfig(TrainingConfig):
    """What the runs share that can have a topological term beside their main loss."""

    topology_weight: float = Field(
        0.3,
        ge=0,
        description="gradient norm of the topological term relative to that of the main loss; 0: "
        "no term",
    )
    topology_crops: PositiveInt = Field(
        2,
        description="crops a step that the topological term looks at, drawn from the batch; of a "
        "segmentation each class of a crop is one",
    )
    topology_block: int = Field(
        0,
        ge=0,
        description="largest edge of the block of a crop that it looks at, in voxels; 0: the crop",
    )
    topology_smoothing: float = Field(
        0.0, ge=0, description="blur of both images before the topological term, in voxels"
    )
    topology_tau: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="persistence up to which features do not count, as a share of the range 0..1",
    )
    topology_dimensions: tuple[Annotated[int, Field(ge=0, le=2)], ...] = Field(
        (0, 1),
        min_length=1,
        description="features that count: 0 components, 1 loops, 2 cavities",
    )

    @field_validator("topology_dimensions")
    @classmethod
    def require_different(cls, dimensions: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse a dimension that is named twice: some losses would count it twice."""
        if len(set(dimensions)) < len(dimensions):
            raise ValueError("each dimension can be named once")
        return dimensions


class PretrainConfig(TopologyConfig):
    """Masked pretraining on unlabelled volumes."""

    data: tuple[Path, ...] = Field(
        description="folders or files of unlabelled volumes", min_length=1
    )
    validation: tuple[Path, ...] = Field(
        (),
        description="volumes kept out of training that choose the best weights; default: fixed "
        "crops of the data",
    )
    objective: ObjectiveName = Field(
        "topomae", description="what the network learns from the unlabelled volumes"
    )
    size: SizeName = Field("tiny", description="size of the network")
    patch: PositiveInt = Field(
        6, description="edge of a patch, in voxels; the crop is a multiple of it"
    )
    crop: Size3 = Field(
        (48, 48, 48), description="crop along z y x, in voxels of the model's spacing"
    )
    spacing: tuple[float, float, float] | None = Field(
        None,
        description="voxel size in mm along z y x that volumes are resampled to; default: the "
        "data's median",
    )
    mask_ratio: Fraction = Field(
        0.6, description="share of patches that are hidden from the encoder"
    )
    topology: TopologyName = Field(
        "critical-voxel",
        description="term of topomae beside the squared error; dog and histogram are controls "
        "without topology",
    )
    topology_crops: PositiveInt = Field(
        1, description="crops a step that the topological term looks at, drawn from the batch"
    )
    topology_block: int = Field(
        48,
        ge=0,
        description="largest edge of the block of a crop that it looks at, in voxels; 0: the crop",
    )
    topology_smoothing: float = Field(
        1.0, ge=0, description="blur of both images before the topological term, in voxels"
    )
    phantoms: int = Field(
        0, ge=0, description="synthetic vessel phantoms added to the data, of 64 voxels an edge"
    )
    steps: PositiveInt = Field(2000, description="optimiser steps")
    batch: PositiveInt = Field(8, description="crops a step")
    every: PositiveInt = Field(200, description="steps between checkpoints and previews")


class FinetuneConfig(TopologyConfig):
    """Supervised training of a segmentation model on few labelled volumes."""

    checkpoint: str = Field(
        description="model name, run folder or file to start from; 'none': from scratch"
    )
    images: Path | None = Field(None, description="folder of images")
    labels: Path | None = Field(
        None, description="folder of label maps with the same file names as their images"
    )
    ids: Path | None = Field(
        None, description="text file, one case name a line: the only labels that may be used"
    )
    validation: Path | None = Field(
        None, description="text file, one case name a line: cases that choose the best model"
    )
    classes: tuple[str, ...] | None = Field(
        None, description="names of the labels 1, 2, ... in order"
    )
    size: SizeName = Field("tiny", description="size of the network when starting from scratch")
    loss: LossName = Field(
        "dice-ce",
        description="segmentation loss: Dice and cross-entropy, alone or with the term named; dog "
        "and histogram are controls without topology",
    )
    flips: Literal["", "x", "y", "z", "yx", "zx", "zy", "zyx"] = Field(
        "", description="axes along which crops are mirrored at random; none where sides have names"
    )
    phantoms: int = Field(
        0,
        ge=0,
        description="synthetic vessel phantoms to train on in place of --images and --labels",
    )
    crop: Size3 | None = Field(
        None, description="crop along z y x, in voxels; default: planned from the data"
    )
    spacing: tuple[float, float, float] | None = Field(
        None,
        description="voxel size in mm along z y x that images are resampled to; default: the "
        "labelled cases' median",
    )
    steps: PositiveInt = Field(400, description="optimiser steps")
    batch: PositiveInt = Field(2, description="crops a step")
    every: PositiveInt = Field(50, description="steps between validations and checkpoints")


class PredictConfig(RunConfig):
    """Segmentation of files."""

    model: str = Field(description="model name, run folder or file")
    images: tuple[Path, ...] = Field(description="image files or folders", min_length=1)
    output: Path = Field(
        description="folder that receives one label map for each image, under the image's name"
    )
    probability: bool = Field(False, description="write one probability map for each class too")
    overwrite: bool = Field(
        False, description="replace files that are in the output folder already"
    )
    overlap: float = Field(0.25, ge=0, lt=1, description="overlap of neighbouring windows")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    threads: int = Field(
        0, ge=0, description="CPU threads for the network; 0: as many as there are cores"
    )


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: to a temporary neighbour, then rename."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not mkstemp, whose files none but their owner may read.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

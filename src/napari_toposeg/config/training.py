"""What all training runs share, and what those share that can have a topological term."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from napari_toposeg.config.run import PositiveInt, RunConfig

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
AugmentationName = Literal["standard", "strong"]
PrecisionName = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Level = Annotated[float, Field(ge=0, le=1)]


class TrainingConfig(RunConfig):
    """What all training runs share."""

    output: Path = Field(description="folder of the run; made if absent")
    name: str | None = Field(
        None, description="name under which the model is listed; default: the output folder's"
    )
    steps: PositiveInt = Field(description="optimiser steps")
    batch: PositiveInt = Field(description="crops a step, on all devices together")
    every: PositiveInt = Field(description="steps between checkpoints")
    patience: int = Field(
        0,
        ge=0,
        description="validations in a row without a better score after which the run ends before "
        "its last step, the best being kept; 0: it takes all steps",
    )
    learning_rate: float = Field(1e-3, gt=0, description="peak learning rate")
    optimiser: Literal["adamw", "sgd"] = Field(
        "adamw",
        description="adamw, with a cosine rate; sgd: with Nesterov's momentum 0.99 and a "
        "polynomial rate, as nnU-Net",
    )
    weight_decay: float = Field(
        0.05, ge=0, description="weight decay; biases, norms, tokens and positions have none"
    )
    betas: tuple[Momentum, Momentum] = Field(
        (0.9, 0.95), description="AdamW's decay of the mean and of the square of gradients"
    )
    warm_up: float = Field(
        0.05, ge=0, lt=1, description="share of the steps in which the rate grows to its peak"
    )
    seed: int = Field(0, ge=0, description="seed of every random choice")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    devices: PositiveInt = Field(1, description="devices of each node that work together")
    nodes: PositiveInt = Field(1, description="nodes that work together")
    strategy: Literal["auto", "ddp", "fsdp"] = Field(
        "auto", description="how devices share the work: copies of the network, or shards of it"
    )
    accumulate: PositiveInt = Field(
        1, description="parts that a batch is computed in, one after the other, to need less memory"
    )
    checkpointing: bool = Field(
        False, description="compute activations anew in the backward pass, to need less memory"
    )
    compile: bool = Field(
        False, description="compile the network first: minutes at the start, then faster steps"
    )
    precision: PrecisionName = Field("auto", description="arithmetic")
    threads: int = Field(
        0, ge=0, description="CPU threads for the network; 0: as many as there are cores"
    )
    previews: bool = Field(True, description="draw a picture of a crop at each checkpoint")
    forecast: bool = Field(
        True,
        description="measure a few steps first, to tell how long the run takes and whether its "
        "memory is enough; runs of less than 50 steps are not measured",
    )
    resume: bool = Field(False, description="go on from the last checkpoint in the output folder")

    @model_validator(mode="after")
    def require_equal_parts(self) -> Self:
        """Refuse a batch that devices and parts cannot share equally."""
        parts = self.devices * self.nodes * self.accumulate
        if self.batch % parts:
            raise ValueError(
                f"a batch of {self.batch} cannot be divided into {parts} equal parts (devices x "
                "nodes x accumulate); give a batch that is a multiple of them"
            )
        return self


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
    topology_levels: tuple[Level, Level] = Field(
        (0.0, 1.0),
        description="lowest and highest intensity between which features are followed; what is "
        "born and dies outside of these does not count",
    )
    topology_schedule: Literal["constant", "ramp", "late"] = Field(
        "ramp",
        description="the term's weight along the run: constant from the first step; ramp: growing "
        "over the first tenth; late: none in the first half, then growing over a tenth",
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

    @field_validator("topology_levels")
    @classmethod
    def require_order(cls, levels: tuple[float, float]) -> tuple[float, float]:
        """Refuse levels between which there is nothing."""
        if levels[0] >= levels[1]:
            raise ValueError("the first level must be below the second")
        return levels

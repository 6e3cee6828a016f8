"""The arms of a comparison: the ways to come to a segmentation, and what they must share."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from napari_toposeg.config.network import NetworkName
from napari_toposeg.config.pretraining import ObjectiveName
from napari_toposeg.config.run import PositiveInt, RunConfig
from napari_toposeg.config.training import LossName

ALL = 0
"""The count of labelled cases that stands for the whole pool."""

ArmName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+-]*$")]
"""What can be a folder's name everywhere, and a line of a table."""

SETTLED = frozenset(
    {
        "output",
        "name",
        "data",
        "ids",
        "images",
        "labels",
        "validation",
        "validation_share",
        "unlabelled_ids",
        "classes",
        "checkpoint",
        "objective",
        "phantoms",
        "seed",
        "resume",
        "device",
        "threads",
        "model",
        "probability",
        "uncertainty",
        "features",
        "overwrite",
    }
)
"""Settings of the runs that the comparison settles, so that they are the same for all arms."""


def require_open(settings: dict[str, Any]) -> dict[str, Any]:
    """Refuse settings that would differ between runs that are to be compared."""
    if taken := sorted(SETTLED & settings.keys()):
        raise ValueError(f"the comparison settles {', '.join(taken)} itself; leave them out here")
    return settings


def require_distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse what is named twice."""
    if len(set(values)) < len(values):
        raise ValueError("each can be named once")
    return values


def numbered(count: Any) -> Any:
    """Return a count as a number: all is `ALL`."""
    return ALL if count == "all" else count


Settings = Annotated[dict[str, Any], AfterValidator(require_open)]
Whole = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0), BeforeValidator(numbered)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1), AfterValidator(require_distinct)]
Start = Literal["scratch", ObjectiveName]


class Arm(RunConfig):
    """One way to come to a segmentation, to be held against the others."""

    name: ArmName = Field(description="what it is called in the table")
    objective: Start = Field(
        "scratch", description="objective that it is pretrained by; scratch: none"
    )
    checkpoint: str | None = Field(
        None, description="model that it starts from in place of a pretraining"
    )
    network: NetworkName | None = Field(
        None, description="architecture of both runs; default: that of their settings"
    )
    members: PositiveInt = Field(
        1,
        description="models that each run trains on the same labelled cases, from seeds of their "
        "own, and predicts with together",
    )
    counts: Counts | None = Field(
        None, description="numbers of labelled cases; default: the comparison's"
    )
    pretrain: Settings = Field({}, description="settings of its pretraining that are its own")
    finetune: Settings = Field({}, description="settings of its fine-tuning that are its own")
    predict: Settings = Field({}, description="settings of its predictions that are its own")

    @model_validator(mode="after")
    def require_one_start(self) -> Self:
        """Refuse a pretraining whose model is not used."""
        if self.checkpoint is not None and self.objective != "scratch":
            raise ValueError(
                f"arm {self.name!r} has both a checkpoint and an objective; give one of them"
            )
        return self


def crossed(
    objective: Start,
    network: NetworkName | None,
    loss: LossName | None,
    *,
    several: tuple[bool, bool],
) -> Arm:
    """Return one arm of the product; of networks and losses it is named by those that differ."""
    parts = [
        objective,
        *(each for each, many in zip((network, loss), several, strict=True) if many),
    ]
    return Arm(
        name=" ".join(str(part) for part in parts),
        objective=objective,
        network=network,
        finetune={} if loss is None else {"loss": loss},
    )

"""The settings of a comparison: which arms, on how many labelled cases, how often, on what data."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from napari_toposeg.config.arms import (
    ALL,
    Arm,
    Counts,
    Start,
    Whole,
    crossed,
    require_distinct,
    require_open,
)
from napari_toposeg.config.measuring import PARTS, PartName
from napari_toposeg.config.network import NetworkName
from napari_toposeg.config.predicting import wishes
from napari_toposeg.config.run import ClassNames, PositiveInt, RunConfig, Words
from napari_toposeg.config.training import LossName


class PhantomData(RunConfig):
    """Synthetic vessel phantoms in place of folders."""

    pool: PositiveInt = Field(32, description="phantoms to learn from")
    validation: int = Field(4, ge=0, description="phantoms that choose the best checkpoints")
    test: PositiveInt = Field(12, description="phantoms that all arms are judged on")


class CompareConfig(RunConfig):
    """Several ways to train, compared on the same cases."""

    output: Path = Field(description="folder of all runs, the table and the page; made if absent")
    images: Path | None = Field(None, description="folder of images")
    labels: Path | None = Field(
        None, description="folder of label maps with the same file names as their images"
    )
    phantoms: PhantomData | None = Field(
        None, description="synthetic vessel phantoms in place of images and labels"
    )
    pool: Path | None = Field(
        None,
        description="text file, one case name a line: cases that labelled ones are drawn from, and "
        "that are pretrained on",
    )
    validation: Path | None = Field(
        None, description="text file, one case name a line: cases that choose the best checkpoints"
    )
    test: Path | None = Field(
        None, description="text file, one case name a line: cases that all arms are judged on"
    )
    unlabelled: tuple[Path, ...] = Field(
        (), description="scans to pretrain on; default: the images of the pool"
    )
    classes: ClassNames | None = Field(None, description="names of the labels 1, 2, ... in order")
    counts: Counts = Field(
        (2, 4, 8, ALL), description="numbers of labelled cases; all, or 0: the whole pool"
    )
    seeds: Annotated[tuple[Whole, ...], Field(min_length=1), AfterValidator(require_distinct)] = (
        Field(
            (0, 1, 2),
            description="seeds: each draws its labelled cases, the same for all arms, and trains",
        )
    )
    objectives: tuple[Start, ...] = Field(
        (), description="objectives of the arms, where no arms are named; scratch: none"
    )
    networks: tuple[NetworkName, ...] = Field((), description="architectures of the arms")
    losses: tuple[LossName, ...] = Field((), description="segmentation losses of the arms")
    arms: tuple[Arm, ...] = Field(
        (), description="the arms one by one, in place of objectives x networks x losses"
    )
    rivals: tuple[str, ...] = Field(
        (), description="arms that the others are held against; default: the first"
    )
    pretrain: dict[str, Any] = Field(
        {}, description="settings of all pretrainings; recipe: a TOML file that they begin with"
    )
    finetune: dict[str, Any] = Field(
        {}, description="settings of all fine-tunings; recipe: a TOML file that they begin with"
    )
    predict: dict[str, Any] = Field({}, description="settings of all predictions of test cases")
    steps_all: PositiveInt | None = Field(
        None, description="steps of fine-tuning on the whole pool; default: as on few cases"
    )
    pretrain_each_seed: bool = Field(
        False, description="pretrain anew for each seed, so that its chance counts too"
    )
    repair: Words | None = Field(
        None,
        description="Betti numbers (components, loops, cavities) that test predictions are "
        "repaired to as well: 1,0,0 for every class, or CLASS=1,0,0 for those named",
    )
    metrics: Annotated[tuple[PartName, ...], Field(min_length=1)] = Field(
        PARTS, description="what is measured, as by measure"
    )
    columns: Annotated[tuple[str, ...], AfterValidator(require_distinct)] = Field(
        (),
        description="metrics that tables and curves show; default: Dice, HD95, Betti error, "
        "exactness; rows.csv holds all",
    )
    tolerance: float = Field(1.0, gt=0, description="tolerance of the surface Dice, in mm")
    keep_predictions: bool = Field(False, description="write the label maps of the test cases too")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    threads: int = Field(
        0, ge=0, description="CPU threads for the networks; 0: as many as there are cores"
    )
    only: tuple[str, ...] = Field(
        (), description="run only these, as ARM/COUNT/SEED with * for any, such as 'mae/4/*'"
    )
    part: Annotated[str, StringConstraints(pattern=r"^[1-9]\d*/[1-9]\d*$")] | None = Field(
        None, description="run only this part of the runs, such as 1/2 and 2/2 on two machines"
    )

    @model_validator(mode="after")
    def require_one_source(self) -> Self:
        """Refuse data that is missing, or told twice."""
        named = (self.images, self.labels, self.pool, self.test)
        if self.phantoms is None and None in named:
            raise ValueError("give images, labels, pool and test, or phantoms")
        if self.phantoms is not None and any((*named, self.validation, self.unlabelled)):
            raise ValueError("phantoms are a data set of their own; give them alone")
        return self

    @model_validator(mode="after")
    def require_arms(self) -> Self:
        """Refuse arms that are told twice, share a name, or do not hold the rivals."""
        if bool(self.arms) == bool(self.objectives):
            raise ValueError("give either arms, or objectives (with networks and losses)")
        if self.arms and (self.networks or self.losses):
            raise ValueError("networks and losses go with objectives; arms name their own")
        names = [arm.name for arm in self.every_arm]
        if len(set(names)) < len(names):
            raise ValueError("each arm needs a name of its own")
        if unknown := [name for name in self.rivals if name not in names]:
            raise ValueError(f"the rivals {unknown} are none of the arms {names}")
        return self

    @model_validator(mode="after")
    def require_recipe_or_settings(self) -> Self:
        """Refuse settings of the sections that the comparison settles."""
        for section in (self.pretrain, self.finetune, self.predict):
            require_open(section)
        return self

    @model_validator(mode="after")
    def require_numbers(self) -> Self:
        """Refuse a part beyond the last, or wanted Betti numbers that are none."""
        wishes(self.repair or ())
        if self.part is not None:
            number, parts = self.share
            if number > parts:
                raise ValueError(f"part: there is no part {number} of {parts}")
        return self

    @property
    def share(self) -> tuple[int, int]:
        """Which part of the runs to run, from 1, and of how many."""
        number, _, parts = (self.part or "1/1").partition("/")
        return int(number), int(parts)

    @property
    def every_arm(self) -> tuple[Arm, ...]:
        """The arms, named one by one or as the product of objectives, networks and losses."""
        return self.arms or tuple(
            crossed(
                objective, network, loss, several=(len(self.networks) > 1, len(self.losses) > 1)
            )
            for objective in self.objectives
            for network in (self.networks or (None,))
            for loss in (self.losses or (None,))
        )

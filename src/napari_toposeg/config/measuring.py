"""The settings of a measurement: label maps against the truth, and models against each other."""

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from napari_toposeg.config.run import RunConfig

PartName = Literal["dice", "surface", "cldice", "betti", "matching", "defects"]
PARTS: tuple[PartName, ...] = get_args(PartName)


class MeasureConfig(RunConfig):
    """What is measured, and where the figures go."""

    prediction: tuple[Path, ...] = Field(
        description="folder of label maps, or one; several are models to compare, named by their "
        "folders",
        min_length=1,
    )
    truth: Path = Field(description="true label maps of the same file names")
    classes: tuple[str, ...] = Field(
        (), description="names of the labels 1, 2, ... in order; default: all labels that occur"
    )
    metrics: tuple[PartName, ...] = Field(
        PARTS,
        description="what to measure: Dice; distances of surfaces (HD95, ASSD, surface Dice); "
        "clDice; Betti numbers; Betti matching; defects by kind",
        min_length=1,
    )
    tolerance: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="distance within which surfaces agree, in mm",
    )
    probabilities: tuple[Path, ...] = Field(
        (),
        description="folder of probability maps as predict --probability writes them, one for "
        "each prediction: measures calibration",
    )
    images: Path | None = Field(
        None, description="images of the same file names, shown in the page's pictures"
    )
    worst: int = Field(3, ge=0, description="how many of the worst cases the page shows")
    seed: int = Field(0, ge=0, description="seed of the bootstrap")
    csv: Path | None = Field(
        None, description="write a table of every case, class and model as CSV"
    )
    html: Path | None = Field(None, description="write a page with tables and pictures")

"""The settings of a demo run."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from napari_toposeg.config import Fraction, RunConfig


class DemoConfig(RunConfig):
    """One scan from opening to topology."""

    path: Path | None = Field(
        None,
        description="a scan: NIfTI, MGH, NRRD, MetaImage, or a DICOM folder; default: the case",
    )
    case: Literal["mr", "vessels"] = Field(
        "mr",
        description="case without PATH: the real MR scan that nibabel installs, "
        "or the CT phantom of vessels, whose truth is known",
    )
    frame: int | None = Field(None, ge=0, description="which volume of a 4D file, from 0")
    series: str | None = Field(None, description="which series of a DICOM folder")
    truth: Path | None = Field(
        None, description="true label map of PATH, for its errors to be shown"
    )
    model: str | None = Field(
        None, description="model that reconstructs; default: the one that fits the scan best"
    )
    segment_model: str | None = Field(
        None, description="model that segments; default: the one that fits the scan best"
    )
    mask_ratio: Fraction | None = Field(
        None, description="share of the scan hidden from the encoder; default: as in training"
    )
    headless: bool = Field(False, description="write files instead of opening a window")
    output: Path = Field(Path("toposeg-demo"), description="folder of the files; made if absent")
    seed: int = Field(0, ge=0, description="seed of the mask and of the phantom")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")

"""The settings of calibrating a model."""

from pathlib import Path

from pydantic import Field

from napari_toposeg.config.run import Flips, RunConfig
from napari_toposeg.config.training import PrecisionName


class CalibrateConfig(RunConfig):
    """The temperature at which a model's probabilities come true, fitted on labelled cases."""

    model: str = Field(
        description="segmentation model: name, run folder or file; its card is changed in place"
    )
    images: Path = Field(description="folder of images")
    labels: Path = Field(description="folder of label maps with the same file names")
    ids: Path | None = Field(
        None,
        description="text file, one case name a line: cases that the model did not learn from; "
        "default: all that have labels",
    )
    name: str | None = Field(
        None,
        description="leave the model as it is, and put a calibrated copy of this name into your "
        "store",
    )
    overlap: float = Field(0.25, ge=0, lt=1, description="overlap of neighbouring windows")
    flips: Flips = Field("", description="axes along which windows are mirrored too")
    precision: PrecisionName = Field(
        "auto",
        description="arithmetic; auto: bf16-mixed where the device has instructions for it",
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    threads: int = Field(
        0, ge=0, description="CPU threads for the network; 0: as many as there are cores"
    )

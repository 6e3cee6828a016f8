"""The settings of a prediction."""

from pathlib import Path

from pydantic import Field

from napari_toposeg.config.run import RunConfig


class PredictConfig(RunConfig):
    """Segmentation of files, and what a model's encoder sees in them."""

    model: str = Field(description="model name, run folder or file")
    images: tuple[Path, ...] = Field(description="image files or folders", min_length=1)
    output: Path = Field(
        description="folder that receives one label map for each image, under the image's name"
    )
    probability: bool = Field(False, description="write one probability map for each class too")
    features: bool = Field(
        False,
        description="write what the model's encoder sees, too: <image>_features.npz for each "
        "image, and features.csv; any model will do",
    )
    overwrite: bool = Field(
        False, description="replace files that are in the output folder already"
    )
    overlap: float = Field(0.25, ge=0, lt=1, description="overlap of neighbouring windows")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    threads: int = Field(
        0, ge=0, description="CPU threads for the network; 0: as many as there are cores"
    )

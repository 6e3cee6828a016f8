"""The settings of preparing a store."""

from pathlib import Path

from pydantic import Field, model_validator

from napari_toposeg.config.run import PositiveInt, RunConfig, Spacing3, Window


class PrepareConfig(RunConfig):
    """Scans brought once to one grid, into a store that training reads crops of."""

    data: Path | None = Field(
        None,
        description="public dataset in its own folders, of which the labelled cases are prepared, "
        "in place of --images and --labels",
    )
    images: tuple[Path, ...] = Field(
        (),
        description="folders or files of volumes: NIfTI, MGH, NRRD, MetaImage or DICOM; or public "
        "datasets in their own folders, of which all images are prepared",
    )
    labels: Path | None = Field(
        None, description="folder of label maps with the same file names as their images"
    )
    output: Path = Field(description="folder of the store; made if absent")
    spacing: Spacing3 | None = Field(
        None,
        description="voxel size in mm along z y x that volumes are resampled to; default: the "
        "images' median",
    )
    intensity: Window | None = Field(
        None, description="HU that become 0 and 1, of CT alone; default: -1000 1000"
    )
    workers: PositiveInt = Field(1, description="processes that prepare, a case each")
    overwrite: bool = Field(False, description="delete the store in the output folder first")
    resume: bool = Field(False, description="keep the cases that are in the store already")

    @model_validator(mode="after")
    def require_one_intent(self) -> "PrepareConfig":
        """Refuse to delete and to keep."""
        if self.overwrite and self.resume:
            raise ValueError("overwrite deletes what resume keeps; choose one")
        return self

    @model_validator(mode="after")
    def require_one_source(self) -> "PrepareConfig":
        """Refuse to prepare nothing, or images beside a dataset that names its own."""
        if self.data is None and not self.images:
            raise ValueError("there is nothing to prepare; give images, or data")
        if self.data is not None and (self.images or self.labels):
            raise ValueError("data names its own images and labels; give it alone")
        return self

"""The settings of pretraining."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from napari_toposeg.config.network import NetworkName, SizeName
from napari_toposeg.config.run import Flips, Fraction, PositiveInt, Share, Size3, Spacing3, Window
from napari_toposeg.config.training import TopologyConfig, TopologyName

ObjectiveName = Literal["mae", "topomae", "simmim", "maskfeat", "swin-ssl", "disruptive", "dino"]


class PretrainConfig(TopologyConfig):
    """Masked pretraining on unlabelled volumes."""

    data: tuple[Path, ...] = Field(
        (),
        description="stores made by prepare, public datasets in their own folders, and folders or "
        "files of unlabelled volumes",
    )
    ids: Path | None = Field(
        None,
        description="text file, one case name a line: the only scans of the data to learn from",
    )
    validation: tuple[Path, ...] = Field(
        (),
        description="volumes kept out of training that choose the best weights; default: fixed "
        "crops of the data",
    )
    validation_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the data's scans that is kept out of training to choose the best "
        "weights, where no validation volumes are given",
    )
    objective: ObjectiveName = Field(
        "topomae", description="what the network learns from the unlabelled volumes"
    )
    start: str | None = Field(
        None,
        description="model name, run folder or file whose weights training goes on from; "
        "default: none",
    )
    network: NetworkName | None = Field(
        None,
        description="architecture; fused is a ViT and a UNETR++ side by side; default: the "
        "objective's own, see the docs",
    )
    size: SizeName = Field("tiny", description="size of the network")
    scales: PositiveInt | None = Field(
        None,
        description="scales of a residual U-Net; default: as many of its "
        "size's as the crop has room for",
    )
    patch: PositiveInt = Field(8, description="edge of a patch of a ViT, in voxels")
    cube: PositiveInt | None = Field(
        None,
        description="edge of the cubes that are hidden as one, in voxels; default: the patch",
    )
    crop: Size3 | None = Field(
        None,
        description="crop along z y x, in voxels of the model's spacing; default: planned from "
        "the data",
    )
    spacing: Spacing3 | None = Field(
        None,
        description="voxel size in mm along z y x that volumes are resampled to; default: the "
        "data's median",
    )
    units: tuple[float, float] | None = Field(
        None,
        description="mean and standard deviation of intensities, scaled to 0..1, by which the "
        "network standardises what it sees; default: the data's, or those of the model it starts "
        "from",
    )
    intensity: Window | None = Field(
        None,
        description="HU that become 0 and 1 for the network, of CT alone; default: the stores', "
        "else -1000 1000",
    )
    mask_ratio: Fraction = Field(
        0.6, description="share of patches that are hidden from the encoder"
    )
    rotation: float | None = Field(
        None,
        ge=0,
        le=180,
        description="largest random rotation of a crop about each axis, in degrees; default: "
        "0, of topomae 15",
    )
    scale: float | None = Field(
        None,
        ge=1,
        description="largest random factor by which a crop is enlarged or shrunk; default: 1, of "
        "topomae 1.25",
    )
    flips: Flips = Field(
        "zyx",
        description="axes along which crops are mirrored at random; mirroring hides the side from "
        "the spatial pretext",
    )
    crops_per_visit: PositiveInt = Field(
        1, description="crops of a batch that are drawn from one scan while it is open"
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
    topology_region: Literal["anywhere", "structures"] = Field(
        "anywhere",
        description="blocks that the term looks at: anywhere alike, or each crop's own, drawn in "
        "proportion to its vesselness",
    )
    topology_scale: float = Field(
        1.5,
        gt=0,
        description="radius of the tubes that are told by vesselness, in voxels: for the term "
        "cldice and for the region structures",
    )
    spatial_weight: Share = Field(
        0.1,
        description="weight in topomae of the spatial pretext, to tell where in its volume a "
        "crop's centre and corners lie; 0: no pretext",
    )
    spatial_consistency_weight: Share = Field(
        0.1,
        description="weight in topomae of the squared difference of the points that two networks "
        "tell; 0: none, as without the pretext or with one network",
    )
    reconstruction_consistency_weight: Share = Field(
        0.1,
        description="weight in topomae of the squared difference of what two networks rebuild; 0: "
        "none, as with one network",
    )
    local_views: int = Field(
        8, ge=0, description="small views of a crop that the student of dino sees beside two large"
    )
    koleo: float = Field(
        0.1, ge=0, description="weight of the term of dino that spreads features over the sphere"
    )
    phantoms: int = Field(
        0, ge=0, description="synthetic vessel phantoms added to the data, of 64 voxels an edge"
    )
    steps: PositiveInt = Field(2000, description="optimiser steps")
    batch: PositiveInt = Field(8, description="crops a step, on all devices together")
    every: PositiveInt = Field(200, description="steps between checkpoints and previews")

    @model_validator(mode="after")
    def require_data(self) -> "PretrainConfig":
        """Refuse a run that would see nothing."""
        if not self.data and not self.phantoms:
            raise ValueError("there is nothing to learn from; give data or phantoms")
        if self.validation and self.validation_share:
            raise ValueError(
                "both validation volumes and a share of the data to validate on were given; "
                "give one of them"
            )
        return self

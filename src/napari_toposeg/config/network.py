"""What a network is made of."""

from typing import Literal

from pydantic import Field

from napari_toposeg.config.run import PositiveInt, RunConfig

NetworkName = Literal["vit", "unetr", "swin", "unetr-pp", "resenc-unet", "fused"]
NormName = Literal["instance", "batch"]
SizeName = Literal["nano", "tiny", "small", "base"]


class NetworkConfig(RunConfig):
    """What a network is made of: enough to build it again before its weights are loaded."""

    name: NetworkName = Field("vit", description="architecture")
    size: SizeName = Field("tiny", description="size of the network")
    patch: PositiveInt = Field(6, description="edge of a patch of a ViT, in voxels")
    cube: PositiveInt | None = Field(
        None, description="edge of the cubes that are hidden, in voxels; default: the patch"
    )
    positions: Literal["fixed", "learned"] = Field(
        "fixed", description="position codes of a ViT: sines and cosines, or learned on a grid"
    )
    grid: tuple[int, int, int] | None = Field(
        None,
        description="patches along z y x that learned positions were made for; others are "
        "interpolated",
    )
    channels: PositiveInt = Field(1, description="channels of the image")
    centre: float = Field(
        0.0, description="mean of the intensities, scaled to 0..1, that it was first trained on"
    )
    spread: float = Field(1.0, gt=0, description="their standard deviation")
    scales: PositiveInt | None = Field(
        None,
        description="resenc-unet: scales of features, each half as fine as the one before; "
        "default: all of its size",
    )
    legacy_permute: bool = Field(
        False,
        description="unetr-pp: mix tokens and channels as the first public code did, for its "
        "weights",
    )
    norm: NormName = Field(
        "instance",
        description="unetr-pp: norm of the convolutions beside its attention; batch for weights "
        "that were trained so, as those of the public code",
    )

    @property
    def hidden_cube(self) -> int:
        """Edge of the cubes that are hidden, in voxels."""
        return self.cube or self.patch

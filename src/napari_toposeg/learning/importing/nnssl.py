"""nnSSL's residual-encoder U-Net, as the OpenMind models are published.

Names are those of the network here. The encoder is taken, as nnSSL's own fine-tuning takes it: its
decoder rebuilt images in which hidden cubes were zeros, where the network here masks convolutions.

References
----------
Wald et al. 2024, arXiv:2410.23132 (masked autoencoders), arXiv:2412.17041 (OpenMind); MIC-DKFZ/
nnssl, architectures/architecture_registry.py (ResEncL) and adaptation_planning.
"""

from collections.abc import Mapping
from itertools import count, takewhile
from typing import Any

from torch import Tensor

from napari_toposeg.config import NetworkConfig, SizeName
from napari_toposeg.learning.importing.converted import Converted, size_of
from napari_toposeg.learning.importing.reading import Published
from napari_toposeg.learning.networks import resenc_width_of

FIRST, STEM = "encoder.stages.0.blocks.0.conv1.conv.weight", "encoder.stem.convs.0.conv.weight"
TWICE = ".all_modules."
"""Second names of tensors that have one already."""
PLAN = "nnssl_adaptation_plan"
EDGE = 160


def recognises(published: Published) -> bool:
    """Tell whether these are weights of a residual-encoder U-Net."""
    return {FIRST, STEM} <= published.tensors.keys()


def convert(published: Published) -> Converted:
    """Bring them to the encoder of a residual-encoder U-Net."""
    tensors = published.tensors
    widths = widths_of(tensors)
    size = size_of(widths, dimensions, f"a residual encoder of stages {widths} wide")
    taken = [name for name in tensors if name.startswith("encoder.") and TWICE not in name]
    return Converted(
        NetworkConfig(name="resenc-unet", size=size, channels=tensors[STEM].shape[1]),
        "encode",
        {name: tensors[name] for name in taken},
        {name: name for name in taken},
        tuple(name for name in tensors if name not in taken),
        about(published.extra.get(PLAN)),
    )


def widths_of(tensors: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Return the channels of the stages."""
    firsts = (FIRST.replace("stages.0", f"stages.{number}") for number in count())
    return tuple(len(tensors[name]) for name in takewhile(tensors.__contains__, firsts))


def dimensions(size: SizeName) -> tuple[int, ...]:
    """Return the channels of the stages of a size."""
    return resenc_width_of(size).widths


def about(plan: object) -> dict[str, Any]:
    """Return what the plan beside the weights tells: window and voxel size, if it does."""
    told: Mapping[str, Any] = plan if isinstance(plan, Mapping) else {}
    pretrained = told.get("pretrain_plan") or {}
    configurations = list((pretrained.get("configurations") or {}).values())
    chosen: Mapping[str, Any] = configurations[0] if configurations else told
    crop = chosen.get("patch_size") or told.get("input_patch_size") or (EDGE,) * 3
    spacing = chosen.get("spacing")
    unknown = "" if spacing else " Scans were not resampled, or it is not told; 1 mm is a guess."
    return {
        "crop": tuple(map(int, crop)),
        "spacing": tuple(map(float, spacing or (1, 1, 1))),
        "intensity": "z-score",
        "mask_ratio": 0.75,
        "data": f"Not told by the file; the OpenMind models are of 114,000 head MRI.{unknown}",
    }

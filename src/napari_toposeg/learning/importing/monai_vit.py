"""MONAI's ViT, alone, in a ViTAutoEnc or in a UNETR.

References
----------
The tutorial "Self-supervised pre-training and fine-tuning of UNETR", Project-MONAI/tutorials,
folder self_supervised_pretraining/vit_unetr_ssl: CT at 2 mm, -57..164 HU, windows of 96 voxels.
"""

from collections.abc import Mapping

from torch import Tensor

from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.importing.converted import Converted
from napari_toposeg.learning.importing.reading import Published
from napari_toposeg.learning.importing.transformer import MONAI, convert_transformer

POSITIONS = "patch_embedding.position_embeddings"
ABOUT = {
    "crop": (96, 96, 96),
    "spacing": (2.0, 2.0, 2.0),
    "modality": "CT",
    "intensity": (-57.0, 164.0),
    "data": "Not told by the file. Spacing and intensities are those of MONAI's tutorial of "
    "self-supervised pretraining, which leaves scans in the orientation of their files; here they "
    "are taken to run to Right, Anterior and Superior.",
}


def recognises(published: Published) -> bool:
    """Tell whether these are weights of MONAI's ViT."""
    return any(name.endswith(POSITIONS) for name in published.tensors)


def convert(published: Published) -> Converted:
    """Bring them to the encoder of a ViT."""
    tensors = published.tensors
    prefix = next(name for name in tensors if name.endswith(POSITIONS)).removesuffix(POSITIONS)
    return convert_transformer(
        tensors,
        prefix=prefix,
        names=MONAI,
        embedding=embedding_of(tensors, prefix),
        positions=f"{prefix}{POSITIONS}",
        about=ABOUT,
    )


def embedding_of(tensors: Mapping[str, Tensor], prefix: str) -> str:
    """Return the name of the patch embedding, which is a convolution or a layer."""
    for name in ("patch_embeddings", "patch_embeddings.1"):
        if f"{prefix}patch_embedding.{name}.weight" in tensors:
            return f"{prefix}patch_embedding.{name}"
    raise InvalidCheckpoint("the weights of MONAI's ViT lack a patch embedding; is the file whole?")

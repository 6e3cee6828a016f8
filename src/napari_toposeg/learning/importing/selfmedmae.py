"""SelfMedMAE's masked autoencoder, or its encoder in a fine-tuned UNETR.

Its decoder is left: it rebuilds patches that were normalised one by one, and keeps a class token.

References
----------
Zhou et al. 2023, arXiv:2203.05573; cvlab-stonybrook/SelfMedMAE, configs/mae3d_btcv_1gpu.yaml: CT
at 1.5 x 1.5 x 2.0 mm, -175..250 HU, windows of 96 voxels.
"""

from napari_toposeg.learning.importing.converted import Converted
from napari_toposeg.learning.importing.reading import Published
from napari_toposeg.learning.importing.transformer import TIMM, convert_transformer

EMBEDDING, POSITIONS = "encoder.patch_embed.proj", ("encoder_pos_embed", "encoder.pos_embed")
ABOUT = {
    "crop": (96, 96, 96),
    "spacing": (2.0, 1.5, 1.5),
    "modality": "CT",
    "intensity": (-175.0, 250.0),
    "mask_ratio": 0.75,
    "data": "Not told by the file. Spacing and intensities are those published for BTCV.",
}


def recognises(published: Published) -> bool:
    """Tell whether these are weights of SelfMedMAE."""
    names = published.tensors
    return f"{EMBEDDING}.weight" in names and any(name in names for name in POSITIONS)


def convert(published: Published) -> Converted:
    """Bring them to the encoder of a ViT."""
    tensors = published.tensors
    positions = next(name for name in POSITIONS if name in tensors)
    return convert_transformer(
        tensors,
        prefix="encoder.",
        names=TIMM,
        embedding=EMBEDDING,
        positions=positions,
        about=ABOUT,
    )

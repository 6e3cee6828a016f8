"""A small scan, and the settings of a pretraining on it that takes a second."""

import nibabel as nib
import numpy as np

from napari_toposeg.phantoms import ball
from napari_toposeg.volume import Volume

SMALL = {
    "network": "vit",
    "size": "nano",
    "patch": 6,
    "crop": (12, 12, 12),
    "spacing": (2.0, 2.0, 2.0),
    "batch": 2,
    "steps": 6,
    "every": 2,
    "topology_block": 12,
    "threads": 1,
    "device": "cpu",
    "previews": False,
}


def oblique_scan() -> Volume:
    """A CT-like ball on an anisotropic, oblique grid."""
    image = ball((20, 24, 28), spacing=(2.0, 1.5, 1.5), seed=1).image
    turn = np.eye(4)
    turn[:3, :3] = nib.eulerangles.euler2mat(0.2, 0.1, 0.05)
    return Volume(image.voxels, turn @ image.affine, modality="CT", name="scan")

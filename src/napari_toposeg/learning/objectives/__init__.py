"""Self-supervised objectives, one a file, and `make_objective`, which makes one of a run."""

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.networks import build_autoencoder
from napari_toposeg.learning.objectives.dino import SelfDistillation
from napari_toposeg.learning.objectives.disruptive import DisruptiveAutoencoder
from napari_toposeg.learning.objectives.masked import MaskedReconstruction
from napari_toposeg.learning.objectives.maskfeat import MaskedFeatures
from napari_toposeg.learning.objectives.objective import Objective
from napari_toposeg.learning.objectives.simmim import SimpleMaskedModelling
from napari_toposeg.learning.objectives.swin_ssl import RotationContrastInpainting
from napari_toposeg.learning.objectives.topomae import TopologicalReconstruction


def make_objective(config: PretrainConfig, network: NetworkConfig) -> Objective:
    """Make the objective of a run, with an untrained network."""
    match config.objective:
        case "mae":
            return MaskedReconstruction(build_autoencoder(network), config)
        case "topomae":
            return TopologicalReconstruction(build_autoencoder(network), config)
        case "simmim":
            return SimpleMaskedModelling(network, config)
        case "maskfeat":
            return MaskedFeatures(network, config)
        case "swin-ssl":
            return RotationContrastInpainting(network, config)
        case "disruptive":
            return DisruptiveAutoencoder(network, config)
        case "dino":
            return SelfDistillation(network, config)

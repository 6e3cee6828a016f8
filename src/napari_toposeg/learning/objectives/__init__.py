"""Self-supervised objectives, one a file, and `make_objective`, which makes one of a run."""

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.networks import build_autoencoder
from napari_toposeg.learning.objectives.masked import MaskedReconstruction
from napari_toposeg.learning.objectives.objective import Objective
from napari_toposeg.learning.objectives.topomae import TopologicalReconstruction


def make_objective(config: PretrainConfig, network: NetworkConfig) -> Objective:
    """Make the objective of a run, with an untrained network."""
    match config.objective:
        case "mae":
            return MaskedReconstruction(build_autoencoder(network), config)
        case "topomae":
            return TopologicalReconstruction(build_autoencoder(network), config)
        case _:
            raise NotImplementedError(config.objective)

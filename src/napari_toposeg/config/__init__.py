"""The settings of every run: frozen pydantic models, read from and written to TOML.

The command line's flags and the dock's forms derive from these models, so that a setting is
described once: its name, its unit and range in the field's description, its default.
"""

from napari_toposeg.config.arms import ALL, SETTLED, Arm
from napari_toposeg.config.calibrating import CalibrateConfig
from napari_toposeg.config.comparing import CompareConfig, PhantomData
from napari_toposeg.config.files import write_atomically
from napari_toposeg.config.finetuning import FinetuneConfig
from napari_toposeg.config.measuring import PARTS, MeasureConfig, PartName
from napari_toposeg.config.network import NetworkConfig, NetworkName, NormName, SizeName
from napari_toposeg.config.predicting import PredictConfig
from napari_toposeg.config.preparing import PrepareConfig
from napari_toposeg.config.pretraining import ObjectiveName, PretrainConfig
from napari_toposeg.config.run import (
    Flips,
    Fraction,
    PositiveInt,
    RunConfig,
    Size3,
    Spacing3,
    Window,
)
from napari_toposeg.config.training import (
    AugmentationName,
    FieldLossName,
    LossName,
    PrecisionName,
    TopologyConfig,
    TopologyName,
    TrainingConfig,
)

__all__ = [
    "ALL",
    "PARTS",
    "SETTLED",
    "Arm",
    "AugmentationName",
    "CalibrateConfig",
    "CompareConfig",
    "FieldLossName",
    "FinetuneConfig",
    "Flips",
    "Fraction",
    "LossName",
    "MeasureConfig",
    "NetworkConfig",
    "NetworkName",
    "NormName",
    "ObjectiveName",
    "PartName",
    "PhantomData",
    "PositiveInt",
    "PrecisionName",
    "PredictConfig",
    "PrepareConfig",
    "PretrainConfig",
    "RunConfig",
    "Size3",
    "SizeName",
    "Spacing3",
    "TopologyConfig",
    "TopologyName",
    "TrainingConfig",
    "Window",
    "write_atomically",
]

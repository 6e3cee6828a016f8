"""Losses, one a file; `topological_loss` makes those of fields by their names."""

from napari_toposeg.config import FieldLossName
from napari_toposeg.learning.losses.fields import TopologicalLoss


def topological_loss(
    name: FieldLossName,
    *,
    tau: float = 0.05,
    dimensions: tuple[int, ...] = (0, 1),
    vessel_scale: float | None = None,
) -> TopologicalLoss:
    """Return a loss of fields.

    Parameters
    ----------
    name
        As in the settings ``topology`` of a pretraining and ``loss`` of a fine-tuning.
    tau, dimensions
        Features of at most this persistence, and of other dimensions, are left out by the losses
        that look at persistence; the others do without.
    vessel_scale
        Radius in voxels of the tubes that clDice looks for in images; None: fields are
        probabilities of tubes already.
    """
    # Each is imported where it is asked for: a run needs one of them, and compiles no other.
    match name:
        case "wasserstein":
            from napari_toposeg.learning.losses.wasserstein import Wasserstein

            return Wasserstein(tau=tau, dimensions=dimensions)
        case "sliced":
            from napari_toposeg.learning.losses.sliced import SlicedWasserstein

            return SlicedWasserstein(tau=tau, dimensions=dimensions)
        case "betti-curve":
            from napari_toposeg.learning.losses.betti_curve import BettiCurve

            return BettiCurve(tau=tau, dimensions=dimensions)
        case "betti-matching":
            from napari_toposeg.learning.losses.betti_matching import BettiMatchingLoss

            return BettiMatchingLoss(tau=tau, dimensions=dimensions)
        case "topograph":
            from napari_toposeg.learning.losses.topograph import Topograph

            return Topograph()
        case "defects":
            from napari_toposeg.learning.losses.topograph import DefectLoss

            return DefectLoss()
        case "critical-voxel":
            from napari_toposeg.learning.losses.critical_voxel import CriticalVoxel

            return CriticalVoxel(tau=tau, dimensions=dimensions)
        case "cldice" if vessel_scale is not None:
            from napari_toposeg.learning.losses.cldice import VesselClDice

            return VesselClDice(vessel_scale)
        case "cldice":
            from napari_toposeg.learning.losses.cldice import SoftClDice

            return SoftClDice()
        case "dog":
            from napari_toposeg.learning.losses.controls import DoGWeighted

            return DoGWeighted()
        case "histogram":
            from napari_toposeg.learning.losses.controls import Histogram

            return Histogram()

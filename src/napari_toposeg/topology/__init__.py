"""Topology of images and masks: persistence and its distances, Betti numbers, errors and repair.

numpy, numba and GUDHI only; no torch, no Qt. The conventions are those of `grid`.
"""

from napari_toposeg.topology.betti import (
    BettiNumbers,
    betti_numbers,
    betti_numbers_by_class,
    euler_characteristic,
)
from napari_toposeg.topology.class_repairs import ClassRepairs, repair_by_class
from napari_toposeg.topology.cubical import persistence
from napari_toposeg.topology.defects import (
    KINDS,
    Defects,
    Kind,
    find_defects,
    find_defects_by_class,
)
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.distances import (
    bottleneck,
    match_diagrams,
    sliced_wasserstein,
    wasserstein,
)
from napari_toposeg.topology.edits import Edit, Repair
from napari_toposeg.topology.features import feature_voxels
from napari_toposeg.topology.grid import Connectivity, Construction
from napari_toposeg.topology.largest import largest_and_filled
from napari_toposeg.topology.matching import BettiMatching, Definition, match_barcodes
from napari_toposeg.topology.regions import critical_regions
from napari_toposeg.topology.repairs import repair
from napari_toposeg.topology.summaries import betti_curve, total_persistence

__all__ = [
    "KINDS",
    "BettiMatching",
    "BettiNumbers",
    "ClassRepairs",
    "Connectivity",
    "Construction",
    "Defects",
    "Definition",
    "Edit",
    "Kind",
    "PersistenceDiagram",
    "Repair",
    "betti_curve",
    "betti_numbers",
    "betti_numbers_by_class",
    "bottleneck",
    "critical_regions",
    "euler_characteristic",
    "feature_voxels",
    "find_defects",
    "find_defects_by_class",
    "largest_and_filled",
    "match_barcodes",
    "match_diagrams",
    "persistence",
    "repair",
    "repair_by_class",
    "sliced_wasserstein",
    "total_persistence",
    "wasserstein",
]

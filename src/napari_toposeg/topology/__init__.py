"""Topology of images and masks: persistence, Betti numbers, and the errors that change them.

numpy, numba and GUDHI only; no torch, no Qt. The conventions are those of `grid`.
"""

from napari_toposeg.topology.betti import (
    BettiNumbers,
    betti_numbers,
    betti_numbers_by_class,
    euler_characteristic,
)
from napari_toposeg.topology.cubical import persistence
from napari_toposeg.topology.defects import (
    KINDS,
    Defects,
    find_defects,
    find_defects_by_class,
)
from napari_toposeg.topology.diagram import PersistenceDiagram
from napari_toposeg.topology.distances import (
    betti_curve,
    bottleneck,
    match_diagrams,
    sliced_wasserstein,
    total_persistence,
    wasserstein,
)
from napari_toposeg.topology.matching import BettiMatching, match_barcodes
from napari_toposeg.topology.regions import critical_regions

__all__ = [
    "KINDS",
    "BettiMatching",
    "BettiNumbers",
    "Defects",
    "PersistenceDiagram",
    "betti_curve",
    "betti_numbers",
    "betti_numbers_by_class",
    "bottleneck",
    "critical_regions",
    "euler_characteristic",
    "find_defects",
    "find_defects_by_class",
    "match_barcodes",
    "match_diagrams",
    "persistence",
    "sliced_wasserstein",
    "total_persistence",
    "wasserstein",
]

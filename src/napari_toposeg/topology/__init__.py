"""Topology of images and masks: persistence, Betti numbers, and the errors that change them.

numpy, numba and GUDHI only; no torch, no Qt. The conventions are those of `grid`.
"""

from napari_toposeg.topology.betti import BettiNumbers, betti_numbers, euler_characteristic
from napari_toposeg.topology.cubical import persistence
from napari_toposeg.topology.defects import KINDS, Defects, find_defects
from napari_toposeg.topology.diagram import PersistenceDiagram

__all__ = [
    "KINDS",
    "BettiNumbers",
    "Defects",
    "PersistenceDiagram",
    "betti_numbers",
    "euler_characteristic",
    "find_defects",
    "persistence",
]

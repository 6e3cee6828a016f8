"""Two label maps in, numbers out: overlap, surfaces, topology, with intervals over cases."""

from napari_toposeg.metrics.cases import METRICS, measure_case
from napari_toposeg.metrics.overlap import cldice, dice
from napari_toposeg.metrics.surface import hausdorff95, surface_dice
from napari_toposeg.metrics.tables import MeasureTable, measure_folders
from napari_toposeg.metrics.topological import ClassTopology, betti_errors, class_topology

__all__ = [
    "METRICS",
    "ClassTopology",
    "MeasureTable",
    "betti_errors",
    "class_topology",
    "cldice",
    "dice",
    "hausdorff95",
    "measure_case",
    "measure_folders",
    "surface_dice",
]

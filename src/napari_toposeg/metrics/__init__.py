"""Two label maps in, numbers out: overlap, surfaces, topology, with intervals over cases."""

from napari_toposeg.metrics.cases import measure_case, measure_exactness
from napari_toposeg.metrics.catalogue import CATALOGUE, EXACT, METRICS, Metric, metric_named
from napari_toposeg.metrics.overlap import cldice, dice
from napari_toposeg.metrics.paired import PairedTest, paired_tests
from napari_toposeg.metrics.surface import assd, hausdorff95, surface_dice
from napari_toposeg.metrics.tables import MeasureTable, measure_folders
from napari_toposeg.metrics.topological import (
    ClassTopology,
    all_exact,
    betti_errors,
    betti_matching_error,
    class_topology,
    defect_counts,
)

__all__ = [
    "CATALOGUE",
    "EXACT",
    "METRICS",
    "ClassTopology",
    "MeasureTable",
    "Metric",
    "PairedTest",
    "all_exact",
    "assd",
    "betti_errors",
    "betti_matching_error",
    "class_topology",
    "cldice",
    "defect_counts",
    "dice",
    "hausdorff95",
    "measure_case",
    "measure_exactness",
    "measure_folders",
    "metric_named",
    "paired_tests",
    "surface_dice",
]

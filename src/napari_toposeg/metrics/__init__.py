"""Two label maps in, numbers out: overlap, surfaces, topology, with intervals over cases."""

from napari_toposeg.metrics.calibrated import Calibration, calibrate_folders
from napari_toposeg.metrics.calibration import (
    Reliability,
    brier_score,
    expected_calibration_error,
    measure_calibration,
    reliability,
)
from napari_toposeg.metrics.cases import measure_case, measure_exactness
from napari_toposeg.metrics.catalogue import CATALOGUE, EXACT, METRICS, Metric, metric_named
from napari_toposeg.metrics.folders import measure_folders
from napari_toposeg.metrics.models import Measured, measure
from napari_toposeg.metrics.overlap import cldice, dice
from napari_toposeg.metrics.paired import PairedTest, paired_tests
from napari_toposeg.metrics.surface import assd, hausdorff95, surface_dice
from napari_toposeg.metrics.tables import MEAN, MeasureTable
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
    "MEAN",
    "METRICS",
    "Calibration",
    "ClassTopology",
    "MeasureTable",
    "Measured",
    "Metric",
    "PairedTest",
    "Reliability",
    "all_exact",
    "assd",
    "betti_errors",
    "betti_matching_error",
    "brier_score",
    "calibrate_folders",
    "class_topology",
    "cldice",
    "defect_counts",
    "dice",
    "expected_calibration_error",
    "hausdorff95",
    "measure",
    "measure_calibration",
    "measure_case",
    "measure_exactness",
    "measure_folders",
    "metric_named",
    "paired_tests",
    "reliability",
    "surface_dice",
]

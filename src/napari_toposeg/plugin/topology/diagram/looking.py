"""Looking for features: from one layer or two to their features, as one run."""

from collections.abc import Callable
from typing import Any

from napari.layers import Labels

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.plugin.canvas.layers import same_grid
from napari_toposeg.plugin.topology.diagram.features import Features
from napari_toposeg.plugin.topology.diagram.layer_diagram import run_diagram
from napari_toposeg.plugin.topology.diagram.matching import run_matching
from napari_toposeg.plugin.topology.diagram.source import data_of, values_of
from napari_toposeg.plugin.translation import tr
from napari_toposeg.progress import Run


def features_run(layers: tuple[Any, ...], **how: Any) -> Callable[[], Run[Features]]:
    """Return what makes the run that looks for the features of one layer, or matches those of two.

    Parameters
    ----------
    layers
        One layer, or two on the same grid. What they hold is read when the run begins.
    how
        As `run_diagram` takes it.

    Raises
    ------
    InvalidVolume
        If a layer is not one 3D scalar array.
    ShapeMismatch
        If two layers do not lie on one grid.
    """
    require_one_grid(layers)
    arrays = [(data_of(layer), isinstance(layer, Labels)) for layer in layers]

    def run() -> Run[Features]:
        values = [values_of(data, labels=labels) for data, labels in arrays]
        if len(values) == 2:
            return (yield from run_matching(values[0], values[1], **how))
        return Features.of((yield from run_diagram(values[0], **how)))

    return run


def require_one_grid(layers: tuple[Any, ...]) -> None:
    """Raise ShapeMismatch unless all layers lie on the grid of the first."""
    for other in layers[1:]:
        if not same_grid(layers[0], other):
            raise ShapeMismatch(
                tr(
                    "{first} and {other} do not lie on the same grid; features are matched by "
                    "place, so resample one to the other's grid first"
                ).format(first=layers[0].name, other=other.name)
            )

"""What the buttons of the Topology tab do, as functions on a viewer."""

from napari_toposeg.plugin.topology.diagram.actions import diagram_layer, show_features
from napari_toposeg.plugin.topology.errors.finding import (
    compare_layers,
    list_classes,
    repair_layer,
)

__all__ = ["compare_layers", "diagram_layer", "list_classes", "repair_layer", "show_features"]

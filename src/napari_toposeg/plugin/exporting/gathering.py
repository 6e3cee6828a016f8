"""Gathering: what the tabs hold at this moment that can be exported, and why something cannot.

The one idea: the tabs know nothing of exports; they are asked for what they show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari.layers import Labels

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.layers import class_names, modality_of, same_grid
from napari_toposeg.plugin.canvas.marks import role_of
from napari_toposeg.plugin.canvas.sources import Source, source_of
from napari_toposeg.plugin.exporting.tables import (
    ExportTable,
    edits_table,
    errors_table,
    features_table,
    numbers_table,
)
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.diagram.layer_diagram import connectivity_of
from napari_toposeg.plugin.topology.errors.reading import still
from napari_toposeg.plugin.topology.errors.repairing import Proposal
from napari_toposeg.plugin.topology.tab import TopologyTab
from napari_toposeg.plugin.translation import tr
from napari_toposeg.volume import Volume


@dataclass(frozen=True)
class Sources:
    """What can be exported is asked of the session and of the Topology tab."""

    session: Session
    topology: TopologyTab

    def labels(self) -> Any:
        """Return the label map that is meant: the active layer, else the topmost; or None."""
        viewer = self.session.viewer
        active = viewer.layers.selection.active
        offered = [layer for layer in viewer.layers if is_plain_label_map(layer)]
        return active if active in offered else (offered[-1] if offered else None)

    def still_volume(self, labels: Any) -> Volume:
        """Return a label map as it is now, which a person may go on painting while it is written.

        One that is not in memory is not read.
        """
        return still(self.session.volume_of(labels, read=False))

    def reason_against(self, what: str) -> str:
        """Say why something cannot be exported now; empty where it can."""
        topology = self.topology
        match what:
            case "labels" | "dicom-seg" | "classes":
                return "" if self.labels() is not None else tr("There is no label map yet")
            case "numbers":
                there = topology.comparison.result is not None
                return "" if there else tr("Compare first, in Topology > Errors")
            case "errors":
                result = topology.comparison.result
                there = result is not None and result.defects is not None
                return "" if there else tr("Compare first, in Topology > Errors")
            case "features":
                there = topology.diagram.found is not None
                return "" if there else tr("Compute a diagram first, in Topology > Diagram")
            case "edits":
                there = topology.repair.proposal is not None
                return "" if there else tr("Propose a repair first, in Topology > Repair")
            case "report":
                there = self.session.image_layer is not None
                return "" if there else tr("Open a scan first")
        return "" if len(self.session.viewer.layers) else tr("Nothing is open")

    def table(self, what: str) -> ExportTable:
        """Return the table of a kind that the Topology tab holds.

        Raises
        ------
        InvalidConfig
            If it holds none.
        """
        reason = self.reason_against(what)
        if reason:
            raise InvalidConfig(reason)
        topology = self.topology
        result, proposal = topology.comparison.result, topology.repair.proposal
        match what:
            case "numbers" if result is not None:
                return numbers_table(result)
            case "errors" if result is not None:
                return errors_table(result, self.affine_of(topology.comparison.source))
            case "edits" if proposal is not None:
                layer = topology.repair.source
                names: Mapping[int, str] = class_names(layer)
                joined = connectivity_of_repair(proposal)
                return edits_table(proposal, joined, names, self.affine_of(layer))
        return self.features()

    def features(self) -> ExportTable:
        """Return the features that the diagram lists."""
        diagram = self.topology.diagram
        assert diagram.found is not None
        found = diagram.found.diagram
        joined = connectivity_of(found.construction, len(found.shape))
        return features_table(diagram.rows(), joined, self.unit())

    def unit(self) -> str:
        """Return the unit of the layer that the diagram is of."""
        layers = self.topology.diagram.link.layers
        return "HU" if layers and modality_of(layers[0]) == "CT" else ""

    def affine_of(self, layer: Any) -> Any:
        """Return where a layer's voxels lie in the patient, None where that is unknown."""
        if layer is None or layer not in self.session.viewer.layers:
            return None
        return self.session.volume_of(layer, read=False).affine

    def series_of(self, labels: Any) -> Source | None:
        """Return the DICOM series that a label map was made on, as far as it is known."""
        layers = self.session.viewer.layers
        alike = [layer for layer in layers if layer.ndim == 3 and same_grid(layer, labels)]
        for layer in [*alike, *layers]:
            source = source_of(layer)
            if source is not None and (source.path.is_dir() or source.path.suffix == ".dcm"):
                return source
        return None


def is_plain_label_map(layer: Any) -> bool:
    """Tell whether a layer is a label map, and no annotation or overlay of the dock."""
    return isinstance(layer, Labels) and layer.ndim == 3 and role_of(layer) is None


def connectivity_of_repair(proposal: Proposal) -> int:
    """Return how the voxels of the foreground were joined when a repair was looked for."""
    return next(iter(proposal.found.repairs.values())).task.foreground

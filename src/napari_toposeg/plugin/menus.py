"""Menu entries: they open the dock at the right tab, or act on the selected layer."""

from typing import Any

from napari.viewer import Viewer

from napari_toposeg.errors import ToposegError
from napari_toposeg.plugin.canvas.layers import is_image
from napari_toposeg.plugin.case import actions
from napari_toposeg.plugin.settings import PLUGIN


def open_tab(viewer: Viewer, tab: str) -> Any:
    """Show the dock at a tab, and return the dock."""
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
    layer = viewer.layers.selection.active
    if is_image(layer):
        dock.session.image_layer = layer
    dock.show_tab(tab)
    return dock


def open_reconstruct(viewer: Viewer) -> None:
    """Open the Reconstruct tab for the selected image."""
    open_tab(viewer, "Reconstruct")


def open_segment(viewer: Viewer) -> None:
    """Open the Segment tab for the selected image."""
    open_tab(viewer, "Segment")


def open_topology(viewer: Viewer) -> None:
    """Open the Topology tab for the selected image."""
    open_tab(viewer, "Topology")


def open_finetune(viewer: Viewer) -> None:
    """Open the Fine-tune tab for the selected image."""
    open_tab(viewer, "Fine-tune")


def new_annotation(viewer: Viewer) -> None:
    """Add an annotation layer on the grid of the selected image, and open the Fine-tune tab."""
    dock = open_tab(viewer, "Fine-tune")
    dock.session.attempt(dock.finetune.annotate.make_layer)


def window_lung(viewer: Viewer) -> None:
    """Show the selected CT in the lung window."""
    _show_window(viewer, "lung")


def window_mediastinum(viewer: Viewer) -> None:
    """Show the selected CT in the window for soft tissue of the chest."""
    _show_window(viewer, "mediastinum")


def window_bone(viewer: Viewer) -> None:
    """Show the selected CT in the bone window."""
    _show_window(viewer, "bone")


def _show_window(viewer: Viewer, name: str) -> None:
    layer = viewer.layers.selection.active
    if not is_image(layer):
        raise ToposegError("a window is set on an image; select a CT in the layer list first")
    actions.set_window(layer, name)

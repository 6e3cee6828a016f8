"""The demo in a window: napari opens on the scan, the dock runs the analysis, layers follow."""

from typing import TYPE_CHECKING, Any

from napari_toposeg.demo.analysis import Analysis, analyse
from napari_toposeg.demo.cases import DemoCase, open_case
from napari_toposeg.demo.settings import DemoConfig

if TYPE_CHECKING:
    from napari import Viewer


def show(config: DemoConfig) -> None:
    """Open the window, start the analysis in it, and return when it is closed."""
    import napari

    start(napari.Viewer(title="TopoSeg demo"), config)
    napari.run()


def start(viewer: "Viewer", config: DemoConfig) -> Any:
    """Open the scan and the dock in a viewer, start the analysis, and return the dock."""
    from napari_toposeg.plugin.layers import add_volume

    case = open_case(config)
    scan = add_volume(viewer, case.image, "image")
    if case.truth is not None:
        add_volume(viewer, case.truth, "labels", name="truth", visible=False)
    _, dock = viewer.window.add_plugin_dock_widget("napari-toposeg")
    dock.session.image_layer = scan
    dock.session.start(
        lambda: analyse(case, config),
        title="Demo",
        on_result=lambda analysis: show_analysis(viewer, dock, case, scan, analysis),
    )
    return dock


def show_analysis(
    viewer: "Viewer", dock: Any, case: DemoCase, scan: Any, analysis: Analysis
) -> None:
    """Add the results as layers, bring the topology to the front, and say what to know."""
    from napari_toposeg.plugin.actions import show_reconstruction, show_segmentation
    from napari_toposeg.plugin.layers import add_volume

    show_reconstruction(viewer, case.image, analysis.reconstruction, contrast=scan.contrast_limits)
    show_segmentation(viewer, case.image, analysis.segmentation)
    if analysis.defects is not None:
        errors = case.image.with_voxels(analysis.defects.labels, modality="label")
        add_volume(viewer, errors, "labels", name="topological errors")
    dock.session.image_layer = scan
    dock.show_tab("Topology")
    for warning in analysis.warnings:
        dock.session.say(warning)

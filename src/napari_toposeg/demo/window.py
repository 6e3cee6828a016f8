"""The demo in a window: napari opens on the scan, the dock runs the analysis, layers follow."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_toposeg.demo.analysis import Analysis, analyse
from napari_toposeg.demo.cases import DemoCase, open_case
from napari_toposeg.demo.settings import DemoConfig

if TYPE_CHECKING:
    from napari import Viewer


def show(config: DemoConfig) -> None:
    """Open the window, start the analysis in it, and return when it is closed."""
    case = open_case(config)
    import napari

    viewer = napari.Viewer(title="TopoSeg demo")
    viewer.window.resize(1280, 800)
    start(viewer, case, config)
    napari.run()


def start(viewer: "Viewer", case: DemoCase, config: DemoConfig) -> Any:
    """Show the scan and the dock in a viewer, start the analysis, and return the dock."""
    from napari_toposeg.plugin.canvas.layers import add_volume

    scan = add_volume(viewer, case.image, "image")
    truth = None
    if case.truth is not None:
        truth = add_volume(viewer, case.truth, "labels", name="truth", visible=False)
    _, dock = viewer.window.add_plugin_dock_widget("napari-toposeg")
    dock.session.image_layer = scan
    dock.session.start(
        lambda: analyse(case, config),
        title="Demo",
        on_result=lambda analysis: show_analysis(viewer, dock, scan, truth, analysis),
    )
    return dock


def show_analysis(viewer: "Viewer", dock: Any, scan: Any, truth: Any, analysis: Analysis) -> None:
    """Add the results as layers, and have the Topology tab look at them."""
    from napari_toposeg.plugin.actions import show_reconstruction, show_segmentation

    image = analysis.case.image
    rebuilt = show_reconstruction(
        viewer, image, analysis.reconstruction, contrast=scan.contrast_limits
    )
    labels, probability = show_segmentation(viewer, image, analysis.segmentation)
    # The segmentation is to be seen over the scan itself; the eye in the list shows the others.
    for layer in rebuilt:
        layer.visible = False
    dock.session.image_layer = scan
    dock.topology.diagram.layers.choose(probability)
    dock.topology.comparison.prediction.choose(labels)
    dock.topology.comparison.truth.choose(truth)
    dock.topology.pages.setCurrentIndex(0 if truth is None else 1)
    dock.show_tab("Topology")
    one_after_the_other(
        dock.session,
        [
            dock.topology.diagram.compute,
            dock.topology.comparison.compare,
            lambda: dock.session.say(" ".join(analysis.warnings) or "The demo is done"),
        ],
    )


def one_after_the_other(session: Any, actions: list[Callable[[], None]]) -> None:
    """Start each action when the job before it has ended, the first when the present one has."""

    def start_next() -> None:
        if actions:
            session.attempt(actions.pop(0))

    session.job_ended.connect(start_next)

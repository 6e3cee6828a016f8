"""The demo in a window ends on the topology of what it found."""

from types import SimpleNamespace

import pytest

from napari_toposeg.demo.cases import open_case
from napari_toposeg.demo.settings import DemoConfig


@pytest.mark.gl
def test_in_a_window_the_same_results_become_layers(
    models: SimpleNamespace, make_napari_viewer, qtbot
) -> None:
    from napari_toposeg.demo.window import start

    viewer = make_napari_viewer(show=True)
    config = DemoConfig(case="vessels", model="rebuilder", segment_model="segmenter", device="cpu")
    dock = start(viewer, open_case(config), config)
    comparison = dock.topology.comparison
    qtbot.waitUntil(lambda: comparison.result is not None, timeout=60_000)
    names = [layer.name for layer in viewer.layers]
    for part in ("truth", "hidden input", "reconstruction", "segmentation"):
        assert any(part in name for name in names), f"{part} is not among {names}"
    assert dock.topology.diagram.found is not None
    assert len(comparison.defects) > 0

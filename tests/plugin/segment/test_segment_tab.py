"""The Segment tab, driven as a person drives it, with made-up runs."""

from types import SimpleNamespace

import numpy as np
import pytest
from napari.utils.colormaps.standardize_color import transform_color

from napari_toposeg.io import read_volume
from napari_toposeg.metrics import class_topology
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.segment import actions as segment_actions
from napari_toposeg.plugin.segment.label_panel import volume_text
from napari_toposeg.plugin.widgets.plotting import CLASS_COLOURS
from napari_toposeg.progress import Step
from napari_toposeg.topology import BettiNumbers
from napari_toposeg.volume import Volume


def fake_segment_run(volume, model, **settings):
    yield Step(100, 100, message="Loading the network")
    yield Step(1, 1, message="segmenting")
    mask = volume.voxels > 0
    labels = volume.with_voxels(mask.astype(np.uint8), modality="label")
    probability = volume.with_voxels(mask.astype(np.float32), modality="probability")
    result = SimpleNamespace(labels=labels, probability=probability, classes=("ring",))
    return result, (class_topology(labels, 1, "ring"),)


def table(widget):
    return [
        [widget.item(row, column).text() for column in range(widget.columnCount())]
        for row in range(widget.rowCount())
    ]


def test_segment_adds_labels_and_probability_and_the_topology(
    dock, models, ring, monkeypatch, qtbot, tmp_path
):
    monkeypatch.setattr(segment_actions, "segment_run", fake_segment_run)
    viewer = dock.session.viewer
    add_volume(viewer, ring, "image")
    dock.show_tab("Segment")
    assert dock.segment.expected.text().startswith("1 window, roughly 1 s on one core; ")
    assert "MB; " in dock.segment.expected.text()
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.segment.run_button.click()
    assert [layer.name for layer in viewer.layers][1:] == ["ring probability", "ring segmentation"]
    assert table(dock.segment.table) == [["1 ring", "0.168", "1", "1", "0"]]
    assert dock.segment.expected.text().startswith("1 window, about 1 s; ")
    labels = viewer.layers["ring segmentation"]
    assert list(labels.features["class"]) == ["background", "ring"]
    assert labels.get_color(0) is None
    np.testing.assert_allclose(labels.get_color(1), transform_color(CLASS_COLOURS[0])[0])
    dock.segment.save(tmp_path / "ring.nii.gz")
    saved = read_volume(tmp_path / "ring.nii.gz", modality="label")
    np.testing.assert_array_equal(saved.voxels, ring.voxels > 0)


def test_a_model_that_fails_is_told_and_the_dock_lives_on(dock, models, ring, monkeypatch, qtbot):
    def failing(volume, model, **settings):
        yield Step(1, 2)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(segment_actions, "segment_run", failing)
    add_volume(dock.session.viewer, ring, "image")
    dock.show_tab("Segment")
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.segment.run_button.click()
    assert "mat1" in dock.strip.message.text()
    assert dock.segment.run_button.isEnabled()


def test_a_class_is_measured_in_millilitres(ring):
    labels = Volume((ring.voxels > 0).astype(np.uint8), np.diag([-2.0, -2, 2, 1]), modality="label")
    measured = class_topology(labels, 1, "ring")
    assert measured.millilitres == pytest.approx(168 * 8 / 1000)
    assert measured.betti == BettiNumbers(1, 1, 0)


def test_volumes_are_written_without_exponents():
    assert volume_text(23987.2) == "23,987"
    assert volume_text(0.16812) == "0.168"

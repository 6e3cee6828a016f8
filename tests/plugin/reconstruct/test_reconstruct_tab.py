"""The Reconstruct tab, driven as a person drives it, with made-up runs."""

from types import SimpleNamespace

import numpy as np

from napari_toposeg.learning.hiding import Cubes, Lattice, Marked, Slabs
from napari_toposeg.plugin.canvas.layers import add_volume
from napari_toposeg.plugin.canvas.marks import GRID, layer_with
from napari_toposeg.plugin.reconstruct import actions as reconstruct_actions
from napari_toposeg.plugin.reconstruct.kept import FeatureFates, KeptTopology
from napari_toposeg.plugin.reconstruct.result_view import error_rows, fate_note
from napari_toposeg.progress import Step, finish
from napari_toposeg.topology import BettiNumbers
from napari_toposeg.volume import Volume


def reconstruction(volume: Volume) -> SimpleNamespace:
    hidden = np.zeros(volume.shape, np.uint8)
    hidden[:, :8] = 1
    composite = volume.voxels.astype(np.float32)
    residual = np.abs(composite - volume.voxels)
    return SimpleNamespace(
        hidden=volume.with_voxels(hidden),
        composite=volume.with_voxels(composite),
        residual=volume.with_voxels(residual),
        mse=0.25,
        mse_mean=1.0,
        mse_interpolation=0.5,
        lattice=lattice_of(volume),
    )


def lattice_of(volume: Volume) -> Lattice:
    """Four patches, of which those above are hidden."""
    z, y, x = volume.shape
    edges = ([-0.5, z - 0.5], [-0.5, 7.5, y - 0.5], [-0.5, 7.5, x - 0.5])
    hidden = np.zeros((1, 2, 2), bool)
    hidden[:, 0] = True
    return Lattice(tuple(np.array(cuts) for cuts in edges), hidden)


def fake_reconstruct_run(volume, model, *, threshold, **settings):
    yield Step(1, 1)
    made = reconstruction(volume)
    return made, reconstruct_actions.kept_topology(volume, made.composite, threshold)


def table(widget):
    return [
        [widget.item(row, column).text() for column in range(widget.columnCount())]
        for row in range(widget.rowCount())
    ]


def test_reconstruct_adds_three_layers_and_the_numbers(dock, models, ring, monkeypatch, qtbot):
    monkeypatch.setattr(reconstruct_actions, "reconstruct_run", fake_reconstruct_run)
    viewer = dock.session.viewer
    scan = add_volume(viewer, ring, "image")
    dock.show_tab("Reconstruct")
    dock.reconstruct.threshold.setValue(-200)
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.reconstruct.run_button.click()
    names = [layer.name for layer in viewer.layers]
    assert names[1:] == ["ring hidden input", "ring reconstruction", "ring |residual|"]
    visible = viewer.layers["ring hidden input"]
    assert (visible.data[:, :8] == -1000).all()
    np.testing.assert_array_equal(visible.data[:, 8:], ring.voxels[:, 8:])
    assert tuple(visible.contrast_limits) == tuple(scan.contrast_limits)
    assert table(dock.reconstruct.errors) == [
        ["network", "0.2500", "1.00"],
        ["visible mean", "1.0000", "4.00"],
        ["interpolation", "0.5000", "2.00"],
    ]
    assert table(dock.reconstruct.kept) == [
        ["scan", "1", "1", "0"],
        ["reconstruction", "1", "1", "0"],
    ]
    assert dock.session.image_layer == scan


def test_the_topology_can_be_counted_at_another_threshold(dock, models, ring, monkeypatch, qtbot):
    monkeypatch.setattr(reconstruct_actions, "reconstruct_run", fake_reconstruct_run)
    add_volume(dock.session.viewer, ring, "image")
    dock.show_tab("Reconstruct")
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.reconstruct.run_button.click()
    dock.reconstruct.threshold.setValue(2000)
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.reconstruct.count_button.click()
    assert table(dock.reconstruct.kept)[0] == ["scan", "0", "0", "0"]


def test_the_smoothed_ring_has_one_loop(ring):
    kept = finish(reconstruct_actions.kept_topology_run(ring, ring, -200))
    assert kept.scan == kept.rebuilt == BettiNumbers(1, 1, 0)


def test_otsu_lies_between_two_materials(ring):
    assert -1000 <= reconstruct_actions.suggest_threshold(ring.voxels) < 500
    assert reconstruct_actions.suggest_threshold(np.full((2, 2, 2), 7)) == 7


def test_the_error_table_survives_a_perfect_network():
    perfect = SimpleNamespace(mse=0.0, mse_mean=1.0, mse_interpolation=0.5)
    assert error_rows(perfect)[0] == ("network", "0.0000", "–")


def rebuilt(dock, ring, monkeypatch, qtbot, seen=None):
    """Press Reconstruct on the ring; what was hidden goes into `seen`."""

    def run(volume, model, *, pattern, threshold, **settings):
        if seen is not None:
            seen.append(pattern)
        return fake_reconstruct_run(volume, model, threshold=threshold)

    monkeypatch.setattr(reconstruct_actions, "reconstruct_run", run)
    viewer = dock.session.viewer
    scan = viewer.layers["ring"] if viewer.layers else add_volume(viewer, ring, "image")
    dock.show_tab("Reconstruct")
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.reconstruct.run_button.click()
    return scan


def test_what_is_hidden_follows_the_form(dock, models, ring, monkeypatch, qtbot):
    seen = []
    rebuilt(dock, ring, monkeypatch, qtbot, seen)
    tab = dock.reconstruct
    tab.pattern.setCurrentIndex(tab.pattern.findData("slabs"))
    tab.axis.setCurrentIndex(1)
    rebuilt(dock, ring, monkeypatch, qtbot, seen)
    tab.pattern.setCurrentIndex(tab.pattern.findData("again"))
    rebuilt(dock, ring, monkeypatch, qtbot, seen)
    assert seen[0] == Cubes(0.6, 0)
    assert seen[1] == Slabs(1, 2, 1)
    assert isinstance(seen[2], Marked)
    assert seen[2].voxels[:, :8].all() and not seen[2].voxels[:, 8:].any()


def test_only_the_fields_of_a_pattern_are_shown(dock, models):
    dock.show_tab("Reconstruct")
    tab = dock.reconstruct
    for kind, shown in (
        ("patches", {tab.mask_ratio, tab.seed}),
        ("cubes", {tab.mask_ratio, tab.seed, tab.edge}),
        ("slabs", {tab.axis, tab.every}),
        ("region", {tab.around, tab.rebuild.hide_form.draw}),
        ("box", {tab.box}),
        ("again", set()),
    ):
        tab.pattern.setCurrentIndex(tab.pattern.findData(kind))
        fields = (tab.mask_ratio, tab.seed, tab.edge, tab.axis, tab.every, tab.around, tab.box)
        draw = tab.rebuild.hide_form.draw
        assert {field for field in (*fields, draw) if field.isVisible()} == shown


def test_the_same_again_before_anything_was_hidden_is_explained(dock, models, ring):
    add_volume(dock.session.viewer, ring, "image")
    dock.show_tab("Reconstruct")
    tab = dock.reconstruct
    tab.pattern.setCurrentIndex(tab.pattern.findData("again"))
    tab.run_button.click()
    assert "nothing was hidden" in dock.strip.message.text()
    assert not dock.session.busy


def test_the_patch_grid_comes_and_goes(dock, models, ring, monkeypatch, qtbot):
    assert not dock.reconstruct.patches.isEnabled()
    rebuilt(dock, ring, monkeypatch, qtbot)
    viewer = dock.session.viewer
    dock.reconstruct.patches.setChecked(True)
    assert layer_with(viewer, GRID) is not None
    dock.reconstruct.patches.setChecked(False)
    assert layer_with(viewer, GRID) is None


def test_the_patch_grid_goes_with_its_scan(dock, models, ring, monkeypatch, qtbot):
    scan = rebuilt(dock, ring, monkeypatch, qtbot)
    dock.reconstruct.patches.setChecked(True)
    dock.session.viewer.layers.remove(scan)
    assert layer_with(dock.session.viewer, GRID) is None
    assert not dock.reconstruct.diagrams_button.isEnabled()


def test_side_by_side_is_one_switch(dock, models, ring, monkeypatch, qtbot):
    rebuilt(dock, ring, monkeypatch, qtbot)
    viewer = dock.session.viewer
    other = viewer.add_labels(np.zeros(ring.shape, int), name="other")
    dock.reconstruct.side_by_side.setChecked(True)
    assert [layer.visible for layer in viewer.layers] == [True] * 4 + [False]
    # napari's own button ends it too.
    viewer.canvas.grid.enabled = False
    assert not dock.reconstruct.side_by_side.isChecked()
    assert other.visible and not viewer.layers["ring |residual|"].visible


def test_the_diagrams_of_scan_and_reconstruction_are_asked_for(
    dock, models, ring, monkeypatch, qtbot
):
    wanted = []
    dock.session.diagrams_wanted.disconnect()
    dock.session.diagrams_wanted.connect(lambda *layers: wanted.append(layers))
    rebuilt(dock, ring, monkeypatch, qtbot)
    dock.reconstruct.diagrams_button.click()
    assert [layer.name for layer in wanted[0]] == ["ring", "ring reconstruction"]


def test_features_kept_lost_and_new_are_listed(dock, models):
    fates = FeatureFates((5, 2, 0), (1, 0, 0), (0, 3, 1), 12.0, (1, 2, 2))
    kept = KeptTopology(0.0, BettiNumbers(1, 0, 0), BettiNumbers(1, 0, 0), fates)
    dock.reconstruct.rebuild.result.show_kept(kept)
    rows = table(dock.reconstruct.features)
    assert rows == [["= kept", "5", "2", "0"], ["− lost", "1", "0", "0"], ["+ new", "0", "3", "1"]]
    assert "1 × 2 × 2" in fate_note(fates) and "88 % kept" in fate_note(fates)


def test_a_model_of_another_kind_and_grain_is_warned_of(dock, models, make_card, monkeypatch):
    card = make_card("coarse", "reconstruct", modality="MR", spacing=(9.0, 9.0, 9.0))
    monkeypatch.setattr("napari_toposeg.learning.cards.list_models", lambda: (card,))
    add_volume(
        dock.session.viewer,
        Volume(np.zeros((9, 9, 9), np.int16), np.eye(4), modality="CT"),
        "image",
    )
    dock.show_tab("Reconstruct")
    text = dock.reconstruct.rebuild.fit.text()
    assert "54 mm" in text
    assert text.count("⚠") == 2 and "trained on MR" in text


def test_a_reconstruction_can_be_cancelled_while_a_window_takes_long(
    dock, models, ring, monkeypatch, qtbot
):
    import threading

    go = threading.Event()

    def slow(volume, model, *, pattern, device):
        yield Step(1, 2, message="rebuilding")
        go.wait(20)
        yield Step(2, 2)

    monkeypatch.setattr("napari_toposeg.learning.reconstruct.reconstruct", slow)
    add_volume(dock.session.viewer, ring, "image")
    dock.show_tab("Reconstruct")
    dock.reconstruct.run_button.click()
    qtbot.waitUntil(lambda: dock.strip.message.text() == "rebuilding", timeout=60_000)
    with qtbot.waitSignal(dock.session.job_ended, timeout=2000):
        dock.strip.cancel.click()
    assert not go.is_set()
    go.set()

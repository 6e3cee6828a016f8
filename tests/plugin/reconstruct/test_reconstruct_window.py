"""Reconstruct in the real window: linked fields, the patch grid, cancelling."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from napari_toposeg.learning.hiding import Lattice
from napari_toposeg.plugin.canvas.marks import GRID, layer_with
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.reconstruct import actions
from napari_toposeg.plugin.reconstruct.kept import kept_topology
from napari_toposeg.plugin.settings import PLUGIN
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume

pytestmark = pytest.mark.gl


class Rebuilt:
    """What a network might have made: the upper half hidden and guessed to be even."""

    mse, mse_mean, mse_interpolation = 0.1, 0.2, 0.3

    def __init__(self, volume: Volume) -> None:
        mask = np.zeros(volume.shape, np.uint8)
        mask[:, : volume.shape[1] // 2] = 1
        guess = np.where(mask == 1, 50, volume.voxels).astype(np.float32)
        self.hidden = volume.with_voxels(mask)
        self.composite = volume.with_voxels(guess)
        self.residual = volume.with_voxels(np.abs(guess - volume.voxels).astype(np.float32))
        cuts = [np.linspace(-0.5, size - 0.5, 5) for size in volume.shape]
        patches = np.zeros((4, 4, 4), bool)
        patches[:, :2] = True
        self.lattice = Lattice((cuts[0], cuts[1], cuts[2]), patches)


def made_up_run(volume, model, *, pattern, threshold, **settings) -> Iterator[Step]:
    yield Step(1, 1)
    made = Rebuilt(volume)
    return made, kept_topology(volume, made.composite, threshold)


@pytest.fixture
def viewer(make_napari_viewer, monkeypatch):
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "True")
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


@pytest.fixture
def dock(viewer, qtbot) -> Iterator[TopoSegDock]:
    image = np.random.default_rng(0).normal(40, 20, (12, 40, 40)).astype(np.float32)
    viewer.add_image(image, name="scan", contrast_limits=(0, 100), units=("mm",) * 3)
    # As a person opens it: through napari's plugins, which hand out a proxy of the viewer.
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN)
    dock.show_tab("Reconstruct")
    qtbot.wait(50)
    yield dock
    dock.session.close()
    assert dock.session.job is None or dock.session.job.join(20)


@pytest.fixture
def rebuilt(dock, viewer, monkeypatch, qtbot) -> TopoSegDock:
    """The dock after a reconstruction."""
    monkeypatch.setattr(actions, "reconstruct_run", made_up_run)
    with qtbot.waitSignal(dock.session.job_ended, timeout=20_000):
        dock.reconstruct.run_button.click()
    return dock


def picture(viewer) -> np.ndarray:
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def test_the_fields_move_and_brighten_together(rebuilt, viewer, qtbot) -> None:
    labels = viewer.add_labels(np.ones((12, 40, 40), np.uint8), name="other")
    rebuilt.reconstruct.side_by_side.setChecked(True)
    qtbot.wait(100)
    canvas = viewer.window._qt_viewer.canvas
    assert len(canvas.grid_views) == 4
    assert not labels.visible
    viewer.scene.camera.zoom *= 2
    viewer.scene.camera.center = (0, 10, 12)
    qtbot.wait(50)
    zooms = {camera.zoom for camera in canvas.grid_cameras}
    centres = {tuple(np.round(camera.center[-2:], 3)) for camera in canvas.grid_cameras}
    assert len(zooms) == 1 and centres == {(10, 12)}
    viewer.layers["scan"].contrast_limits = (20, 60)
    for name in ("scan hidden input", "scan reconstruction"):
        assert tuple(viewer.layers[name].contrast_limits) == (20, 60)
    viewer.layers["scan reconstruction"].opacity = 0.4
    assert viewer.layers["scan |residual|"].opacity == 0.4
    rebuilt.reconstruct.side_by_side.setChecked(False)
    assert labels.visible and not viewer.layers["scan |residual|"].visible
    assert not viewer.canvas.grid.enabled
    viewer.layers["scan"].contrast_limits = (0, 100)
    assert tuple(viewer.layers["scan reconstruction"].contrast_limits) == (20, 60)


def test_the_fields_show_the_same_slice(rebuilt, viewer, qtbot) -> None:
    rebuilt.reconstruct.side_by_side.setChecked(True)
    for step in (2, 9):
        viewer.dims.set_current_step(0, step)
        qtbot.wait(20)
        shown = [viewer.layers[n]._slice_input.world_slice.point[0] for n in range(4)]
        assert len(set(shown)) == 1


def test_the_patch_grid_is_drawn_and_hatched_where_it_is_hidden(rebuilt, viewer, qtbot) -> None:
    viewer.reset_view()
    without = picture(viewer)
    rebuilt.reconstruct.patches.setChecked(True)
    assert viewer.dims.nsteps == (12, 40, 40)
    with_grid = picture(viewer)
    changed = np.abs(with_grid - without).max(axis=2) > 40
    rows = np.flatnonzero(changed.any(axis=1))
    middle = (rows[0] + rows[-1]) // 2
    assert changed[rows[0] : middle].sum() > 1.3 * changed[middle : rows[-1] + 1].sum()
    rebuilt.reconstruct.patches.setChecked(False)
    assert layer_with(viewer, GRID) is None
    np.testing.assert_allclose(picture(viewer), without, atol=2)


def test_the_patch_grid_costs_little_on_a_large_scan(viewer) -> None:
    large = viewer.add_image(np.zeros((60, 512, 512), np.uint8), units=("mm",) * 3)
    cuts = tuple(np.linspace(-0.5, size - 0.5, n) for size, n in ((60, 9), (512, 44), (512, 44)))
    patches = np.random.default_rng(0).random((8, 43, 43)) < 0.6
    grid = actions.show_patch_grid(viewer, large, Lattice(cuts, patches))
    layer = layer_with(viewer, GRID)
    for step in (0, 30, 59):
        viewer.dims.set_current_step(0, step)
        assert 0 < len(layer.data) < 10_000
    grid.remove()
    grid.forget()


def test_a_window_that_takes_long_is_cancelled_at_once(dock, viewer, monkeypatch, qtbot) -> None:
    go, began = threading.Event(), threading.Event()

    def slow(volume, model, *, pattern, device) -> Iterator[Step]:
        yield Step(1, 2, message="rebuilding")
        began.set()
        go.wait(30)
        yield Step(2, 2)

    monkeypatch.setattr("napari_toposeg.learning.reconstruct.reconstruct", slow)
    dock.reconstruct.run_button.click()
    qtbot.waitUntil(began.is_set, timeout=60_000)
    before = time.monotonic()
    with qtbot.waitSignal(dock.session.job_ended, timeout=5000):
        dock.strip.cancel.click()
    print(f"cancelled after {1000 * (time.monotonic() - before):.0f} ms")
    assert not go.is_set()
    go.set()
    assert dock.reconstruct.run_button.isEnabled()


def test_a_scan_removed_while_it_is_rebuilt_leaves_a_result(
    dock, viewer, monkeypatch, qtbot
) -> None:
    go = threading.Event()

    def run(volume, model, **settings) -> Iterator[Step]:
        yield Step(1, 2)
        go.wait(10)
        return (yield from made_up_run(volume, model, **settings))

    monkeypatch.setattr(actions, "reconstruct_run", run)
    dock.reconstruct.side_by_side.setChecked(True)
    dock.reconstruct.patches.setChecked(True)
    dock.reconstruct.run_button.click()
    viewer.layers.remove("scan")
    with qtbot.waitSignal(dock.session.job_ended, timeout=20_000):
        go.set()
    assert [layer.name for layer in viewer.layers if layer.visible] == [
        "scan hidden input",
        "scan reconstruction",
        "scan |residual|",
    ]
    dock.reconstruct.side_by_side.setChecked(False)


def test_two_windows_have_a_grid_each(make_napari_viewer) -> None:
    lattice = Rebuilt(Volume(np.zeros((8, 8, 8)), np.eye(4))).lattice
    viewers = [make_napari_viewer(show=True) for _ in range(2)]
    grids = []
    for viewer in viewers:
        scan = viewer.add_image(np.zeros((8, 8, 8)), units=("mm",) * 3)
        grids.append(actions.show_patch_grid(viewer, scan, lattice))
    viewers[0].dims.set_current_step(0, 1)
    first, second = (layer_with(viewer, GRID).data[0, 0, 0] for viewer in viewers)
    assert first == 1 and second != 1
    for grid in grids:
        grid.forget()

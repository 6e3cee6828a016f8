"""Layers whose voxels are not in memory: what is read, when, and by whom."""

from itertools import pairwise
from types import SimpleNamespace

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_toposeg.io import read_volume
from napari_toposeg.plugin.canvas.label_values import class_sizes
from napari_toposeg.plugin.canvas.layers import layer_to_volume
from napari_toposeg.plugin.canvas.lazy import (
    WHOLE,
    chunk_ends,
    glance,
    is_lazy,
    load,
    load_run,
    slabs,
)
from napari_toposeg.plugin.segment import actions as segment_actions
from napari_toposeg.progress import Step, finish

SHAPE, CHUNK = (24, 32, 40), (6, 16, 20)


@pytest.fixture
def counted(count_chunks):
    return count_chunks(
        np.random.default_rng(0).integers(-1000, 500, SHAPE).astype(np.int16), CHUNK
    )


@pytest.fixture
def lazy_scan(dock, counted):
    """A dask layer, chosen in the dock, after napari has drawn its first slice."""
    layer = dock.session.viewer.add_image(counted.array, scale=(3, 1, 1), units=("mm",) * 3)
    for name in ("Reconstruct", "Segment", "Topology", "Fine-tune", "Case"):
        dock.show_tab(name)
    return layer


def test_a_lazy_layer_is_offered_and_described_without_being_read(dock, counted, lazy_scan):
    assert dock.session.image_layer == lazy_scan
    assert dock.case.shape.text() == "24 × 32 × 40 voxels, int16, read as needed"
    # What napari draws, and the one slice that a threshold is suggested of.
    assert {chunk[0] for chunk in counted.chunks} <= {0, 1, 2}
    counted.forget()
    dock.case.describe(lazy_scan)
    assert counted.chunks == []


def test_its_volume_is_unread_until_it_is_asked_for(counted):
    layer = Image(counted.array, scale=(3, 1, 1), units=("mm",) * 3)
    counted.forget()
    volume = layer_to_volume(layer, read=False)
    assert is_lazy(volume.voxels)
    assert volume.spacing == (3, 1, 1)
    assert counted.chunks == []
    np.testing.assert_array_equal(layer_to_volume(layer).voxels, counted.voxels)


def test_a_run_reads_each_chunk_once_in_slabs_and_says_so(counted, monkeypatch):
    monkeypatch.setattr("napari_toposeg.plugin.canvas.lazy.SLAB_BYTES", 1)
    volume = layer_to_volume(Image(counted.array), read=False)
    counted.forget()
    run, steps = load_run(volume), []
    try:
        while True:
            steps.append(next(run))
    except StopIteration as stop:
        read = stop.value
    np.testing.assert_array_equal(read.voxels, counted.voxels)
    assert sorted(counted.chunks) == sorted(np.ndindex(4, 2, 2))
    assert not counted.in_window
    assert steps[-1].step == steps[-1].total
    assert "Reading" in steps[0].message


def test_voxels_in_memory_cost_no_step(ct):
    assert list(load_run(ct)) == []
    assert finish(load_run(ct)) is ct


def test_a_region_reads_its_own_chunks_alone(counted):
    counted.forget()
    region = (slice(7, 11), slice(0, 10), slice(25, 30))
    np.testing.assert_array_equal(load(counted.array, region), counted.voxels[region])
    assert counted.chunks == [(1, 0, 1)]


def test_cutting_out_reads_in_the_background_and_only_the_region(
    dock, qtbot, counted, lazy_scan, monkeypatch
):
    region = (slice(6, 12), slice(0, 16), slice(0, 16))
    monkeypatch.setattr(
        "napari_toposeg.plugin.case.region_panel.view_region", lambda viewer, layer: region
    )
    counted.forget()
    with qtbot.waitSignal(dock.session.job_ended, timeout=10_000):
        dock.case.crop()
    assert counted.chunks == [(1, 0, 0)]
    assert not counted.in_window
    cut = dock.session.image_layer
    np.testing.assert_array_equal(cut.data, counted.voxels[region])
    np.testing.assert_allclose(cut.translate, (18, 0, 0))


def test_saving_reads_in_the_background(dock, qtbot, counted, lazy_scan, tmp_path):
    counted.forget()
    with qtbot.waitSignal(dock.session.job_ended, timeout=10_000):
        dock.case.save(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.nii.gz").voxels, counted.voxels)
    assert not counted.in_window


def test_slices_are_suggested_of_a_scan_that_is_read_in_the_background(
    dock, qtbot, counted, lazy_scan
):
    section = dock.finetune.annotate.suggestions
    counted.forget()
    with qtbot.waitSignal(dock.session.job_ended, timeout=20_000):
        section.suggest()
    assert section.suggestions
    assert sorted(counted.chunks) == sorted(np.ndindex(4, 2, 2))
    assert not counted.in_window


def test_a_segmentation_reads_its_scan_in_the_worker(counted, monkeypatch, ct):
    seen = []

    def segment(volume, model, *, device, overlap):
        seen.append(volume.voxels)
        yield Step(1, 1)
        return SimpleNamespace(classes=())

    monkeypatch.setattr("napari_toposeg.learning.predict.segment", segment)
    volume = layer_to_volume(Image(counted.array), read=False)
    run = segment_actions.segment_run(volume, "any", device="cpu", overlap=0.0, threads=1)
    finish(run)
    assert isinstance(seen[0], np.ndarray)


@pytest.mark.parametrize(("start", "stop"), [(0, 24), (5, 7), (6, 12), (3, 20)])
@pytest.mark.parametrize("slab_bytes", [1, 6 * 32 * 40 * 2, 10**9])
def test_slabs_cover_a_part_and_end_where_chunks_end(monkeypatch, start, stop, slab_bytes):
    monkeypatch.setattr("napari_toposeg.plugin.canvas.lazy.SLAB_BYTES", slab_bytes)
    array = da.zeros(SHAPE, chunks=CHUNK, dtype=np.int16)
    found = list(slabs(array, start, stop))
    assert found[0][0] == start
    assert found[-1][1] == stop
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert all(last % 6 == 0 for _, last in found[:-1])


def test_zarr_and_hdf5_name_one_size_for_all_chunks():
    stored = SimpleNamespace(shape=(10, 4, 4), chunks=(4, 2, 2))
    assert list(chunk_ends(stored)) == [4, 8]
    assert list(chunk_ends(SimpleNamespace(shape=(3, 4, 4), chunks=None))) == [1, 2, 3]


def test_a_glance_at_a_lazy_array_reads_one_slice(counted):
    counted.forget()
    np.testing.assert_array_equal(glance(counted.array), counted.voxels[12:13])
    assert {chunk[0] for chunk in counted.chunks} == {2}
    assert glance(counted.voxels) is counted.voxels


def test_the_voxels_of_classes_are_those_that_numpy_counts(count_chunks):
    labels = np.random.default_rng(0).choice([0, 1, 7, 70_000], SHAPE).astype(np.int32)
    counted, shares = count_chunks(labels, CHUNK), []
    counted.forget()
    expected = {value: int((labels == value).sum()) for value in (1, 7, 70_000)}
    assert class_sizes(counted.array, shares.append) == expected == class_sizes(labels)
    assert sorted(counted.chunks) == sorted(np.ndindex(counted.array.numblocks))
    assert shares[-1] == 1.0
    assert class_sizes(labels > 0) == {1: sum(expected.values())}
    assert class_sizes(-labels) == {}


def test_a_zarr_array_is_read_by_its_chunks(tmp_path):
    zarr = pytest.importorskip("zarr")
    voxels = np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.int16)
    stored = zarr.create_array(tmp_path / "scan.zarr", data=voxels, chunks=CHUNK)
    volume = layer_to_volume(Image(stored), read=False)
    assert is_lazy(volume.voxels)
    np.testing.assert_array_equal(finish(load_run(volume)).voxels, voxels)
    np.testing.assert_array_equal(load(stored, (slice(7, 9), *WHOLE[1:])), voxels[7:9])

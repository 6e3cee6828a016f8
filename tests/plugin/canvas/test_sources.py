"""A layer knows the file that it was read from, and no layer that was computed claims one."""

from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.io import write_volume
from napari_toposeg.plugin.actions import open_case, save_layer
from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.canvas.sources import (
    Source,
    checksum_of,
    model_of,
    note_model,
    note_source,
    source_of,
)


def test_an_opened_scan_knows_its_file_and_what_is_computed_of_it_does_not(
    viewer_model, oblique, tmp_path
):
    path = write_volume(oblique, tmp_path / "scan.nii.gz")
    scan = open_case(viewer_model, path)
    assert source_of(scan) == Source(path)
    volume = layer_to_volume(scan)
    made = add_volume(viewer_model, volume.with_voxels(volume.voxels * 2), "image")
    assert source_of(made) is None


def test_series_and_frame_are_remembered_and_a_relative_path_made_whole(viewer_model, monkeypatch):
    layer = viewer_model.add_image(np.zeros((2, 2, 2)))
    note_source(layer, "folder", series="2: CT", frame=1)
    assert source_of(layer) == Source(Path.cwd() / "folder", "2: CT", 1)


@pytest.mark.parametrize("ways", [np.s_[:], np.s_[::-1, :, ::-1]])
def test_a_source_knows_the_voxels_that_it_gave_however_they_lie_in_memory(ways):
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)[ways]
    source = Source(Path("a.nii"), checksum=checksum_of(voxels))
    assert source.gave(voxels.copy()) and source.gave(np.asfortranarray(voxels))
    assert not source.gave(voxels[::-1]) and not source.gave(voxels.reshape(4, 3, 2))
    assert not source.gave(voxels.view(np.uint16)) and not source.gave(voxels.astype(float))
    assert not Source(Path("a.nii")).gave(voxels)


def test_voxels_that_are_not_in_memory_are_left_there_and_are_no_files(count_chunks):
    counted = count_chunks(np.zeros((4, 5, 6)), (1, 5, 6))
    assert not Source(Path("a.nii"), checksum=checksum_of(counted.array)).gave(counted.array)
    assert not counted.chunks


def test_what_is_noted_is_not_written_into_files(viewer_model, oblique, tmp_path):
    folder = tmp_path / "doe-jane"
    scan = open_case(viewer_model, write_volume(oblique, folder / "a.nrrd"))
    note_model(scan, "a-model")
    assert model_of(scan) == "a-model"
    written = save_layer(scan, tmp_path / "b.nrrd").read_bytes()
    assert b"doe-jane" not in written

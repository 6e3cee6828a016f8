"""A session on the disk: every layer comes back as it was, and what cannot is said."""

import json
import pickle
import threading
from dataclasses import replace

import dask.array
import nibabel as nib
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers._layer_actions import _duplicate_layer, _project
from napari.utils._proxies import PublicOnlyProxy

from napari_toposeg.errors import UnreadableFile, UnwritableFile
from napari_toposeg.io import write_volume
from napari_toposeg.plugin.actions import open_case, open_session, save_session
from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.canvas.marks import DEFECTS, layer_with, show_codes
from napari_toposeg.plugin.canvas.sources import source_of
from napari_toposeg.plugin.restoring import session_folder
from napari_toposeg.plugin.restoring.arrays import keep_array, read_array
from napari_toposeg.plugin.restoring.layer_records import plain_record, record_of
from napari_toposeg.plugin.restoring.session_folder import read_page
from napari_toposeg.plugin.restoring.snapshot import Snapshot, take_snapshot
from napari_toposeg.plugin.segment.actions import class_colormap


def look(layer):
    """All of a layer but its arrays and its source."""
    return replace(plain_record(record_of(layer)), arrays=(), source=None)


def again(viewer, folder):
    """Save what is open, and open it in another viewer."""
    assert save_session(viewer, folder) == ()
    other = ViewerModel()
    assert open_session(other, folder) == ()
    return other


@pytest.fixture
def full(viewer_model, oblique):
    """A viewer with a layer of each kind, on an oblique grid."""
    scan = add_volume(viewer_model, oblique, "image", colormap="inferno", gamma=0.7)
    add_volume(viewer_model, oblique.with_voxels(oblique.voxels * 0.001), "probability")
    labels = (oblique.voxels > 100).astype(np.uint8)
    mask = oblique.with_voxels(labels, modality="label")
    features = {"index": [0, 1], "class": ["background", "vessel"]}
    add_volume(
        viewer_model, mask, "labels", name="vessels", features=features, colormap=class_colormap(1)
    ).contour = 2
    show_codes(viewer_model, scan, DEFECTS, labels[::-1].copy(), {"splits": "#D55E00"}, "kind")
    place = {"scale": scan.scale, "translate": scan.translate, "units": scan.units}
    viewer_model.add_points(
        [[1, 2, 3], [4, 5, 6]],
        features={"kind": ["birth", "death"]},
        text={"string": "{kind}", "color": "#FFFFFF", "size": 11},
        symbol=["disc", "square"],
        face_color=["red", "#00000000"],
        visible=False,
        **place,
    )
    viewer_model.add_points(np.empty((0, 3)), name="none yet", **place)
    box = [[2, 1, 1], [2, 1, 5], [2, 6, 5], [2, 6, 1]]
    viewer_model.add_shapes([box, np.eye(3)], shape_type=["rectangle", "path"], **place)
    return viewer_model


def test_each_kind_of_layer_comes_back_as_it_was(full, tmp_path):
    other = again(full, tmp_path / "session")
    assert [layer.name for layer in other.layers] == [layer.name for layer in full.layers]
    for before, after in zip(full.layers, other.layers, strict=True):
        assert type(before) is type(after) and look(before) == look(after)
        for a, b in zip(record_of(before).arrays, record_of(after).arrays, strict=True):
            np.testing.assert_array_equal(a, b)
            assert np.asarray(a).dtype == np.asarray(b).dtype
    assert not layer_with(other, DEFECTS).editable


def test_an_oblique_grid_comes_back_exactly(full, oblique, tmp_path):
    other = again(full, tmp_path / "session")
    for layer in other.layers[:3]:
        np.testing.assert_array_equal(layer_to_volume(layer).affine, oblique.affine)
        assert layer_to_volume(layer).orientation == oblique.orientation


def test_the_view_comes_back(full, tmp_path):
    full.dims.order = (1, 0, 2)
    full.dims.set_point(1, full.layers[0].translate[1] + 3)
    full.scene.camera.zoom, full.scene.camera.center = 3.5, (0, 7, 9)
    full.canvas.grid.enabled, full.canvas.grid.stride = True, 2
    full.layers.selection.active = full.layers[2]
    other = again(full, tmp_path / "session")
    assert other.dims.order == (1, 0, 2)
    np.testing.assert_allclose(other.dims.point, full.dims.point)
    assert other.scene.camera.zoom == 3.5 and other.scene.camera.center == (0, 7, 9)
    assert other.canvas.grid.enabled and other.canvas.grid.stride == 2
    assert other.layers.selection.active is other.layers[2]
    # napari warns that it draws no contours in 3D.
    full.layers["vessels"].contour = 0
    full.dims.ndisplay = 3
    assert again(full, tmp_path / "session").dims.ndisplay == 3


@pytest.fixture
def from_file(viewer_model, oblique, tmp_path):
    """A viewer with a scan that was read from a file, and labels that were painted on it."""
    path = write_volume(oblique, tmp_path / "scan.nii.gz")
    scan = open_case(viewer_model, path)
    scan.contrast_limits = (30, 60)
    viewer_model.add_labels(np.ones(oblique.shape, np.uint8), name="painted", scale=scan.scale)
    return viewer_model, path, tmp_path / "session"


def test_a_scan_from_a_file_is_kept_as_its_path(from_file):
    viewer, path, folder = from_file
    other = again(viewer, folder)
    assert len(list((folder / "arrays").iterdir())) == 1
    np.testing.assert_array_equal(other.layers[0].data, viewer.layers[0].data)
    assert tuple(other.layers[0].contrast_limits) == (30, 60)
    assert source_of(other.layers[0]).path == path


def negate(viewer):
    viewer.layers[0].data = -viewer.layers[0].data


def change_one_voxel_in_place(viewer):
    viewer.layers[0].data[3, 4, 5] += 1


def replace_by_a_part(viewer):
    viewer.layers[0].data = viewer.layers[0].data[2:7]


def duplicate_and_negate(viewer):
    viewer.layers.selection = {viewer.layers[0]}
    _duplicate_layer(viewer.layers)
    viewer.layers[1].data = -viewer.layers[1].data


def project(viewer):
    viewer.layers.selection.active = viewer.layers[0]
    _project(viewer.layers)


@pytest.mark.parametrize(
    "compute",
    [negate, change_one_voxel_in_place, replace_by_a_part, duplicate_and_negate, project],
)
def test_what_was_computed_of_a_scan_comes_back_though_napari_copies_its_source(from_file, compute):
    viewer, _, folder = from_file
    compute(viewer)
    other = again(viewer, folder)
    assert [layer.name for layer in other.layers] == [layer.name for layer in viewer.layers]
    for before, after in zip(viewer.layers, other.layers, strict=True):
        np.testing.assert_array_equal(after.data, before.data)
        assert after.data.dtype == before.data.dtype


def test_a_duplicate_that_was_not_changed_is_kept_as_the_path(from_file):
    viewer, path, folder = from_file
    viewer.layers.selection = {viewer.layers[0]}
    _duplicate_layer(viewer.layers)
    other = again(viewer, folder)
    assert len(list((folder / "arrays").iterdir())) == 1
    assert source_of(other.layers[1]).path == path


def test_a_scan_that_came_back_is_kept_as_its_path_again_unless_it_is_changed(from_file):
    viewer, _, folder = from_file
    other = again(viewer, folder)
    third = again(other, folder)
    assert len(list((folder / "arrays").iterdir())) == 1
    third.layers[0].data = third.layers[0].data * 2
    np.testing.assert_array_equal(again(third, folder).layers[0].data, third.layers[0].data)


def test_a_scan_of_which_a_lazy_array_was_made_is_not_computed_and_said(from_file, count_chunks):
    viewer, _, folder = from_file
    computed = count_chunks(np.zeros((9, 9, 9)), (1, 9, 9))
    viewer.layers[0].data = computed.array
    computed.forget()
    (left,) = save_session(viewer, folder)
    assert "its voxels are not in memory" in left and not computed.chunks


def test_the_active_layer_and_the_chosen_image_are_known_in_a_viewer_behind_a_proxy(full):
    full.layers.selection.active = full.layers[2]
    proxied = PublicOnlyProxy(full)
    snapshot = take_snapshot(proxied, chosen=proxied.layers[1])
    assert (snapshot.active, snapshot.chosen) == (2, 1)


def test_a_file_that_is_gone_is_said_and_the_rest_comes_back(from_file):
    viewer, path, folder = from_file
    save_session(viewer, folder)
    path.rename(path.with_name("moved.nii.gz"))
    other = ViewerModel()
    (told,) = open_session(other, folder)
    assert "scan" in told and "not there any more" in told
    assert [layer.name for layer in other.layers] == ["painted"]


def test_a_file_that_was_changed_is_said(from_file, oblique):
    viewer, path, folder = from_file
    save_session(viewer, folder)
    write_volume(oblique.with_voxels(oblique.voxels + 1), path)
    other = ViewerModel()
    (told,) = open_session(other, folder)
    assert "was changed since" in told
    np.testing.assert_array_equal(other.layers[0].data, viewer.layers[0].data + 1)
    write_volume(replace(oblique, affine=oblique.affine @ np.diag([2, 2, 2, 1])), path)
    assert "holds another scan" in open_session(ViewerModel(), folder)[0]


def test_the_frame_that_was_open_is_found_again(viewer_model, tmp_path):
    frames = np.random.default_rng(0).normal(size=(5, 4, 3, 3)).astype(np.float32)
    path = tmp_path / "run.nii"
    nib.save(nib.Nifti1Image(frames, np.eye(4)), path)
    layer = open_case(viewer_model, path, frame=2)
    known = layer.metadata["napari_toposeg_source"]
    for frame in (2, None):
        known["frame"] = frame
        other = again(viewer_model, tmp_path / "session")
        np.testing.assert_array_equal(other.layers[0].data, layer.data)


def test_a_layer_of_another_kind_is_left_alone_and_said(full, tmp_path):
    full.add_vectors(np.zeros((2, 2, 3)), name="arrows")
    assert save_session(full, tmp_path / "session") == ("arrows: a layer of this kind is not kept",)


def test_voxels_that_are_not_in_memory_are_not_read_to_be_kept(viewer_model, tmp_path):
    lazy = dask.array.zeros((4, 5, 6), chunks=(1, 5, 6)).map_blocks(pytest.fail, dtype=float)
    record = record_of(viewer_model.add_image(np.zeros((4, 5, 6)), name="far away"))
    snapshot = Snapshot((replace(record, arrays=(lazy,)),))
    (left,) = session_folder.write_session(tmp_path / "session", snapshot).left_out
    assert left.startswith("far away: its voxels are not in memory")


def test_attributes_that_have_no_plain_form_are_said(full, tmp_path):
    full.layers["vessels"].features = {"index": [0], "who": [object()]}
    (left,) = save_session(full, tmp_path / "session")
    assert left.startswith("vessels: one of its attributes cannot be kept")


def test_what_is_too_large_is_not_kept_and_said(full, tmp_path, monkeypatch):
    monkeypatch.setattr(session_folder, "MOST_BYTES", 2000)
    left = save_session(full, tmp_path / "session")
    assert left[0].startswith("oblique: ") and "save it" in left[0]
    other = ViewerModel()
    assert open_session(other, tmp_path / "session") == left
    assert "vessels" in [layer.name for layer in other.layers]


def test_what_did_not_change_is_not_written_again(full, tmp_path):
    folder = tmp_path / "session"
    save_session(full, folder)
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "arrays").iterdir()}
    full.layers["vessels"].data[0, 0, 0] = 7
    save_session(full, folder)
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "arrays").iterdir()}
    new = set(after) - set(before)
    assert len(new) == 1 and all(after[name] == before[name] for name in set(after) - new)
    del full.layers["vessels"]
    save_session(full, folder)
    assert not new & {path.name for path in (folder / "arrays").iterdir()}


@pytest.mark.parametrize("shape", [(0, 3), (1,), (70, 1024, 1024), ()])
def test_arrays_of_any_size_come_back(tmp_path, shape):
    array = np.arange(int(np.prod(shape)), dtype=np.int64).astype(np.uint8).reshape(shape)
    back = read_array(tmp_path, keep_array(tmp_path, array))
    assert back.shape == shape and np.array_equal(back, array)


def test_an_array_that_is_painted_while_it_is_kept_has_the_name_of_what_it_holds(tmp_path):
    array, stop = np.zeros((64, 64, 64), np.uint8), threading.Event()

    def paint():
        while not stop.is_set():
            array[:] = array + 1

    painter = threading.Thread(target=paint)
    painter.start()
    names = [keep_array(tmp_path, array) for _ in range(20)]
    stop.set()
    painter.join()
    for name in names:
        assert keep_array(tmp_path / "again", read_array(tmp_path, name)) == name


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a session was unpickled",)


def test_nothing_in_a_session_is_unpickled(full, tmp_path):
    folder = tmp_path / "session"
    save_session(full, folder)
    for path in (folder / "arrays").iterdir():
        path.write_bytes(pickle.dumps(Bomb()))
    told = open_session(ViewerModel(), folder)
    assert all("damaged" in each for each in told) and len(told) >= 5


def test_damaged_sessions_are_refused_in_words(full, tmp_path):
    folder = tmp_path / "session"
    with pytest.raises(UnreadableFile, match="holds no session"):
        open_session(ViewerModel(), folder)
    save_session(full, folder)
    page = folder / "session.json"
    known = json.loads(page.read_text(encoding="utf-8"))
    page.write_text(json.dumps(known | {"format": 99}))
    with pytest.raises(UnreadableFile, match="later version"):
        read_page(folder)
    for wrong in ("{", "[]", json.dumps(known | {"layers": 3})):
        page.write_text(wrong)
        with pytest.raises(UnreadableFile, match="damaged"):
            read_page(folder)


def test_attributes_that_fit_no_layer_are_said(full, tmp_path):
    folder = tmp_path / "session"
    save_session(full, folder)
    page = folder / "session.json"
    known = json.loads(page.read_text(encoding="utf-8"))
    known["layers"][0]["attributes"]["scale"] = "wide"
    known["active"], known["view"] = 99, {"order": [0], "camera": {}}
    page.write_text(json.dumps(known))
    other = ViewerModel()
    (told,) = open_session(other, folder)
    assert "attributes are damaged" in told and len(other.layers) == len(full.layers) - 1


def test_a_folder_with_other_files_is_not_written_to(full, tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(UnwritableFile, match="other files"):
        save_session(full, tmp_path)


def test_a_session_is_not_saved_onto_a_file(full, tmp_path):
    file = tmp_path / "thesis.doc"
    file.write_text("years of work")
    with pytest.raises(UnwritableFile, match=r"is a file .* new folder"):
        save_session(full, file)
    assert file.read_text() == "years of work"

"""The store: what is written is read back, box by box, and never half."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig, UnreadableFile
from napari_toposeg.io.headers import read_extent
from napari_toposeg.io.reading import read_volume
from napari_toposeg.io.store import (
    FULL,
    Manifest,
    Store,
    StoredCase,
    is_store,
    open_store,
)
from napari_toposeg.io.stored_arrays import read_index
from napari_toposeg.io.writing import write_volume
from napari_toposeg.volume import Volume

SHAPE = (40, 100, 37)


def described(name: str = "one") -> StoredCase:
    return StoredCase(
        name=name,
        modality="CT",
        shape=SHAPE,
        affine=tuple(map(tuple, np.eye(4).tolist())),
        original_shape=SHAPE,
        original_spacing=(1.0, 1.0, 1.0),
        orientation="LPS",
        normalisation=(-1000.0, 1000.0),
        classes=(0, 3),
    )


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random(SHAPE, np.float32)


@pytest.fixture
def store(tmp_path: Path, image: np.ndarray) -> Store:
    manifest = Manifest(spacing=(1.0, 1.0, 1.0), labelled=True, finished=False)
    store = Store(tmp_path / "store", manifest)
    store.write(described(), image, (image > 0.5) * 3, {"numbers": np.arange(3)})
    done = manifest.model_copy(update={"finished": True, "cases": (described(),)})
    Store(store.folder, done).write_manifest()
    return open_store(store.folder)


def test_any_box_is_the_image_to_half_a_step_of_16_bits(store: Store, image: np.ndarray) -> None:
    stored = store.image(store.manifest.cases[0])
    for cut in (np.s_[:, :, :], np.s_[3:35, 31:99, 5:6], np.s_[39:40, 0:100, 36:37]):
        box = stored[cut]
        assert box.dtype == np.float32
        np.testing.assert_allclose(box, image[cut], atol=0.5 / FULL + 1e-7)


def test_a_box_is_read_into_a_mirrored_view_as_into_a_new_array(store: Store) -> None:
    stored, cut = store.image(store.manifest.cases[0]), np.s_[4:20, 60:92, 0:32]
    out = np.zeros((16, 32, 32), np.float32)
    stored.read(cut, out[::-1, :, ::-1])
    np.testing.assert_array_equal(out[::-1, :, ::-1], stored[cut])


def test_labels_are_kept_exactly(store: Store, image: np.ndarray) -> None:
    labels = store.labels(store.manifest.cases[0])
    assert labels is not None
    np.testing.assert_array_equal(labels[:, :, :], (image > 0.5) * 3)


def test_threads_read_the_same_case_at_once(store: Store, image: np.ndarray) -> None:
    stored, wrong = store.image(store.manifest.cases[0]), []

    def read(seed: int) -> None:
        for z in np.random.default_rng(seed).integers(0, 30, 20):
            cut = np.s_[z : z + 8, 10:90, 0:37]
            if not np.allclose(stored[cut], image[cut], atol=1e-4):
                wrong.append(z)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []


def test_the_index_is_read_back(store: Store) -> None:
    found = read_index(store.index(store.manifest.cases[0]))
    np.testing.assert_array_equal(found["numbers"], [0, 1, 2])


def test_a_case_whose_writing_failed_is_not_there(store: Store, image: np.ndarray) -> None:
    class Broken:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="the disk is full"):
        store.write(described("two"), image, None, {"numbers": Broken()})
    assert list(store.kept()) == ["one"]


def test_a_damaged_image_is_named(store: Store) -> None:
    path = store.place("one") / "image.b2nd"
    path.write_bytes(b"nothing")
    with pytest.raises(UnreadableFile, match=r"image\.b2nd.*--resume"):
        store.image(store.manifest.cases[0])[:, :, :]


def test_a_store_that_was_not_finished_asks_to_be(store: Store) -> None:
    Store(store.folder, store.manifest.model_copy(update={"finished": False})).write_manifest()
    assert is_store(store.folder)
    with pytest.raises(InvalidConfig, match="--resume"):
        open_store(store.folder)
    assert open_store(store.folder, unfinished=True).manifest.labelled


def test_a_store_of_another_version_is_refused(store: Store) -> None:
    path = store.folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"version": 2}))
    with pytest.raises(InvalidConfig, match="no store of version 1"):
        open_store(store.folder)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_header_tells_the_extent_of_the_volume(tmp_path: Path, ending: str) -> None:
    affine = np.diag([0.5, -2.0, 3.0, 1.0])[[1, 0, 2, 3]]
    write_volume(Volume(np.zeros((5, 6, 7), np.int16), affine), tmp_path / f"a{ending}")
    volume, extent = read_volume(tmp_path / f"a{ending}"), read_extent(tmp_path / f"a{ending}")
    assert extent.shape == volume.shape
    np.testing.assert_allclose(extent.spacing, volume.spacing)

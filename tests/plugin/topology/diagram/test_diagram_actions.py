"""What the Diagram page does can be called from a notebook."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.actions import diagram_layer, show_features


def image(*peaks: tuple[int, int, int]) -> np.ndarray:
    voxels = np.zeros((9, 9, 9), np.float32)
    for height, peak in zip((9, 5), peaks, strict=False):
        voxels[peak] = height
    return voxels


def test_features_are_found_matched_and_shown(qapp) -> None:
    viewer = ViewerModel()
    first = viewer.add_image(image((2, 2, 2), (6, 6, 6)))
    second = viewer.add_image(image((2, 2, 2)))
    found = diagram_layer(first)
    assert found.births.astype(int).tolist() == [[2, 2, 2], [6, 6, 6]]
    matched = diagram_layer(first, against=second)
    assert matched.counts(np.arange(len(matched)))[0] == (1, 1, 0)
    points, drawn = show_features(viewer, first, found, [1])
    assert tuple(viewer.dims.point) == (6, 6, 6)
    np.testing.assert_array_equal(points.data[0], (6, 6, 6))
    assert np.asarray(drawn.data)[tuple(drawn.world_to_data((6, 6, 6)).astype(int))] == 1


def test_a_box_is_looked_at_alone_and_needed_for_a_region(qapp) -> None:
    layer = ViewerModel().add_image(image((2, 2, 2), (6, 6, 6)))
    box = (slice(4, 9), slice(4, 9), slice(4, 9))
    assert diagram_layer(layer, extent="drawn", box=box).births.tolist() == [[6, 6, 6]]
    with pytest.raises(InvalidVolume, match="needs a box"):
        diagram_layer(layer, extent="drawn")


def test_an_array_that_is_not_in_memory_is_read_where_it_is_looked_at(qapp) -> None:
    dask = pytest.importorskip("dask.array")
    read = []

    def block(voxels, block_info=None):
        read.append(block_info[0]["chunk-location"])
        return voxels

    lazy = dask.from_array(image((2, 2, 2), (6, 6, 6)), chunks=(3, 9, 9)).map_blocks(
        block, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32)
    )
    layer = ViewerModel().add_image(lazy, contrast_limits=(0, 9))
    read.clear()
    box = (slice(6, 9), slice(0, 9), slice(0, 9))
    assert diagram_layer(layer, extent="drawn", box=box).births.tolist() == [[6, 6, 6]]
    assert set(read) == {(2, 0, 0)}

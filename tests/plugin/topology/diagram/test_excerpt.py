"""Excerpts are small, say what they leave out, and lead back to voxels of the layer."""

import doctest
from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.errors import InvalidVolume
from napari_toposeg.plugin.topology.diagram import layer_diagram
from napari_toposeg.plugin.topology.diagram.coarser import block_means, block_size, region_size
from napari_toposeg.plugin.topology.diagram.excerpt import MOST_VOXELS, take_excerpt
from napari_toposeg.plugin.topology.diagram.features import Features
from napari_toposeg.plugin.topology.diagram.layer_diagram import (
    connectivity_of,
    expected_seconds,
    run_persistence,
    value_range,
)
from napari_toposeg.plugin.topology.diagram.source import values_of
from napari_toposeg.progress import finish


def two_balls(shape=(12, 14, 16)) -> np.ndarray:
    """Dark background, a ball of peak 9 at (3, 4, 5) and one of peak 7 at (8, 9, 10)."""
    z, y, x = np.indices(shape)

    def ball(peak: float, *centre: int) -> np.ndarray:
        distance = np.sqrt(sum((a - c) ** 2 for a, c in zip((z, y, x), centre, strict=True)))
        return np.maximum(0, peak - 2 * distance)

    return np.maximum(ball(9, 3, 4, 5), ball(7, 8, 9, 10)).astype(np.float32)


@pytest.mark.parametrize("shape", [(512, 512, 16), (300, 300, 300), (10, 10, 10), (1, 5000, 5000)])
def test_coarse_copies_and_regions_stay_under_the_limit(shape) -> None:
    blocks = [-(-n // s) for n, s in zip(shape, block_size(shape, MOST_VOXELS), strict=True)]
    assert np.prod(blocks) <= MOST_VOXELS
    assert np.prod(region_size(shape, MOST_VOXELS)) <= MOST_VOXELS
    if np.prod(shape) <= MOST_VOXELS:
        assert block_size(shape, MOST_VOXELS) == (1, 1, 1)
        assert region_size(shape, MOST_VOXELS) == shape


def test_a_thin_slab_is_not_made_coarser_across() -> None:
    assert block_size((16, 512, 512), MOST_VOXELS)[0] == 1


def test_block_means_are_means_and_the_border_repeats() -> None:
    voxels = np.arange(2 * 3 * 5, dtype=np.int16).reshape(2, 3, 5)
    means = block_means(voxels, (2, 2, 2))
    assert means.shape == (1, 2, 3)
    assert means[0, 0, 0] == voxels[:, :2, :2].mean()
    assert means[0, 1, 2] == voxels[:, 2, 4].mean()


@pytest.mark.parametrize("extent", ["whole", "coarse", "region", "view", "slice"])
@pytest.mark.parametrize("labels", [False, True])
def test_what_is_not_in_memory_gives_the_excerpt_that_it_gives_in_memory(
    count_chunks, extent, labels
) -> None:
    voxels = (two_balls() > 2).astype(np.int32) * 7 if labels else two_balls()
    counted = count_chunks(voxels, (5, 7, 8))
    counted.forget()
    where = {"centre": (9, 9, 9), "box": (slice(6, 10), slice(0, 7), slice(8, 16)), "most": 500}
    shares: list[float] = []
    data = values_of(counted.array, labels=labels)
    assert counted.chunks == []
    found = take_excerpt(data, extent, progress=shares.append, **where)
    expected = take_excerpt(values_of(voxels, labels=labels), extent, **where)
    np.testing.assert_array_equal(found.voxels, expected.voxels)
    assert found.voxels.dtype == expected.voxels.dtype and found.note == expected.note
    if extent == "view":
        assert set(counted.chunks) == {(1, 0, 1)}
    if extent in ("whole", "coarse", "region", "view"):
        assert shares[-1] == 1.0 and shares == sorted(shares)


def test_whole_layers_have_no_note_and_the_others_say_what_was_left_out() -> None:
    voxels = two_balls()
    assert take_excerpt(voxels, "whole").note == ""
    assert take_excerpt(voxels, "coarse").note == ""
    assert "Thinner structures may be lost" in take_excerpt(voxels, "coarse", most=400).note
    assert "was not looked at" in take_excerpt(voxels, "region", most=400).note
    assert "slice y = 4" in take_excerpt(voxels, "slice", centre=(3, 4, 5), axis=1).note


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slice_leads_back_to_the_voxels_of_the_layer(axis: int) -> None:
    voxels = two_balls()
    found = finish(run_persistence(take_excerpt(voxels, "slice", centre=(3, 4, 5), axis=axis)))
    np.testing.assert_array_equal(found.births[0], (3, 4, 5))


def test_a_region_leads_back_to_the_voxels_of_the_layer() -> None:
    voxels = two_balls()
    part = take_excerpt(voxels, "region", centre=(11, 13, 15), most=9**3)
    found = finish(run_persistence(part))
    assert part.offset != (0, 0, 0)
    components = found.diagram.dimension == 0
    np.testing.assert_array_equal(found.births[components][0], (8, 9, 10))
    values = voxels[tuple(found.births.astype(int).T)]
    np.testing.assert_array_equal(values, found.diagram.birth)


def test_a_coarse_copy_leads_back_into_the_block_of_the_feature() -> None:
    voxels = two_balls()
    part = take_excerpt(voxels, "coarse", most=7**3)
    found = finish(run_persistence(part))
    assert (np.abs(found.births[0] - (3, 4, 5)) < part.step).all()


def test_two_balls_are_two_components_and_the_endless_one_has_no_death_voxel() -> None:
    found = finish(run_persistence(take_excerpt(two_balls(), "whole")))
    strong = found.diagram.persistence > 3
    assert list(found.diagram.dimension[strong]) == [0, 0]
    assert np.isnan(found.deaths[0]).all()
    assert np.isfinite(found.deaths[1:]).all()


def test_the_nearest_feature_is_found_in_millimetres() -> None:
    found = finish(run_persistence(take_excerpt(two_balls(), "whole")))
    rows = np.flatnonzero(found.diagram.persistence > 3)
    assert Features.of(found).nearest(np.array([4.0, 4, 5]), np.ones(3), rows) == 0
    assert Features.of(found).nearest(np.array([8.0, 9, 11]), np.ones(3), rows) == 1
    assert Features.of(found).nearest(np.zeros(3), np.ones(3), rows[:0]) is None
    # 3 voxels of 1 mm along x are nearer than 2 voxels of 10 mm along z.
    between = np.array([3.0, 4, 8])
    assert Features.of(found).nearest(between, np.array([10.0, 1, 1]), rows) == 0


def test_an_error_of_the_engine_reaches_the_run() -> None:
    voxels = two_balls()
    voxels[0, 0, 0] = np.nan
    with pytest.raises(InvalidVolume, match="NaN"):
        finish(run_persistence(take_excerpt(voxels, "whole")))


def test_connectivity_is_named() -> None:
    assert connectivity_of("T", 3) == "26-connected"
    assert connectivity_of("V", 2) == "4-connected"


def test_what_lasts_too_short_in_a_large_excerpt_is_left_out_and_told(monkeypatch) -> None:
    noisy = two_balls() + 0.01 * np.random.default_rng(0).random((12, 14, 16), np.float32)
    every = finish(run_persistence(take_excerpt(noisy, "whole")))
    monkeypatch.setattr(layer_diagram, "ALL_FEATURES", 100)
    strong = finish(run_persistence(take_excerpt(noisy, "whole")))
    assert "left out" in strong.excerpt.note and not every.excerpt.note
    assert len(strong.diagram) < len(every.diagram)
    assert strong.diagram.persistence.min() > layer_diagram.FAINTEST * value_range(noisy)


def test_time_grows_faster_than_the_number_of_voxels() -> None:
    assert 8 < expected_seconds(128**3) / expected_seconds(64**3) < 16


def test_the_snippet_of_the_page_on_the_tab_is_true() -> None:
    page = Path(__file__).parents[4] / "docs" / "topology-tab.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert (result.failed, result.attempted > 0) == (0, True)

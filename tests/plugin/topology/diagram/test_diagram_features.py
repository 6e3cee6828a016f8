"""Features of one layer or of two: the same rows in the same order for all views."""

import numpy as np
import pytest
from tests.plugin.topology.made_features import four, many, two_layers

from napari_toposeg.plugin.topology.diagram.features import Fate
from napari_toposeg.topology import betti_curve


def test_rows_are_filtered_and_the_most_persistent_come_first() -> None:
    features = four()
    assert list(features.shown((0, 1, 2), 0.0)) == [0, 2, 1, 3]
    assert list(features.shown((1, 2), 0.0)) == [2, 3]
    assert list(features.shown((0, 1, 2), 3.0)) == [0, 2]


def test_the_range_leaves_endless_deaths_out() -> None:
    assert four().value_range == (0.0, 10.0)
    assert four(superlevel=True).value_range == (-10.0, 0.0)


def test_a_pair_comes_and_goes_together() -> None:
    features = two_layers()
    assert list(features.shown((0, 1), 3.0)) == [0, 3, 1, 4]
    assert list(features.shown((1,), 0.0, [Fate.ONLY_FIRST, Fate.ONLY_SECOND])) == [2, 5]


def test_pairs_are_counted_once_and_the_rest_by_layer() -> None:
    features = two_layers()
    assert features.counts(np.arange(6)) == [(1, 0, 0), (1, 1, 1), (0, 0, 0)]
    assert four().counts(np.arange(4)) == [(2, 0, 0), (1, 0, 0), (1, 0, 0)]


def test_a_row_knows_its_layer_and_its_row_there() -> None:
    features = two_layers()
    assert [features.origin(row) for row in (0, 2, 3, 5)] == [(0, 0), (0, 2), (1, 0), (1, 2)]


@pytest.mark.parametrize("dimension", [0, 1, 2])
def test_the_living_are_those_of_the_betti_curve(dimension: int) -> None:
    for features in (many(300), four(), four(superlevel=True)):
        low, high = features.value_range
        levels = np.linspace(low - 0.1, high + 0.1, 57)
        kept = features.dimension == dimension
        np.testing.assert_array_equal(
            features.alive(kept, levels),
            betti_curve(features.parts[0].diagram, levels, dimension=dimension),
        )


def test_the_nearest_feature_is_the_first_of_those_as_near() -> None:
    features = four()
    spacing = np.ones(3)
    assert features.nearest(np.array([0.0, 0, 2]), spacing, np.array([3, 2, 1])) == 2
    assert features.nearest(np.array([0.0, 1, 2]), spacing, np.array([2])) == 2
    assert features.nearest(np.zeros(3), spacing, np.arange(0)) is None


def test_columns_name_voxels_and_partners() -> None:
    columns = two_layers().columns(np.array([4, 2]))
    assert columns["layer"].tolist() == [2, 1]
    assert columns["matched_with"].tolist() == [1, -1]
    assert columns["persistence"].tolist() == [4.0, 1.0]
    assert [columns[f"birth_{axis}"].tolist() for axis in "zyx"] == [[0, 0], [0, 0], [1, 2]]
    assert "layer" not in four().columns(np.arange(4))

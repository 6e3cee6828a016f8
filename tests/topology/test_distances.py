"""Distances between diagrams: exact, metric, stable, and clear about what cannot be compared."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

sys.path.append(str(Path(__file__).parent))

from oracles.distances import cases, dense_bottleneck, dense_wasserstein, diagram

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.topology import (
    betti_curve,
    betti_numbers,
    bottleneck,
    match_diagrams,
    persistence,
    sliced_wasserstein,
    total_persistence,
    wasserstein,
)

coordinates = st.floats(0, 1, width=16)
point_sets = arrays(
    np.float64, st.tuples(st.integers(0, 12), st.just(2)), elements=coordinates
).map(lambda points: np.sort(points, axis=1))
diagrams = point_sets.map(diagram)
DISTANCES = [
    wasserstein,
    lambda a, b: wasserstein(a, b, order=1),
    bottleneck,
    sliced_wasserstein,
]


@pytest.mark.parametrize("order", [1, 1.5, 2, 3])
def test_wasserstein_is_that_of_dense_assignment(order):
    for number, (a, b) in enumerate(cases(80, seed=0)):
        expected = dense_wasserstein(a, b, order)
        assert wasserstein(a, b, order=order) == pytest.approx(expected, rel=1e-9), number


def test_wasserstein_is_that_of_pot_and_hera():
    hera = pytest.importorskip("gudhi.hera").wasserstein_distance
    pytest.importorskip("ot")
    from gudhi.wasserstein import wasserstein_distance as pot

    rng = np.random.default_rng(0)
    for order in (1.0, 2.0):
        p, q = (np.sort(rng.random((n, 2)), axis=1) for n in (150, 120))
        found = wasserstein(diagram(p), diagram(q), order=order)
        assert found == pytest.approx(pot(p, q, order=order, internal_p=2), rel=1e-6)
        # Hera's time rises steeply with its accuracy and with the number of points.
        found = wasserstein(diagram(p[:20]), diagram(q[:15]), order=order)
        close = hera(p[:20], q[:15], order=order, internal_p=2, delta=1e-6)
        assert found == pytest.approx(close, rel=1e-6)


def test_bottleneck_is_that_of_trying_every_bound():
    for number, (a, b) in enumerate(cases(160, seed=1)):
        expected = dense_bottleneck(a, b)
        assert bottleneck(a, b) == pytest.approx(expected, rel=1e-12), number


def test_bottleneck_is_that_of_gudhi():
    hera = pytest.importorskip("gudhi.hera").bottleneck_distance
    rng = np.random.default_rng(0)
    p, q = (np.sort(rng.random((n, 2)), axis=1) for n in (150, 120))
    assert bottleneck(diagram(p), diagram(q)) == pytest.approx(hera(p, q, delta=1e-9), rel=1e-6)


def test_large_crowded_diagrams_are_paired_exactly():
    rng = np.random.default_rng(2)
    birth = rng.normal(size=(2, 400))
    p, q = (np.stack([x, x + 1 + 0.1 * rng.random(400)], axis=1) for x in birth)
    a, b = diagram(p), diagram(q)
    assert wasserstein(a, b) == pytest.approx(dense_wasserstein(a, b, 2), rel=1e-9)


@pytest.mark.parametrize(
    ("rows", "columns", "order"), [(600, 620, 2), (900, 600, 2), (600, 620, 1), (560, 600, 3)]
)
def test_diagrams_that_are_sampled_first_are_paired_exactly(rows, columns, order):
    rng = np.random.default_rng(8)
    p, q = (np.sort(rng.normal(size=(n, 2)), axis=1) for n in (rows, columns))
    a, b = diagram(p), diagram(np.round(q, 1))
    assert wasserstein(a, b, order=order) == pytest.approx(dense_wasserstein(a, b, order), rel=1e-9)


def test_pairing_ends_where_rounding_feigns_gains():
    rng = np.random.default_rng(9)
    for offset in (1e3, 1e6, 1e9):
        p, q = (np.sort(rng.random((n, 2)) * 3, axis=1) + offset for n in (60, 70))
        a, b = diagram(p), diagram(q)
        for order in (1, 2, 3):
            expected = dense_wasserstein(a, b, order)
            assert wasserstein(a, b, order=order) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("distance", DISTANCES)
@given(a=diagrams, b=diagrams, c=diagrams)
@settings(max_examples=60, deadline=None)
def test_distances_are_metrics(distance, a, b, c):
    assert distance(a, a) == 0
    assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-9, abs=1e-12)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9


@given(points=point_sets, shift=st.floats(0, 2), dimension=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_shifted_diagrams_are_at_most_the_shift_apart(points, shift, dimension):
    a, b = diagram(points, dimension), diagram(points + shift, dimension)
    assert bottleneck(a, b) <= shift + 1e-9
    assert wasserstein(a, b) <= shift * np.sqrt(2 * len(points)) + 1e-9


def test_far_features_are_given_up_and_near_ones_paired():
    a, b = diagram([[0, 2], [10, 11]]), diagram([[0.5, 2]])
    assert match_diagrams(a, b).tolist() == [[0, 0], [1, -1]]
    assert wasserstein(a, b) == pytest.approx(np.sqrt(0.25 + 0.5))
    assert bottleneck(a, b) == 0.5


@given(
    images=arrays(np.float64, st.just((2, 5, 6)), elements=st.floats(-1, 1, width=16)),
    superlevel=st.booleans(),
    construction=st.sampled_from("TV"),
)
@settings(max_examples=60, deadline=None)
def test_bottleneck_is_at_most_the_greatest_difference_of_images(images, superlevel, construction):
    a, b = (
        persistence(image, superlevel=superlevel, construction=construction) for image in images
    )
    assert bottleneck(a, b) <= np.abs(images[0] - images[1]).max() + 1e-12


def test_superlevel_diagrams_are_as_far_apart_as_the_negatives_sublevel():
    rng = np.random.default_rng(3)
    images = rng.normal(size=(2, 6, 6, 6))
    above = [persistence(image, superlevel=True) for image in images]
    below = [persistence(-image) for image in images]
    for distance in DISTANCES:
        assert distance(*above) == pytest.approx(distance(*below), rel=1e-9)


def test_essential_features_are_paired_by_birth():
    a, b = diagram([[0, np.inf], [5, np.inf]]), diagram([[5.5, np.inf], [0, np.inf]])
    assert match_diagrams(a, b).tolist() == [[0, 1], [1, 0]]
    assert wasserstein(a, b) == bottleneck(a, b) == sliced_wasserstein(a, b) == 0.5


def test_another_number_of_essential_features_is_infinitely_far():
    a, b = diagram([[0, np.inf], [1, 2]]), diagram([[1, 2]])
    assert wasserstein(a, b) == bottleneck(a, b) == sliced_wasserstein(a, b) == np.inf
    assert sorted(match_diagrams(a, b).tolist()) == [[0, -1], [1, 0]]


def test_empty_diagrams_are_at_distance_zero_and_others_by_their_persistence():
    nothing, some = diagram([]), diagram([[0, 2], [1, 5]])
    assert wasserstein(nothing, nothing) == bottleneck(nothing, nothing) == 0
    assert match_diagrams(nothing, nothing).shape == (0, 2)
    assert wasserstein(nothing, some) == pytest.approx(np.sqrt(total_persistence(some) / 2))
    assert bottleneck(nothing, some) == 2


def test_dimensions_are_paired_apart():
    a, b = diagram([[0, 2], [0, 2]], [0, 1]), diagram([[0, 2], [0, 2]], [0, 2])
    assert wasserstein(a, b, dimension=0) == 0
    assert wasserstein(a, b) == pytest.approx(2)
    assert bottleneck(a, b) == bottleneck(a, b, dimension=1) == 1


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_scale_does_not_matter(scale):
    rng = np.random.default_rng(4)
    p, q = (np.sort(rng.random((n, 2)), axis=1) for n in (20, 30))
    for distance in (wasserstein, bottleneck):
        expected = distance(diagram(p), diagram(q)) * scale
        assert distance(diagram(p * scale), diagram(q * scale)) == pytest.approx(expected, rel=1e-9)


def test_thousands_of_equal_points_are_paired():
    a, b = diagram(np.tile([0, 1], (3000, 1))), diagram(np.tile([0, 1], (2000, 1)))
    assert wasserstein(a, b) == pytest.approx(np.sqrt(1000 / 2))
    assert bottleneck(a, b) == 0.5


def test_diagrams_of_other_kinds_are_refused():
    image = np.eye(4)
    below, above = persistence(image), persistence(image, superlevel=True)
    vertices = persistence(image, construction="V")
    for distance in (*DISTANCES, match_diagrams):
        with pytest.raises(InvalidConfig, match="superlevel"):
            distance(below, above)
        with pytest.raises(InvalidConfig, match="construction"):
            distance(below, vertices)


@pytest.mark.parametrize("order", [0.5, 0, -1, np.inf, np.nan])
def test_orders_without_a_distance_are_refused(order):
    a = diagram([[0, 1]])
    with pytest.raises(InvalidConfig, match="order"):
        wasserstein(a, a, order=order)


def test_dimensions_levels_and_directions_that_cannot_be_are_refused():
    a = diagram([[0, 1]])
    for measure in (wasserstein, bottleneck, sliced_wasserstein, match_diagrams):
        for dimension in (7, -1, "1"):
            with pytest.raises(InvalidConfig, match="choose among"):
                measure(a, a, dimension=dimension)
    with pytest.raises(InvalidConfig, match="choose among"):
        betti_curve(a, [0.5], dimension=3)
    with pytest.raises(InvalidConfig, match="NaN"):
        betti_curve(a, [np.nan], dimension=0)
    with pytest.raises(InvalidConfig, match="directions"):
        sliced_wasserstein(a, a, directions=2.5)
    with pytest.raises(InvalidConfig, match="directions"):
        sliced_wasserstein(a, a, directions=0)


def test_sliced_wasserstein_is_the_mean_over_lines_of_sorted_differences():
    rng = np.random.default_rng(5)
    p, q = (np.sort(rng.random((n, 2)), axis=1) for n in (7, 4))
    lines = []
    for angle in np.linspace(-np.pi / 2, np.pi / 2, 12, endpoint=False):
        line = np.array([np.cos(angle), np.sin(angle)])
        middles = [np.outer(x.mean(axis=1), [1, 1]) for x in (p, q)]
        first = np.sort(np.concatenate([p, middles[1]]) @ line)
        second = np.sort(np.concatenate([q, middles[0]]) @ line)
        lines.append(np.abs(first - second).sum())
    found = sliced_wasserstein(diagram(p), diagram(q), directions=12)
    assert found == pytest.approx(np.mean(lines))


@pytest.mark.parametrize("superlevel", [False, True])
def test_betti_curves_are_betti_numbers_of_level_sets(superlevel):
    image = np.random.default_rng(6).integers(0, 5, (6, 6, 6))
    found = persistence(image, superlevel=superlevel)
    levels = np.arange(-1, 6)
    curves = [betti_curve(found, levels, dimension=k) for k in range(3)]
    for i, level in enumerate(levels):
        mask = image >= level if superlevel else image <= level
        assert tuple(curve[i] for curve in curves) == tuple(betti_numbers(mask))


def test_total_persistence_sums_powers_of_finite_features():
    found = diagram([[0, np.inf], [0, 2], [1, 4]], [0, 0, 1])
    assert total_persistence(found) == 13
    assert total_persistence(found, order=1) == 5
    assert total_persistence(found, dimension=1) == 9
    with pytest.raises(InvalidConfig):
        total_persistence(found, order=0)


def test_several_threads_find_the_same():
    pairs = list(cases(24, seed=7))
    alone = [wasserstein(a, b) for a, b in pairs]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda pair: wasserstein(*pair), pairs)) == alone

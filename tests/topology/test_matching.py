"""Betti matching against its definition, worked out on every cell, and against known pictures."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

sys.path.append(str(Path(__file__).parent))

from oracles import betti_matching_3d
from oracles.matching import as_voxels, cases, match, random_pair, told_apart

from napari_toposeg.errors import InvalidConfig, InvalidVolume, ShapeMismatch
from napari_toposeg.topology import PersistenceDiagram, match_barcodes, persistence
from napari_toposeg.topology.induced import comparison

RING = np.pad(np.pad(np.zeros((3, 3)), 1, constant_values=1.0), 1)


@pytest.fixture(scope="module")
def rival():
    return betti_matching_3d.load()


def smooth_pair(shape=(20, 22, 24), seed=0):
    """A blurred, noisy probability and the label it is meant to be."""
    rng = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    truth = blobs > np.quantile(blobs, 0.8)
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 0.7)
    prediction = np.clip(ndimage.gaussian_filter(truth.astype(float), 0.7) + 0.4 * noise, 0, 1)
    return prediction.astype(np.float32), truth.astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_matching_is_that_of_the_definition(seed):
    for prediction, truth, construction, superlevel in cases(100, seed):
        choices = {"construction": construction, "superlevel": superlevel}
        found = as_voxels(match_barcodes(prediction, truth, **choices), truth.ndim)
        expected = match(prediction, truth, **choices)
        assert told_apart(found, truth) == told_apart(expected, truth)


def test_a_ring_is_matched_where_it_stands():
    matching = match_barcodes(0.5 * RING, RING, dimensions=[1])
    assert matching.error == 0
    assert matching.matched_prediction.birth == [0.5]
    hole = np.unravel_index(matching.matched_truth.death_voxel, RING.shape)
    assert all(2 <= place <= 4 for place in hole)


def test_a_ring_elsewhere_is_two_errors():
    here, there = np.hstack([RING, 0 * RING]), np.hstack([0 * RING, RING])
    matching = match_barcodes(here, there, dimensions=[1])
    assert (len(matching.only_prediction), len(matching.only_truth)) == (1, 1)
    assert matching.only_prediction.death_voxel % here.shape[1] < RING.shape[1]
    assert matching.only_truth.death_voxel % here.shape[1] >= RING.shape[1]


def test_loss_is_the_distance_of_matched_bars_and_the_length_of_others():
    twice = np.hstack([0.5 * RING, 0.25 * RING])
    matching = match_barcodes(twice, np.hstack([RING, 0 * RING]), dimensions=[1])
    assert matching.loss == pytest.approx(2 * 0.5**2 + 0.25**2)
    weighted = matching.loss_with(matched_weight=0.5, unmatched_weight=4)
    assert weighted == pytest.approx(0.5**2 + 4 * 0.25**2)


@pytest.mark.parametrize("construction", ["T", "V"])
@pytest.mark.parametrize("superlevel", [False, True])
def test_an_image_matches_itself_without_loss(construction, superlevel):
    image = np.random.default_rng(0).standard_normal((9, 8, 7))
    choices = {"construction": construction, "superlevel": superlevel}
    matching = match_barcodes(image, image, **choices)
    assert (matching.error, matching.loss) == (0, 0.0)
    assert len(matching.matched_truth) == len(persistence(image, **choices))
    np.testing.assert_array_equal(
        matching.matched_truth.birth_voxel, matching.matched_prediction.birth_voxel
    )


@pytest.mark.parametrize("construction", ["T", "V"])
def test_bars_of_either_image_are_those_of_its_diagram(construction):
    prediction, truth = smooth_pair()
    matching = match_barcodes(prediction, truth, construction=construction)
    parts = {
        "prediction": (prediction, matching.matched_prediction, matching.only_prediction),
        "truth": (truth, matching.matched_truth, matching.only_truth),
    }
    for image, matched, only in parts.values():
        diagram = persistence(image, construction=construction, superlevel=True)
        assert sorted(rows(matched) + rows(only)) == sorted(rows(diagram))
        for part in (matched, only):
            dying = ~part.is_essential
            np.testing.assert_array_equal(image.flat[part.birth_voxel], part.birth)
            np.testing.assert_array_equal(image.flat[part.death_voxel[dying]], part.death[dying])


def rows(diagram: PersistenceDiagram) -> list[tuple[int, float, float]]:
    columns = diagram.dimension, diagram.birth, diagram.death
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_the_order_of_a_label_changes_no_matched_value(monkeypatch):
    prediction, truth = smooth_pair((16, 17, 18))
    quick = match_barcodes(prediction, truth)
    monkeypatch.setattr(comparison, "order_with_label", lambda image, label: None)
    slow = match_barcodes(prediction, truth)
    assert len(quick.matched_truth) > 5
    for name in ("matched_prediction", "only_prediction"):
        np.testing.assert_array_equal(getattr(quick, name).birth, getattr(slow, name).birth)
        np.testing.assert_array_equal(
            getattr(quick, name).death_voxel, getattr(slow, name).death_voxel
        )
    assert rows(quick.matched_truth) == rows(slow.matched_truth)


@pytest.mark.parametrize("ndim", [2, 3])
def test_the_compatible_matching_is_that_of_betti_matching_3d(rival, ndim):
    rng = np.random.default_rng(ndim)
    compared = 0
    while compared < 60:
        prediction, truth = random_pair(rng, 60)
        if truth.ndim != ndim or min(truth.shape) == 1:
            continue
        compared += 1
        matching = match_barcodes(
            prediction,
            truth,
            construction="V",
            superlevel=False,
            definition="betti-matching-3d",
        )
        found = as_voxels(matching, ndim)
        expected = by_rival(rival, prediction, truth)
        assert values_of(found, prediction, truth) == values_of(expected, prediction, truth)


def by_rival(rival, prediction, truth):
    images = [np.ascontiguousarray(image, np.float64) for image in (prediction, truth)]
    (result,) = rival.compute_matching(*[[image] for image in images])
    found = {}
    for k in range(truth.ndim):
        parts = []
        for image, part in ((1, "matched"), (2, "matched"), (1, "unmatched"), (2, "unmatched")):
            ends = [
                getattr(result, f"input{image}_{part}_{end}_coordinates")[k]
                for end in ("birth", "death")
            ]
            flat = [
                np.ravel_multi_index(np.reshape(e, (-1, truth.ndim)).T, truth.shape) for e in ends
            ]
            parts.append(list(zip(*(f.tolist() for f in flat), strict=True)))
        found[k] = (list(zip(*parts[:2], strict=True)), *parts[2:])
    return found


def values_of(found, prediction, truth):
    def of(image, bar):
        return tuple(image.ravel()[list(bar)].tolist())

    return {
        k: (
            sorted((of(prediction, mine), of(truth, theirs)) for mine, theirs in matched),
            sorted(of(prediction, bar) for bar in only_prediction),
            sorted(of(truth, bar) for bar in only_truth),
        )
        for k, (matched, only_prediction, only_truth) in found.items()
    }


def test_empty_image_bars_match_in_betti_matching_3d_only():
    rng = np.random.default_rng(1)
    prediction, truth = rng.random((2, 12, 12))
    errors = [
        match_barcodes(prediction, truth, construction="V", definition=definition).error
        for definition in ("induced", "betti-matching-3d")
    ]
    assert errors[0] > errors[1]


def test_dimensions_are_matched_apart():
    prediction, truth = smooth_pair((12, 13, 14))
    whole = match_barcodes(prediction, truth)
    for k in range(3):
        alone, part = match_barcodes(prediction, truth, dimensions=[k]), whole.select(k)
        assert alone.error == part.error
        np.testing.assert_array_equal(
            alone.matched_truth.birth_voxel, part.matched_truth.birth_voxel
        )


def test_two_threads_and_many_callers_find_the_same():
    prediction, truth = smooth_pair((24, 24, 24))
    with ThreadPoolExecutor(4) as threads:
        found = list(
            threads.map(lambda n: match_barcodes(prediction, truth, threads=n), [1, 2] * 4)
        )
    for matching in found[1:]:
        for name in ("matched_prediction", "matched_truth", "only_prediction", "only_truth"):
            ours, first = getattr(matching, name), getattr(found[0], name)
            np.testing.assert_array_equal(ours.birth_voxel, first.birth_voxel)
            np.testing.assert_array_equal(ours.death_voxel, first.death_voxel)


@pytest.mark.parametrize("kind", ["bool", "uint8", "int64", "uint64", "float16", "float64"])
def test_type_of_the_images_changes_nothing(kind):
    rng = np.random.default_rng(2)
    prediction, truth = rng.integers(0, 2, (2, 6, 7, 8))
    reference = match_barcodes(prediction.astype(np.float32), truth.astype(np.float32))
    matching = match_barcodes(prediction.astype(kind), truth.astype(kind))
    assert rows(matching.matched_prediction) == rows(reference.matched_prediction)
    assert matching.error == reference.error


def test_whole_numbers_that_no_float_tells_apart_are_told_apart():
    low = 2**60
    ring = np.where(RING > 0, low + 1, low)
    assert len(match_barcodes(ring, ring, dimensions=[1]).matched_truth) == 1


def test_a_constant_image_has_only_its_essential_component():
    matching = match_barcodes(np.ones((3, 4, 5)), np.zeros((3, 4, 5)))
    assert (len(matching.matched_truth), matching.error, matching.loss) == (1, 0, 0.0)
    assert matching.matched_truth.is_essential.all()


def noisy_pair(labelled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return two images of noise, or one and a label of 0 and 1."""
    first, second = np.random.default_rng(0).random((2, 30, 40, 40))
    return first, (second > 0.5).astype(float) if labelled else (first + second) / 2


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("labelled", [False, True])
def test_progress_rises_to_the_end_in_the_calling_thread(threads, labelled):
    heard = []
    pair = noisy_pair(labelled)
    told = match_barcodes(
        *pair,
        threads=threads,
        progress=lambda done: heard.append((done, threading.get_ident())),
    )
    fractions = [done for done, _ in heard]
    assert len(fractions) > 20 and fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.1 and fractions[-1] == 1
    assert {thread for _, thread in heard} == {threading.get_ident()}
    assert told.error == match_barcodes(*pair, threads=threads).error


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("when", [0, 0.16, 0.3, 0.6, 0.9])
def test_what_the_hook_raises_cancels_the_work(threads, labelled, when):
    class Cancelled(Exception):
        pass

    def cancel(done: float) -> None:
        if done >= when:
            raise Cancelled

    before = threading.active_count()
    with pytest.raises(Cancelled):
        match_barcodes(*noisy_pair(labelled), threads=threads, progress=cancel)
    assert threading.active_count() == before


def test_faulty_input_is_refused():
    image = np.zeros((4, 4))
    with pytest.raises(ShapeMismatch, match="resample"):
        match_barcodes(image, np.zeros((4, 5)))
    with pytest.raises(InvalidVolume, match="NaN"):
        match_barcodes(np.full((4, 4), np.nan), image)
    with pytest.raises(InvalidVolume, match="2D"):
        match_barcodes(np.zeros(4), np.zeros(4))
    for choice in (
        {"dimensions": [2]},
        {"construction": "W"},
        {"definition": "loose"},
        {"definition": "betti-matching-3d"},
        {"threads": 0},
    ):
        with pytest.raises(InvalidConfig):
            match_barcodes(image, image, **choice)

"""Two layers are matched on the same excerpt, and what only one has is told."""

import threading

import numpy as np
import pytest

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.plugin.topology.diagram import layer_diagram, matching
from napari_toposeg.plugin.topology.diagram.matching import run_matching, unit_warning
from napari_toposeg.progress import finish


def rings() -> tuple[np.ndarray, np.ndarray]:
    """Return a ring, and the same ring cut open with a speck beside it."""
    ring = np.zeros((5, 12, 12), np.float32)
    ring[2, 2:9, 2:9] = 1.0
    ring[2, 4:7, 4:7] = 0.0
    cut = ring.copy()
    cut[2, 2:9, 5] = 0.0
    cut[2, 10, 10] = 0.8
    return ring, cut


def test_a_loop_that_is_cut_is_only_in_the_first_and_the_speck_only_in_the_second() -> None:
    features = finish(run_matching(*rings(), "whole"))
    counts = features.counts(np.arange(len(features)))
    assert counts[0][0] == 1
    assert counts[1] == (0, 1, 0)
    assert counts[0][1:] == (0, 2)
    pairs = np.flatnonzero(features.partner >= 0)
    np.testing.assert_array_equal(features.partner[features.partner[pairs]], pairs)


def test_births_lie_in_the_layer_whatever_the_excerpt() -> None:
    ring, cut = rings()
    box = (slice(1, 4), slice(1, 11), slice(1, 12))
    features = finish(run_matching(ring, cut, "drawn", box=box))
    for part, image in enumerate((ring, cut)):
        rows = np.flatnonzero(features.part == part)
        values = image[tuple(features.births[rows].astype(int).T)]
        np.testing.assert_array_equal(values, features.birth[rows])


def test_faint_features_of_a_large_excerpt_are_left_out_and_it_is_told(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    ring, cut = (image + 0.001 * rng.random(image.shape, np.float32) for image in rings())
    every = finish(run_matching(ring, cut, "whole"))
    monkeypatch.setattr(layer_diagram, "ALL_FEATURES", 10)
    strong = finish(run_matching(ring, cut, "whole"))
    assert len(strong) < len(every)
    assert "left out" in strong.parts[0].excerpt.note
    assert strong.weight.min() > layer_diagram.FAINTEST
    assert (strong.persistence > 0.5).sum() == (every.persistence > 0.5).sum() > 2


def test_a_matching_that_is_closed_ends_in_its_thread(monkeypatch) -> None:
    begun, threads = threading.Event(), []

    def endless(first, second, *, progress, **choices):
        threads.append(threading.current_thread())
        while True:
            progress(0.5)
            begun.set()

    monkeypatch.setattr(matching, "match_barcodes", endless)
    run = run_matching(*rings(), "whole")
    while not begun.is_set():
        step = next(run)
    assert "Matching" in next(run).message and step.total == 100
    run.close()
    threads[0].join(20)
    assert not threads[0].is_alive()


def test_layers_of_two_shapes_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="resample"):
        finish(run_matching(np.zeros((2, 3, 4)), np.zeros((2, 3, 5)), "whole"))


def test_values_in_two_units_are_warned_of() -> None:
    probability = np.linspace(0, 1, 8).reshape(2, 2, 2)
    assert "compare layers in one unit" in unit_warning(probability, probability * 2000 - 1000)
    assert unit_warning(probability, probability * 0.8) == ""

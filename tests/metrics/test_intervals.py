"""Intervals of means: over cases, and over a table of runs and cases."""

import numpy as np

from napari_toposeg.metrics.intervals import crossed_mean_with_interval, mean_with_interval


def test_the_interval_holds_the_mean_and_narrows_with_cases():
    values = np.random.default_rng(0).normal(3.0, 1.0, 400)
    few, many = (mean_with_interval(values[:n], 0) for n in (20, 400))
    for found in (few, many):
        assert found["low"] < found["mean"] < found["high"]
    assert many["high"] - many["low"] < 0.4 * (few["high"] - few["low"])


def test_hard_cases_in_every_row_count_once():
    """Rows that repeat the same cases do not make the mean over cases more certain."""
    cases = np.random.default_rng(1).normal(size=12)
    table = np.tile(cases, (50, 1))
    crossed, alone = crossed_mean_with_interval(table, 0), mean_with_interval(cases, 0)
    pooled = mean_with_interval(table.ravel(), 0)
    width = {
        name: found["high"] - found["low"]
        for name, found in {"crossed": crossed, "alone": alone, "pooled": pooled}.items()
    }
    assert 0.8 < width["crossed"] / width["alone"] < 1.25
    assert width["pooled"] < 0.3 * width["crossed"]


def test_rows_that_differ_widen_the_interval():
    random = np.random.default_rng(2)
    cases = random.normal(size=(1, 30))
    same, different = (
        crossed_mean_with_interval(cases + shifts, 0)
        for shifts in (np.zeros((5, 1)), random.normal(0, 2, (5, 1)))
    )
    assert different["high"] - different["low"] > 2 * (same["high"] - same["low"])

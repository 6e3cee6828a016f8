"""Tests between models: against scipy's, against closed forms, and as often wrong as they say."""

import numpy as np
import pytest
from scipy import stats

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.metrics import paired_tests
from napari_toposeg.metrics.paired import holm, signed_rank_p


def cases(seed: int, count: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.8, 0.1, count)


def test_differences_are_first_minus_second_with_scipys_p():
    first, second = cases(0), cases(0) - 0.02 + cases(1) / 20
    (test,) = paired_tests({"a": first, "b": second}, higher_is_better=True)
    assert test.difference == pytest.approx(np.mean(first - second))
    assert test.low < test.difference < test.high
    assert test.p == test.adjusted == stats.wilcoxon(first, second).pvalue
    assert (test.first, test.second, test.cases, test.infinite) == ("a", "b", 30, 0)


def test_pairing_finds_what_the_spread_of_cases_hides():
    first = cases(0)
    second = first - 0.01 + np.random.default_rng(1).normal(0, 0.004, len(first))
    (test,) = paired_tests({"a": first, "b": second}, higher_is_better=True)
    assert test.low > 0 and test.better == "a"
    assert stats.mannwhitneyu(first, second).pvalue > 0.5


def test_better_follows_the_metrics_direction():
    first, second = cases(0), cases(0) - 0.1
    for higher, better in ((True, "a"), (False, "b")):
        (test,) = paired_tests({"a": first, "b": second}, higher_is_better=higher)
        assert test.better == better


def test_equal_models_cannot_be_told_apart():
    (test,) = paired_tests({"a": cases(0), "b": cases(0)}, higher_is_better=True)
    assert (test.difference, test.low, test.high, test.p) == (0, 0, 0, 1)
    assert test.better is None


def test_shares_are_tested_as_mcnemar_does():
    first, second = np.zeros((2, 20))
    first[:9], second[8:10] = 1, 1
    (test,) = paired_tests({"a": first, "b": second}, higher_is_better=True)
    # 8 cases for the one, 1 for the other: 2 (C(9,0) + C(9,1)) / 2^9.
    assert test.p == pytest.approx(2 * (1 + 9) / 2**9)


def test_p_is_below_a_level_as_often_as_the_level_says_where_models_are_equal():
    random = np.random.default_rng(0)
    found = [signed_rank_p(random.normal(size=25)) for _ in range(400)]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_holm_is_the_published_example():
    # Holm 1979: the smallest times n, the next times n - 1, never falling, at most 1.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert np.isnan(holm([np.nan, 0.02])[0]) and holm([np.nan, 0.02])[1] == 0.02
    assert holm([]) == []


def test_all_pairs_are_adjusted_together():
    models = {name: cases(0) + shift for name, shift in zip("abc", (0, 0.01, 0.5), strict=True)}
    models["a"] = models["a"] + cases(3) / 10
    tests = paired_tests(models, higher_is_better=True)
    assert [(test.first, test.second) for test in tests] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [test.adjusted for test in tests] == holm([test.p for test in tests])


def test_an_infinite_distance_ranks_last_and_is_not_averaged():
    first = np.array([1.0, 2, 3, 4, 5, 6, 7])
    second = first + np.array([0.1, 0.2, -0.3, 0.4, 0.5, np.inf, 0])
    first[6] = second[6] = np.inf
    (test,) = paired_tests({"a": first, "b": second}, higher_is_better=False)
    assert (test.cases, test.infinite) == (6, 1), "infinite in both is no difference"
    assert test.difference == pytest.approx(np.mean([-0.1, -0.2, 0.3, -0.4, -0.5, 0]))
    assert test.p == stats.wilcoxon([-0.1, -0.2, 0.3, -0.4, -0.5, -99]).pvalue


def test_a_model_that_finds_nothing_is_not_called_better():
    # One voxel too large in every case, against right in 6 cases and empty in 14.
    large, empty = np.ones(20), np.where(np.arange(20) < 6, 0, np.inf)
    for order in (("large", "empty"), ("empty", "large")):
        values = {"large": large, "empty": empty}
        (test,) = paired_tests({name: values[name] for name in order}, higher_is_better=False)
        assert (test.cases, test.infinite) == (6, 14)
        assert test.adjusted < 0.05 and test.low * test.high > 0
        assert test.better is None
        assert test.ranks * test.difference < 0


def test_infinite_cases_that_agree_with_the_others_keep_the_verdict():
    first, second = cases(0), cases(0) + 0.1
    second[:10] = np.inf
    (test,) = paired_tests({"a": first, "b": second}, higher_is_better=False)
    assert test.infinite == 10 and test.better == "a"
    assert test.ranks == -sum(range(1, 31))


def test_seeds_that_differ_widen_the_interval_and_cases_stay_the_unit():
    random = np.random.default_rng(0)
    shifts = random.normal(0, 0.1, (5, 1))
    base = np.tile(cases(0), (5, 1))
    noisy = base - 0.02 + random.normal(0, 0.01, base.shape)
    (same,) = paired_tests({"a": base, "b": noisy}, higher_is_better=True)
    (apart,) = paired_tests({"a": base + shifts, "b": noisy}, higher_is_better=True)
    assert apart.high - apart.low > 3 * (same.high - same.low)
    assert same.cases == 30
    assert same.p == stats.wilcoxon((base - noisy).mean(axis=0)).pvalue


def test_models_of_other_numbers_of_seeds_are_compared_by_their_means():
    one, several = cases(0), np.stack([cases(0) - 0.1, cases(0) - 0.3])
    (test,) = paired_tests({"a": one, "b": several}, higher_is_better=True)
    assert test.difference == pytest.approx(0.2)


def test_no_or_one_case_gives_no_verdict():
    for count in (0, 1):
        (test,) = paired_tests({"a": np.ones(count), "b": np.zeros(count)}, higher_is_better=True)
        assert np.isnan(test.low) and test.better is None


def test_other_numbers_of_cases_are_refused():
    with pytest.raises(ShapeMismatch, match="same cases"):
        paired_tests({"a": cases(0), "b": cases(0)[1:]}, higher_is_better=True)

"""Means, intervals and paired differences, on figures that are known beforehand."""

import numpy as np
import pytest

from napari_toposeg.comparison.judging import Judgement
from napari_toposeg.comparison.summary import shown
from napari_toposeg.comparison.table import Cell, cell_of, interval


def row(case: str, name: str, **values: float | None) -> dict:
    return {"case": case, "mask": "raw", "class": name, **values}


def judgement(*dice: float) -> Judgement:
    """Two cases of two classes: the second class is worse by 0.2, and wrong by a loop."""
    rows = []
    for case, value in zip("xy", dice, strict=True):
        betti = {"betti_error_0": 0.0, "betti_error_1": 0.0, "betti_error_2": 0.0}
        rows += [
            row(case, "one", dice=value, hausdorff95=1.0, **betti),
            row(case, "two", dice=value - 0.2, hausdorff95=None, **betti | {"betti_error_1": 1.0}),
            row(case, "all together", exact=float(case == "x")),
        ]
    return Judgement(rows, {"training": 10.0 * dice[0]})


def test_classes_are_averaged_within_a_case_first() -> None:
    cell = cell_of("arm", 2, "raw", [(0, judgement(0.9, 0.7)), (3, judgement(0.8, 0.6))])
    assert cell.seeds == (0, 3) and cell.cases == ("x", "y")
    np.testing.assert_allclose(cell.values["dice"], [[0.8, 0.6], [0.7, 0.5]])
    np.testing.assert_allclose(cell.values["betti_error"], np.full((2, 2), 0.5))
    np.testing.assert_allclose(cell.values["exact"], [[1, 0], [1, 0]])
    assert cell.mean("dice")["mean"] == pytest.approx(0.65)
    assert cell.seconds == pytest.approx(8.5)


def test_a_distance_that_is_not_defined_is_counted_and_not_averaged() -> None:
    cell = cell_of("arm", 2, "raw", [(0, judgement(0.9, 0.7)), (1, judgement(0.8, 0.6))])
    found = cell.mean("hausdorff95")
    assert np.isnan(found["mean"]) and found["undefined"] == 4


def test_a_case_that_one_seed_does_not_know_is_left_out_of_all() -> None:
    values = np.array([[1.0, 5.0, np.nan], [3.0, 7.0, 100.0]])
    found = interval(values)
    assert found["mean"] == 4.0 and found["undefined"] == 1


def test_a_difference_is_paired_by_seed_and_case() -> None:
    random = np.random.default_rng(0)
    # Cases and seeds differ far more than the arms, of which one is better by 0.01 everywhere.
    hard = random.normal(0, 1, (1, 30)) + random.normal(0, 1, (4, 1))
    one, other = (
        Cell("arm", 2, "raw", (0, 1, 2, 3), tuple(map(str, range(30))), {"dice": hard + more}, 0.0)
        for more in (0.01, 0.0)
    )
    found = one.difference(other, "dice")
    for name in ("mean", "low", "high"):
        assert found[name] == pytest.approx(0.01)
    assert one.mean("dice")["high"] - one.mean("dice")["low"] > 0.5


def test_only_seeds_that_both_arms_have_are_compared() -> None:
    one = Cell("a", 2, "raw", (0, 1, 2), ("x", "y"), {"dice": np.array([[1.0], [2], [9]])}, 0.0)
    other = Cell("b", 2, "raw", (1, 0), ("x", "y"), {"dice": np.array([[1.5], [0.5]])}, 0.0)
    assert one.common(other) == [0, 1]
    assert one.difference(other, "dice")["mean"] == pytest.approx(0.5)


def test_seeds_count_in_the_interval() -> None:
    """Cases alone would give an interval of no width: all are alike within a seed."""
    values = np.repeat([[0.6], [0.7], [0.8], [0.9]], 20, axis=1)
    found = interval(values)
    assert found["high"] - found["low"] > 0.1


def test_figures_are_written_with_what_is_known_of_them() -> None:
    known = {"mean": 0.84512, "low": 0.83, "high": 0.86, "undefined": 0}
    assert shown(known, "dice") == "0.845 (0.830 to 0.860)"
    assert shown(known | {"undefined": 2}, "hausdorff95", sign="+") == (
        "+0.85 (+0.83 to +0.86), 2 not defined"
    )
    assert shown(known | {"low": np.nan}, "dice") == "0.845"
    nothing = dict.fromkeys(("mean", "low", "high"), np.nan) | {"undefined": 4}
    assert shown(nothing, "hausdorff95") == "–, 4 not defined"

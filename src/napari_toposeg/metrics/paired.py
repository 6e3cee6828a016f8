"""Paired tests between models: the same cases, segmented by each.

The one idea: cases differ more than models do, so models are compared case by case. The interval
says how large the difference is, the rank test whether it can be told from none.

References
----------
Wilcoxon 1945, doi:10.2307/3001968 (signed ranks). Holm 1979, Scandinavian Journal of Statistics
6:65, jstor.org/stable/4615733 (several tests). McNemar 1947, doi:10.1007/BF02295996 (shares).
Demšar 2006, Journal of Machine Learning Research 7:1 (which test for models).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_toposeg.errors import ShapeMismatch
from napari_toposeg.metrics.intervals import crossed_mean_with_interval, mean_with_interval

LEVEL = 0.05
"""Largest adjusted p at which a model is called better."""


@dataclass(frozen=True)
class PairedTest:
    """Two models on the same cases, in one metric.

    Parameters
    ----------
    first, second
        Names of the models.
    difference, low, high
        Mean of first minus second over cases, with its 95 % bootstrap interval (NaN with fewer than
        two cases).
    ranks
        Sum of the signed ranks of first minus second, which ``p`` is of.
    p
        Two-sided, of Wilcoxon's signed-rank test; NaN without cases.
    adjusted
        By Holm's method for all pairs of models in this metric.
    cases
        How many the mean is of.
    infinite
        How many have no finite difference. They count in ``ranks`` and ``p`` as the largest, not in
        the mean.
    higher_is_better
        Which way the metric goes.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    ranks: float
    p: float
    adjusted: float
    cases: int
    infinite: int
    higher_is_better: bool

    @property
    def better(self) -> str | None:
        """The model that is better, None where they cannot be told apart.

        Told apart means that the adjusted p is below `LEVEL`, the interval leaves out 0, and the
        ranks have the sign of the difference: cases that are infinite count in the ranks alone.
        """
        if not (self.adjusted < LEVEL and self.low * self.high > 0):
            return None
        if self.ranks * self.difference <= 0:
            return None
        return self.first if (self.difference > 0) == self.higher_is_better else self.second


def paired_tests(
    values: Mapping[str, ArrayLike], *, higher_is_better: bool, seed: int = 0
) -> list[PairedTest]:
    """Test every pair of models in one metric.

    Parameters
    ----------
    values
        Model -> its value of each case, ``(cases,)``, or of each seed of training and case,
        ``(seeds, cases)``; cases in one order for all. The seeds of two models need not be as many:
        then, and of one seed alone, the means over seeds are compared.
    higher_is_better
        Which way the metric goes.
    seed
        Of the bootstrap.

    Raises
    ------
    ShapeMismatch
        If the models do not have the same number of cases.
    """
    tables = {name: np.atleast_2d(np.asarray(each, np.float64)) for name, each in values.items()}
    lengths = {name: each.shape[1] for name, each in tables.items()}
    if len(set(lengths.values())) > 1:
        raise ShapeMismatch(
            f"numbers of cases differ ({lengths}); give each model's values of the same cases"
        )
    tests = [
        pair_test(first, second, tables[first], tables[second], higher_is_better, seed)
        for first, second in combinations(tables, 2)
    ]
    adjusted = holm([test.p for test in tests])
    return [replace(test, adjusted=p) for test, p in zip(tests, adjusted, strict=True)]


def pair_test(
    first: str,
    second: str,
    first_SC: NDArray[np.float64],
    second_SC: NDArray[np.float64],
    higher_is_better: bool,
    seed: int,
) -> PairedTest:
    """Return the test of one pair, not yet adjusted."""
    if len(first_SC) != len(second_SC):
        first_SC, second_SC = first_SC.mean(axis=0)[None], second_SC.mean(axis=0)[None]
    # Infinite in both models is no difference.
    both = np.isinf(first_SC) & (first_SC == second_SC)
    differences_SC = np.subtract(first_SC, second_SC, out=np.zeros_like(first_SC), where=~both)
    with np.errstate(invalid="ignore"):  # infinite both ways, in two seeds
        by_case = differences_SC.mean(axis=0)
    finite = np.isfinite(differences_SC).all(axis=0)
    return PairedTest(
        first,
        second,
        **interval_of(differences_SC[:, finite], seed),
        ranks=signed_ranks(by_case),
        p=signed_rank_p(by_case),
        adjusted=np.nan,
        cases=int(finite.sum()),
        infinite=int((~finite).sum()),
        higher_is_better=higher_is_better,
    )


def interval_of(differences_SC: NDArray[np.float64], seed: int) -> dict[str, float]:
    """Return mean and interval of differences, over seeds and cases where there are several."""
    if min(differences_SC.shape) > 1:
        found = crossed_mean_with_interval(differences_SC, seed)
    else:
        found = mean_with_interval(differences_SC.mean(axis=0), seed)
    return {"difference": found["mean"], "low": found["low"], "high": found["high"]}


def signed_rank_p(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p of Wilcoxon's test; cases without a difference are left out of it.

    Where all differences are of one size, as those of shares of cases are, this is the exact sign
    test, which is McNemar's.
    """
    # Slow to import, and not needed by whoever measures one model.
    from scipy import stats

    if not len(differences):
        return np.nan
    apart = differences_apart(differences)
    if not len(apart):
        return 1.0
    if np.ptp(np.abs(apart)) == 0:
        return float(stats.binomtest(int((apart > 0).sum()), len(apart)).pvalue)
    return float(stats.wilcoxon(apart).pvalue)


def signed_ranks(differences: NDArray[np.float64]) -> float:
    """Return the ranks of the differences above 0 less those below, as the test's p has them."""
    from scipy import stats

    apart = differences_apart(differences)
    return float(np.sign(apart) @ stats.rankdata(np.abs(apart)))


def differences_apart(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the differences that are ranked, infinite ones as the largest."""
    apart = differences[~np.isnan(differences) & (differences != 0)]
    beyond = np.abs(apart[np.isfinite(apart)]).max(initial=0) + 1
    return np.asarray(np.clip(apart, -beyond, beyond))


def holm(p: Sequence[float]) -> list[float]:
    """Return p adjusted for as many tests, by Holm's method; NaN stays."""
    values = np.asarray(p, np.float64)
    adjusted = np.full(len(values), np.nan)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(each) for each in adjusted]

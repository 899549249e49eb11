"""Order statistics and counts of a column's sorted values: exact, as pandas and NumPy have them on the whole column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from data_checks.expectations.batch_values import Values
from data_checks.value_runs import Test, ValueRuns


def median(runs: ValueRuns) -> float:
    """The value in the middle, or the mean of the two in the middle. Raises IndexError when there are no values."""
    count = len(runs)
    low, high = runs.at_rank((count - 1) // 2)[0], runs.at_rank(count // 2)[0]
    if count % 2:
        return float(low)
    return float(np.mean(np.array([low, high])))


def quantiles(runs: ValueRuns, shares: Sequence[float], interpolation: str) -> list[Any]:
    """The values at those shares of the order, as pandas.Series.quantile.

    `interpolation` is NumPy's: linear, lower, higher, midpoint or nearest; with lower, higher and nearest whole
    numbers stay whole. Raises IndexError when there are no values.
    """
    return [_quantile(runs, share, interpolation) for share in shares]


def _quantile(runs: ValueRuns, share: float, interpolation: str) -> Any:
    place = (len(runs) - 1) * (share * 100 / 100)  # pandas asks NumPy for percentiles, which divides by 100
    lower, upper = math.floor(place), math.ceil(place)
    part = place - lower
    if interpolation == "lower":
        return runs.at_rank(lower)[0].item()
    if interpolation == "higher":
        return runs.at_rank(upper)[0].item()
    if interpolation == "nearest":
        # A half goes to the even place.
        up = part > 0.5 or (part == 0.5 and lower % 2 == 1)  # noqa: PLR2004
        return runs.at_rank(upper if up else lower)[0].item()
    if interpolation == "midpoint" and part:
        part = 0.5
    return _between(float(runs.at_rank(lower)[0]), float(runs.at_rank(upper)[0]), part)


def _between(low: float, high: float, part: float) -> float:
    """NumPy's linear interpolation, which is exact at both ends."""
    difference = high - low
    return high - difference * (1 - part) if part >= 0.5 else low + difference * part  # noqa: PLR2004


def count_failing(runs: ValueRuns, failing: Test, pivot: float | None = None) -> int:
    """How many values fail a test that changes at most once in their order, with a `pivot` once on each side of it."""
    return runs.count_true(failing, pivot)


def histogram(runs: ValueRuns, edges: Sequence[float]) -> list[int]:
    """Counts between ascending edges, as numpy.histogram: each bin but the last without its upper edge."""
    ends = np.asarray(edges, np.float64)
    below = [runs.count_true(_Below(edge)) for edge in ends[:-1]]
    below.append(runs.count_true(_UpTo(float(ends[-1]))))
    return np.diff(below).tolist()


class _Below:
    def __init__(self, edge: float) -> None:
        self.edge = edge

    def __call__(self, values: Values) -> npt.NDArray[np.bool_]:
        return np.asarray(values < self.edge)


class _UpTo(_Below):
    def __call__(self, values: Values) -> npt.NDArray[np.bool_]:
        return np.asarray(values <= self.edge)

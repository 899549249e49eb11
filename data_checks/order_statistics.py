"""Order statistics and counts of a column's sorted values: exact, as pandas and NumPy have them on the whole column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from data_checks.expectations.batch_values import Positions, Values
from data_checks.value_runs import Test, ValueRuns, values_of

_ROUNDINGS: dict[str, np.ufunc | Callable[[Values], Values]] = {
    "lower": np.floor,
    "higher": np.ceil,
    "nearest": np.around,
}  # around: a half goes to the even place


def at_ranks(runs: ValueRuns, ranks: Sequence[int]) -> Values:
    """Shape (ranks,): the values at those places in order, from 0. Raises IndexError beyond the end."""
    found = {rank: runs.at_rank(rank) for rank in set(ranks)}
    return np.concatenate([found[rank] for rank in ranks])


def median(runs: ValueRuns) -> float:
    """The value in the middle, or the mean of the two in the middle. Raises IndexError when there are no values.

    Whole numbers are rounded to float64 before, as pandas does; NaN between -inf and inf.
    """
    count = len(runs)
    middle = at_ranks(runs, [(count - 1) // 2, count // 2]).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return float(middle[0] if count % 2 else np.mean(middle))


def quantiles(runs: ValueRuns, shares: Sequence[float], interpolation: str) -> list[Any]:
    """The values at those shares of the order, as pandas.Series.quantile, bit for bit.

    `interpolation` is NumPy's: linear, lower, higher, midpoint or nearest; with lower, higher and nearest whole
    numbers stay whole. Raises IndexError when there are no values or a share is not from 0 to 1.
    """
    last = len(runs) - 1
    places = last * np.asarray(shares, np.float64)
    if interpolation in _ROUNDINGS:
        nearest: list[Any] = at_ranks(runs, _ROUNDINGS[interpolation](places).astype(np.int64).tolist()).tolist()
        return nearest
    if interpolation == "midpoint":
        places = (np.floor(places) + np.ceil(places)) * 0.5
    elif interpolation != "linear":
        message = f"interpolation '{interpolation}': linear, lower, higher, midpoint and nearest are known"
        raise ValueError(message)
    lower = np.floor(places).astype(np.int64)
    upper = np.minimum(lower + 1, last)
    return _between(at_ranks(runs, lower.tolist()), at_ranks(runs, upper.tolist()), places - lower)


def _between(low: Values, high: Values, part: npt.NDArray[np.float64]) -> list[float]:
    """NumPy's linear interpolation, exact at both ends.

    As NumPy's, the difference is of the column's own type: that of int64 wraps around where it is beyond 2**63, that
    with an infinite neighbour makes NaN even where its part is 0.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        difference = high - low
        found = np.where(part >= 0.5, high - difference * (1 - part), low + difference * part)  # noqa: PLR2004
    values: list[float] = found.tolist()
    return values


def count_failing(runs: ValueRuns, failing: Test, pivot: float | None = None) -> int:
    """How many values fail a test that changes at most once in their order, with a `pivot` once on each side of it."""
    return runs.count_true(failing, pivot)


def first_outside(runs: ValueRuns, failing: Test, limit: int, pivot: float | None = None) -> tuple[Values, Positions]:
    """The first `limit` failing values by row position, and the positions, ascending; fewer when fewer fail.

    The test as for `count_failing`. Holds `limit` values and one piece of the failing ones in memory. Raises ValueError
    when the runs were kept without positions.
    """
    values, positions = values_of(np.zeros(0, np.uint64), runs.kind), np.zeros(0, np.int64)
    for more, places in runs.true_values(failing, pivot):
        values, positions = np.concatenate([values, more]), np.concatenate([positions, places])
        first = np.argsort(positions)[:limit]
        values, positions = values[first], positions[first]
    return values, positions


def histogram(runs: ValueRuns, edges: Sequence[float]) -> list[int]:
    """Counts between ascending edges, as numpy.histogram: each bin but the last without its upper edge."""
    ends = np.asarray(edges)
    below = [runs.count_true(_Below(edge)) for edge in ends[:-1]]
    below.append(runs.count_true(_UpTo(ends[-1])))
    counts: list[int] = np.diff(below).tolist()
    return counts


class _Below:
    """Compares in the type that NumPy finds for values and edges together, so that no edge of a whole number moves."""

    def __init__(self, edge: np.generic) -> None:
        self.edge = edge

    def __call__(self, values: Values) -> npt.NDArray[np.bool_]:
        kind = np.result_type(values, self.edge)
        return np.asarray(values.astype(kind) < self.edge.astype(kind))


class _UpTo(_Below):
    def __call__(self, values: Values) -> npt.NDArray[np.bool_]:
        kind = np.result_type(values, self.edge)
        return np.asarray(values.astype(kind) <= self.edge.astype(kind))

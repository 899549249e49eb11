"""Counts of numbers on frozen edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.grid import Counts, Floats, Grid
from data_checks.moments import Moments

#: Equal bins on [0, 1] that probabilities are shown on.
UNIT_BINS = 20
UNIT_EDGES = tuple(number / UNIT_BINS for number in range(1, UNIT_BINS))
_LARGEST = float(np.finfo(np.float64).max)


@dataclass
class Histogram:
    """Counts of values in the bins of a grid, and the moments of the values in its two open bins.

    Infinite values are in the open bins. So no value is ever outside, and a value on an edge belongs to the bin above
    it (as in `numpy.histogram`).
    """

    grid: Grid
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    low: Moments = field(default_factory=Moments)
    high: Moments = field(default_factory=Moments)
    #: Of the finite values.
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        if not self.counts.size:
            self.counts = np.zeros(len(self.grid), np.int64)
        if len(self.counts) != len(self.grid):
            message = f"{len(self.counts)} counts for {len(self.grid.edges)} edges: one count more than edges"
            raise ValueError(message)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram) or self._beside() != other._beside():
            return False
        return self.grid == other.grid and bool((self.counts == other.counts).all())

    def _beside(self) -> tuple[Any, ...]:
        return self.low, self.high, self.minimum, self.maximum

    __hash__ = None  # type: ignore[assignment]  # it changes

    def add(self, ascending: Floats) -> None:
        """Count a batch of present values (no NaN) in ascending order."""
        found = self.grid.counts(ascending)
        self.counts = self.counts + found
        self.low.add(ascending[: found[0]])
        if len(found) > 1:  # without edges the only bin is the low one
            self.high.add(ascending[len(ascending) - found[-1] :])
        first, stop = np.searchsorted(ascending, -_LARGEST, "left"), np.searchsorted(ascending, _LARGEST, "right")
        if first < stop:
            self._widen(float(ascending[first]) + 0.0, float(ascending[stop - 1]) + 0.0)

    def _widen(self, low: float | None, high: float | None) -> None:
        if low is not None:
            self.minimum = low if self.minimum is None else min(self.minimum, low)
        if high is not None:
            self.maximum = high if self.maximum is None else max(self.maximum, high)

    def merge(self, other: Histogram) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has other edges."""
        if self.grid != other.grid:
            message = "histograms on different edges cannot be merged"
            raise ValueError(message)
        self.counts = self.counts + other.counts
        self.low.merge(other.low)
        self.high.merge(other.high)
        self._widen(other.minimum, other.maximum)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible: the counts that are not 0. The edges are not in it, they are the reference's."""
        filled = np.flatnonzero(self.counts)
        found = {"bins": len(self.grid), "at": filled.tolist(), "counts": self.counts[filled].tolist()}
        ends = {"minimum": self.minimum, "maximum": self.maximum}
        return found | ends | {"low": self.low.to_json(), "high": self.high.to_json()}

    @classmethod
    def from_json(cls, raw: dict[str, Any], grid: Grid) -> Self:
        """The histogram that `to_json` wrote. Raises ValueError when it is not of that grid."""
        if raw["bins"] != len(grid):
            message = f"a histogram of {raw['bins']} bins does not belong to a grid of {len(grid)}"
            raise ValueError(message)
        counts = np.zeros(len(grid), np.int64)
        counts[np.asarray(raw["at"], np.int64)] = raw["counts"]
        tails = Moments.from_json(raw["low"]), Moments.from_json(raw["high"])
        return cls(grid, counts, *tails, raw["minimum"], raw["maximum"])


def bin_counts(values: npt.NDArray[np.float64], edges: tuple[float, ...]) -> Counts:
    """Shape (edges + 1,): how many of the values, in any order and without NaN, fall in each bin of those edges."""
    return Grid(edges).counts(np.sort(values))

"""Counts of numbers on frozen edges."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.float_sums import FloatSums
from data_checks.grid import Counts, Floats, Grid
from data_checks.stored_numbers import stored_count, stored_counts, stored_number

#: Equal bins on [0, 1] that probabilities are shown on.
UNIT_BINS = 20
UNIT_EDGES = tuple(number / UNIT_BINS for number in range(1, UNIT_BINS))
_LARGEST = float(np.finfo(np.float64).max)


@dataclass
class Histogram:
    """Counts of values in the bins of a grid, and the sums of the finite values in its two open bins.

    Infinite values are in the open bins. So no value is ever outside, and a value on an edge belongs to the bin above
    it (as in `numpy.histogram`).
    """

    grid: Grid
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    #: Below the first edge, and from the last one on.
    tails: FloatSums = field(default_factory=lambda: FloatSums(2))
    infinite_low: int = 0
    infinite_high: int = 0
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

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _beside(self) -> tuple[Any, ...]:
        return self.tails, self.infinite_low, self.infinite_high, self.minimum, self.maximum

    @property
    def low_mean(self) -> float | None:
        """Mean of the finite values below the first edge; of all where there is no edge. None without any."""
        return self._mean(0, int(self.counts[0]) - self.infinite_low - (len(self.counts) == 1) * self.infinite_high)

    @property
    def high_mean(self) -> float | None:
        """Mean of the finite values from the last edge on; None without any."""
        return self._mean(1, int(self.counts[-1]) - self.infinite_high) if len(self.counts) > 1 else None

    def _mean(self, tail: int, count: int) -> float | None:
        total = self.tails.values[tail]
        return total / count if count and math.isfinite(total) else None

    def add(self, ascending: Floats) -> None:
        """Count a batch of present values (no NaN) in ascending order."""
        found = self.grid.counts(ascending)
        self.counts = self.counts + found
        first, stop = 0, len(ascending)
        if stop and not (math.isfinite(ascending[0]) and math.isfinite(ascending[-1])):
            first = int(np.searchsorted(ascending, -_LARGEST, "left"))
            stop = int(np.searchsorted(ascending, _LARGEST, "right"))
            self.infinite_low += first
            self.infinite_high += len(ascending) - stop
        if first < stop:
            self._widen(float(ascending[first]) + 0.0, float(ascending[stop - 1]) + 0.0)
            self._add_tails(
                ascending[first : min(int(found[0]), stop)], ascending[len(ascending) - int(found[-1]) : stop]
            )

    def _add_tails(self, low: Floats, high: Floats) -> None:
        """Of a grid without edges, whose only bin is both, the first."""
        parts = (low, high if len(self.counts) > 1 else high[:0])
        with np.errstate(over="ignore"):
            sums = [float(np.sum(part)) for part in parts]
        if not all(map(math.isfinite, sums)):  # the sum of values near the end of float64: exactly, whatever it costs
            whole = FloatSums(2)
            for tail, part in enumerate(parts):
                for value in part.tolist():
                    whole.add([value, 0.0] if tail == 0 else [0.0, value])
            self.tails.merge(whole)
            return
        self.tails.add(sums)

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
        self.tails.merge(other.tails)
        self.infinite_low += other.infinite_low
        self.infinite_high += other.infinite_high
        self._widen(other.minimum, other.maximum)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible: the counts that are not 0. The edges are not in it, they are the reference's."""
        filled = np.flatnonzero(self.counts)
        return {
            "bins": len(self.grid),
            "at": filled.tolist(),
            "counts": self.counts[filled].tolist(),
            "tails": self.tails.to_json(),
            "infinite": [self.infinite_low, self.infinite_high],
            "minimum": self.minimum,
            "maximum": self.maximum,
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any], grid: Grid) -> Self:
        """The histogram that `to_json` wrote. Raises ValueError when it is not of that grid."""
        if raw["bins"] != len(grid):
            message = f"a histogram of {raw['bins']} bins does not belong to a grid of {len(grid)}"
            raise ValueError(message)
        counts = np.zeros(len(grid), np.int64)
        counts[stored_counts(raw["at"])] = stored_counts(raw["counts"])
        low, high = map(stored_count, raw["infinite"])
        ends = stored_number(raw["minimum"]), stored_number(raw["maximum"])
        found = cls(grid, counts, FloatSums.from_json(raw["tails"]), low, high, *ends)
        if found.tails.size != 2 or found._places() != [grid.place(end) for end in ends if end is not None]:  # noqa: PLR2004
            message = f"a histogram from {ends[0]} to {ends[1]} whose counts are of another range"
            raise ValueError(message)
        return found

    def _places(self) -> list[int]:
        """The first and the last bin with finite values; none where there is no finite value."""
        finite = self.counts.copy()
        finite[0] -= self.infinite_low
        finite[-1] -= self.infinite_high
        filled = np.flatnonzero(finite)
        return [int(filled[0]), int(filled[-1])] if filled.size else []


def bin_counts(values: npt.NDArray[np.float64], edges: tuple[float, ...]) -> Counts:
    """Shape (edges + 1,): how many of the values, in any order and without NaN, fall in each bin of those edges."""
    return Grid(edges).counts(np.sort(values))

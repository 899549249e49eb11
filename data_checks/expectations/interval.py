"""An interval of values with exact ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from data_checks.columns import Mask
from data_checks.expectations.batch_values import Values
from data_checks.expectations.logical_type import LogicalType


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`; None is no limit. An open end is not itself inside."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False

    @classmethod
    def of(cls, kwargs: Mapping[str, Any], kind: LogicalType) -> Interval:
        """What min_value, max_value, strict_min and strict_max say. Raises Misfit for limits of another kind."""
        low, high = (kind.limit(kwargs[key]) if key in kwargs else None for key in ("min_value", "max_value"))
        return cls(low, high, kwargs.get("strict_min", False), kwargs.get("strict_max", False))

    @classmethod
    def at(cls, value: float) -> Interval:
        """That value alone."""
        return cls(Fraction(value), Fraction(value))

    def holds(self, value: float | Fraction) -> bool:
        """Whether the value is inside; NaN never is."""
        if value != value:  # noqa: PLR0124  # NaN is what does not equal itself
            return False
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return above and below

    def outside(self, values: Values) -> Mask:
        """Shape (rows,): True where the value is outside; NaN and what stands at missing values is for the caller."""
        return self._floats_outside(values) if values.dtype.kind == "f" else self._ticks_outside(values)

    def _floats_outside(self, values: Values) -> Mask:
        bad = np.zeros(len(values), np.bool_)
        if self.low is not None:
            low = float(self.low)
            np.less_equal(values, low, out=bad) if self.low_open else np.less(values, low, out=bad)
        if self.high is not None:
            high = float(self.high)
            bad |= (values >= high) if self.high_open else (values > high)
        return bad

    def _ticks_outside(self, values: Values) -> Mask:
        """Compared with whole numbers that the dtype holds, so that nothing is rounded, not even beyond 2**53."""
        low, high = self._closed()
        bad = np.zeros(len(values), np.bool_)
        if values.dtype.kind in "iu":
            info = np.iinfo(values.dtype)
            if (low is not None and low > info.max) or (high is not None and high < info.min):
                return ~bad
            low = None if low is not None and low <= info.min else low
            high = None if high is not None and high >= info.max else high
        if low is not None:
            np.less(values, low, out=bad)
        if high is not None:
            bad |= values > high
        return bad

    def _closed(self) -> tuple[int | None, int | None]:
        """The first and the last whole number inside."""
        low, high = None, None
        if self.low is not None:
            low = math.floor(self.low) + 1 if self.low_open else math.ceil(self.low)
        if self.high is not None:
            high = math.ceil(self.high) - 1 if self.high_open else math.floor(self.high)
        return low, high

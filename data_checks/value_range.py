"""The least and the greatest of a column's values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass
class ValueRange:
    """Both None while there are no values. Whole numbers stay whole, whatever their size; infinite floats count.

    `merge` is exactly commutative and associative, and the empty range its identity.
    """

    low: float | None = None
    high: float | None = None

    def add(self, values: npt.NDArray[Any]) -> None:
        """Widen it by a batch of present values: integers, Python integers, or floats without NaN."""
        if len(values):
            self._widen(_plain(values.min()), _plain(values.max()))

    def merge(self, other: ValueRange) -> None:
        """Widen it by `other`, which stays as it is."""
        if other.low is not None and other.high is not None:
            self._widen(other.low, other.high)

    def _widen(self, low: float, high: float) -> None:
        self.low = low if self.low is None or low < self.low else self.low
        self.high = high if self.high is None or high > self.high else self.high

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible and strict: infinite values as text."""
        return {"low": _to_json(self.low), "high": _to_json(self.high)}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """The range that `to_json` wrote."""
        return cls(_from_json(raw["low"]), _from_json(raw["high"]))


def _plain(value: Any) -> float:
    """The scalar as Python's own, with one zero: which of -0.0 and 0.0 came first must not show."""
    plain: Any = value.item() if isinstance(value, np.generic) else value
    number: float = plain + 0.0 if isinstance(plain, float) else plain
    return number


def _to_json(value: float | None) -> float | str | None:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _from_json(raw: Any) -> float | None:
    return float(raw) if isinstance(raw, str) else raw

"""Mean, sum and spread of float64 values, merged exactly: the same batches give the same bits in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.exact_floats import SCALE, dyadic_text, float_as_integer, from_dyadic_text
from data_checks.stored_numbers import stored_count

Floats = npt.NDArray[np.float64]

#: Below this the squares of a batch begin to underflow.
_TINY = 1e-250


@dataclass
class Moments:
    """Count, sum and sum of squares of the finite values; infinite ones are counted apart.

    `add` rounds only inside a batch (NumPy's pairwise sums of the differences to a pivot near the batch's mean, Chan
    et al. 1983); everything between batches is integer arithmetic. So `merge` is exactly commutative and associative,
    and an offset of 1e9 costs no accuracy. The state is three integers of at most some thousand bits.
    """

    count: int = 0
    infinite: int = 0
    #: Sum of the values times 2**1074, and of their squares times 2**2148.
    scaled_sum: int = 0
    scaled_squares: int = 0

    def add(self, values: Floats) -> None:
        """Count a batch of present values. Raises ValueError on NaN: missing values are the caller's to take out."""
        values = np.ascontiguousarray(values, dtype=np.float64)
        if not values.size:
            return
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            total = float(np.sum(values))
            if not math.isfinite(total):
                values = self._without_infinite(values)
                total = float(np.sum(values)) if values.size else 0.0
            if values.size:
                self._add_finite(values, total)

    def _without_infinite(self, values: Floats) -> Floats:
        if np.isnan(values).any():
            message = "moments are of present values only, found NaN"
            raise ValueError(message)
        finite = np.isfinite(values)
        self.infinite += int(values.size - np.count_nonzero(finite))
        return values[finite]

    def _add_finite(self, values: Floats, total: float) -> None:
        pivot = total / values.size
        rest, squares = _about(values, pivot)
        shift = 0
        if not (math.isfinite(pivot) and math.isfinite(rest) and _TINY < squares < math.inf):
            # Squares overflow beyond 1e154 and vanish below 1e-154: bring the largest value near 1, exactly.
            shift = math.frexp(float(np.max(np.abs(values))))[1]
            values = np.ldexp(values, -shift)
            pivot = float(np.sum(values)) / values.size
            rest, squares = _about(values, pivot)
        if squares <= values.size * (4 * np.finfo(np.float64).eps * pivot) ** 2 and bool((values == values[0]).all()):
            pivot, rest, squares = float(values[0]), 0.0, 0.0  # a constant has no spread at all, not one of 1e-17
        size, whole_pivot, whole_rest = int(values.size), float_as_integer(pivot), float_as_integer(rest)
        self.count += size
        self.scaled_sum += _shifted(size * whole_pivot + whole_rest, shift)
        raw = (float_as_integer(squares) << SCALE) + 2 * whole_pivot * whole_rest + size * whole_pivot**2
        self.scaled_squares += _shifted(raw, 2 * shift)

    def merge(self, other: Moments) -> None:
        """Add `other`, which stays as it is."""
        self.count += other.count
        self.infinite += other.infinite
        self.scaled_sum += other.scaled_sum
        self.scaled_squares += other.scaled_squares

    @property
    def sum(self) -> float | None:
        """Sum of the finite values; None where it is beyond float64."""
        return _float(Fraction(self.scaled_sum, 1 << SCALE))

    @property
    def mean(self) -> float | None:
        """Mean of the finite values; None when there are none."""
        return _float(Fraction(self.scaled_sum, self.count << SCALE)) if self.count else None

    @property
    def variance(self) -> float | None:
        """Sample variance (ddof 1) of the finite values; None for fewer than two."""
        exact = self._variance()
        return None if exact is None else _float(exact)

    @property
    def stdev(self) -> float | None:
        """Sample standard deviation (ddof 1); None for fewer than two values, and where it is beyond float64."""
        exact = self._variance()
        if exact is None or exact == 0:
            return None if exact is None else 0.0
        # The root of a number near 1, so that neither a scale of 1e-170 nor one of 1e170 leaves the floats.
        half = (exact.numerator.bit_length() - exact.denominator.bit_length()) // 2
        near_one = exact / 4**half if half >= 0 else exact * 4**-half
        try:
            return math.ldexp(math.sqrt(float(near_one)), half)
        except OverflowError:
            return None

    def _variance(self) -> Fraction | None:
        if self.count < 2:  # noqa: PLR2004  # ddof 1 divides by n - 1
            return None
        spread = self.count * self.scaled_squares - self.scaled_sum**2
        return Fraction(max(spread, 0), (self.count * (self.count - 1)) << (2 * SCALE))

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible: counts as numbers, sums as exact hexadecimal `mantissa p exponent`."""
        return {
            "count": self.count,
            "infinite": self.infinite,
            "sum": dyadic_text(self.scaled_sum, SCALE),
            "squares": dyadic_text(self.scaled_squares, 2 * SCALE),
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """The moments that `to_json` wrote. Raises ValueError or KeyError on anything else."""
        sums = (
            from_dyadic_text(raw["sum"], SCALE, 2 * SCALE + 4200),
            from_dyadic_text(raw["squares"], 2 * SCALE, 4 * SCALE + 4200),
        )
        if sums[1] < 0:
            message = "a sum of squares is negative"
            raise ValueError(message)
        return cls(stored_count(raw["count"]), stored_count(raw["infinite"]), *sums)


def _about(values: Floats, pivot: float) -> tuple[float, float]:
    """(sum, sum of squares) of the differences to the pivot.

    np.dot would be one pass less, but BLAS adds in another order with another number of threads: other bits.
    """
    rest = values - pivot
    total = float(np.sum(rest))
    np.square(rest, out=rest)
    return total, float(np.sum(rest))


def _shifted(value: int, shift: int) -> int:
    """Value times 2**shift; rounded down where bits are lost, which is far below one float64 of the batch."""
    return value << shift if shift >= 0 else value >> -shift


def _float(exact: Fraction) -> float | None:
    try:
        return float(exact)
    except OverflowError:
        return None

"""Several sums of floats, added exactly: the same batches give the same bits in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Self

from data_checks.exact_floats import SCALE, dyadic_text, float_as_integer, from_dyadic_text


@dataclass
class FloatSums:
    """So many sums side by side. A batch's own sum is rounded by whoever computes it; adding it here is exact.

    `merge` is exactly commutative and associative, and the sums of nothing are its identity. Each sum is one integer of
    some thousand bits at most.
    """

    size: int
    scaled: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scaled = self.scaled or [0] * self.size
        if len(self.scaled) != self.size:
            message = f"{len(self.scaled)} sums where {self.size} are kept"
            raise ValueError(message)

    def add(self, sums: Iterable[float]) -> None:
        """Add one number to each sum. Raises ValueError unless there are so many of them, and OverflowError for inf."""
        self.scaled = [total + float_as_integer(value) for total, value in zip(self.scaled, sums, strict=True)]

    def merge(self, other: FloatSums) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has another number of sums."""
        if self.size != other.size:
            message = f"{self.size} sums and {other.size} sums cannot be merged"
            raise ValueError(message)
        self.scaled = [mine + theirs for mine, theirs in zip(self.scaled, other.scaled, strict=True)]

    @property
    def values(self) -> list[float]:
        """Each sum, rounded once; beyond float64 it is infinite."""
        return [_float(total) for total in self.scaled]

    def to_json(self) -> list[str]:
        """The sums as exact hexadecimal `mantissa p exponent`: other readers of JSON could not hold them as numbers."""
        return [dyadic_text(total, SCALE) for total in self.scaled]

    @classmethod
    def from_json(cls, raw: list[str]) -> Self:
        """The sums that `to_json` wrote. Raises ValueError on anything else."""
        return cls(len(raw), [from_dyadic_text(text, SCALE, 2 * SCALE) for text in raw])


def _float(scaled: int) -> float:
    try:
        return float(Fraction(scaled, 1 << SCALE))
    except OverflowError:
        return math.inf if scaled > 0 else -math.inf

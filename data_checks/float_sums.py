"""Several sums of floats, added exactly: the same batches give the same bits in any order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Self

#: Every finite float64 is an integer times 2**-1074.
_SCALE = 1074
_DYADIC = re.compile(r"(-?[0-9a-f]{1,1200})p(-?[0-9]{1,4})")


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
        self.scaled = [total + _integer(value) for total, value in zip(self.scaled, sums, strict=True)]

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
        return [_dyadic(total) for total in self.scaled]

    @classmethod
    def from_json(cls, raw: list[str]) -> Self:
        """The sums that `to_json` wrote. Raises ValueError on anything else."""
        return cls(len(raw), [_from_dyadic(text) for text in raw])


def _integer(value: float) -> int:
    """The finite float times 2**1074."""
    numerator, denominator = float(value).as_integer_ratio()
    return numerator << (_SCALE + 1 - denominator.bit_length())


def _dyadic(total: int) -> str:
    """With an odd mantissa, so that equal sums have equal text."""
    zeros = (total & -total).bit_length() - 1 if total else _SCALE
    return f"{total >> zeros:x}p{zeros - _SCALE}"


def _from_dyadic(text: str) -> int:
    match = _DYADIC.fullmatch(text)
    shift = int(match[2]) + _SCALE if match else -1
    if match is None or not 0 <= shift <= 2 * _SCALE:
        message = f"not an exact sum: {text!r:.60}"
        raise ValueError(message)
    return int(match[1], 16) << shift


def _float(scaled: int) -> float:
    try:
        return float(Fraction(scaled, 1 << _SCALE))
    except OverflowError:
        return math.inf if scaled > 0 else -math.inf

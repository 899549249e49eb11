"""Distances between two sets of counts, and how large they get by chance alone. Every number is exact to rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

#: Both shares are floored here in PSI: without a floor an empty bin is infinitely far. It is part of the definition:
#: a new category of 5 % gives 0.32 with 1e-4 and 0.55 with 1e-6.
PSI_FLOOR = 1e-4
#: PSI below the noise is what 19 of 20 undrifted nights stay under.
NOISE_LEVEL = 0.95

Counts = Sequence[int]


@dataclass(frozen=True)
class Measured:
    """A finite number; or None, and the reason why there is none."""

    value: float | None
    reason: str = ""


@dataclass(frozen=True)
class LargestMove:
    """The largest difference of shares, and the category it is of: None where no share moved."""

    value: float | None
    category: str | None = None
    reason: str = ""


def psi(reference: Counts, current: Counts) -> float:
    """Population stability index: sum of (q - p) ln(q / p) over bins, shares floored at `PSI_FLOOR`.

    (Jeffreys' divergence; Siddiqi, Credit Risk Scorecards.) In nats, 0 to about 2 ln(1 / floor); it grows with the
    number of bins. Missing values are not in the counts. Raises ValueError where a side has no value, or the bins
    differ.

    >>> round(psi([100, 200, 300, 400], [150, 150, 300, 400]), 6)
    0.034657
    """
    total = 0.0
    for expected, actual in zip(_shares(reference), _shares(current), strict=True):
        p, q = max(expected, PSI_FLOOR), max(actual, PSI_FLOOR)
        total += (q - p) * math.log(q / p)
    return total


def psi_noise(reference: Counts, current: Counts, level: float = NOISE_LEVEL) -> float:
    """The `level` quantile of PSI when nothing has drifted: chi-square with K - 1 degrees of freedom times (1/N + 1/M).

    K counts the bins that either side has values in. (Yurdakul and Naranjo 2020.)
    """
    degrees = sum(1 for pair in zip(reference, current, strict=True) if any(pair)) - 1
    return _chi_square(degrees, level) * (1 / sum(reference) + 1 / sum(current))


def rows_to_tell(reference: Counts, current: Counts, threshold: float) -> int | None:
    """Current values from which on the noise is below the threshold; None where the reference is too small for any."""
    degrees = sum(1 for pair in zip(reference, current, strict=True) if any(pair)) - 1
    quantile = _chi_square(degrees, NOISE_LEVEL)
    left = threshold - quantile / sum(reference)
    return math.floor(quantile / left) + 1 if left > 0 else None


def _chi_square(degrees: int, level: float) -> float:
    if degrees < 1:
        return 0.0
    # scipy.stats would cost half a second more to import.
    from scipy.special import chdtri  # noqa: PLC0415  # 0.25 s of CPU that a run without drift need not pay

    return float(chdtri(degrees, 1 - level))


def js_distance_base2(reference: Counts, current: Counts) -> float:
    """Jensen-Shannon distance with base 2, 0 to 1: as scipy.spatial.distance.jensenshannon(p, q, base=2).

    The root of the mean relative entropy of both sides to their middle, in bits (Endres and Schindelin 2003). Missing
    values are not in the counts. Raises ValueError where a side has no value, or the bins differ.

    >>> js_distance_base2([1000, 0], [0, 1000])
    1.0
    """
    divergence = 0.0
    for p, q in zip(_shares(reference), _shares(current), strict=True):
        middle = (p + q) / 2
        divergence += sum(share * math.log2(share / middle) for share in (p, q) if share > 0) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))  # between its bounds also where rounding says otherwise


def total_variation(reference: Counts, current: Counts) -> Measured:
    """Half the sum of |p - q|: the share of rows, 0 to 1, that would have to change category.

    (Levin and Peres, Markov Chains and Mixing Times, 4.1.) Whole numbers up to one division: exact to the last bit.
    Missing values are not in the counts. None where a side has no value; raises as `whole_counts`.

    >>> total_variation([100, 200, 300, 400], [150, 150, 300, 400])
    Measured(value=0.05, reason='')
    """
    before, now = whole_counts(reference, current)
    n, m = sum(before), sum(now)
    if not n or not m:
        return Measured(None, empty_side(n, m))
    moved = sum(abs(a * m - b * n) for a, b in zip(before, now, strict=True))
    return Measured(moved / (2 * n * m))


def l_infinity(names: Sequence[str], reference: Counts, current: Counts) -> LargestMove:
    """The largest |p - q|, 0 to 1, and the name of its category: of several, the first one given.

    (Chebyshev distance of the shares; the measure of TensorFlow Data Validation for categories.) It says nothing on the
    bins of numbers, where it depends on how they are cut. Missing values are not in the counts. None where a side has
    no value; raises ValueError unless there is one name for each count, and as `whole_counts`.

    >>> l_infinity(["Card", "Cash"], [90, 10], [70, 30])
    LargestMove(value=0.2, category='Card', reason='')
    """
    before, now = whole_counts(reference, current)
    n, m = sum(before), sum(now)
    moves = [(abs(a * m - b * n), name) for name, a, b in zip(names, before, now, strict=True)]
    if not n or not m:
        return LargestMove(None, reason=empty_side(n, m))
    largest, name = max(moves, key=lambda move: move[0])
    return LargestMove(largest / (n * m), name if largest else None)


def hellinger(reference: Counts, current: Counts) -> Measured:
    """Root of half the sum of (sqrt p - sqrt q)**2: 0 to 1, no unit.

    (Hellinger distance; Le Cam and Yang, Asymptotics in Statistics, 2000.) The equal form sqrt(1 - sum sqrt(p q)) would
    lose small distances to cancellation. Missing values are not in the counts. None where a side has no value; raises
    as `whole_counts`.

    >>> hellinger([1000, 0], [0, 1000])
    Measured(value=1.0, reason='')
    """
    before, now = whole_counts(reference, current)
    n, m = sum(before), sum(now)
    if not n or not m:
        return Measured(None, empty_side(n, m))
    squares = ((math.sqrt(a / n) - math.sqrt(b / m)) ** 2 for a, b in zip(before, now, strict=True))
    return Measured(math.sqrt(min(math.fsum(squares) / 2, 1.0)))


def whole_counts(reference: Counts, current: Counts) -> tuple[list[int], list[int]]:
    """Both sides as Python integers, which do not overflow as NumPy's do.

    Raises ValueError where the sides have not the same number of bins, or a count is negative; TypeError where one is
    no whole number.
    """
    before, now = list(map(index, reference)), list(map(index, current))
    if len(before) != len(now):
        message = f"{len(before)} bins in the reference, {len(now)} in the current counts: they must be the same bins"
        raise ValueError(message)
    least = min((*before, *now), default=0)
    if least < 0:
        message = f"a count is negative: {least}"
        raise ValueError(message)
    return before, now


def whole_array(counts: Sequence[int], largest: int, limit: int = 1 << 63) -> npt.NDArray[Any]:
    """The counts for sums and products of up to `largest`: int64, or where that reaches `limit` Python integers."""
    return np.array(counts, np.int64 if largest < limit else object)


def empty_side(reference: int, current: int) -> str:
    """The reason why nothing can be compared, given how many values each side has; empty where both have some."""
    empty = [name for name, values in (("reference", reference), ("current", current)) if not values]
    return f"no values on the {' and the '.join(empty)} side" if empty else ""


def rate_z(reference: tuple[int, int], current: tuple[int, int]) -> float:
    """Difference of two rates, each given as (count, rows), in standard errors (pooled); 0 where both are 0 or 1."""
    (a, n), (b, m) = reference, current
    pooled = (a + b) / (n + m)
    if pooled in (0.0, 1.0):
        return 0.0
    return (b / m - a / n) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))


def chance_of_exceeding(count: int, reference: int, current: int) -> float:
    """Bound of the chance that so many of M = `current` values lie outside the range of N = `reference` ones.

    For values of one continuous law, the chance that the j largest of all N + M are new is at most (M / (N + M))**j,
    and the two ends share the count in count + 1 ways.
    """
    return min(1.0, (count + 1) * (current / (reference + current)) ** count)


def chance_of_unseen(count: int, singletons: int, reference: int, current: int) -> float:
    """Chance of `count` or more values of new categories when the law has not changed.

    The unseen share of the law is about the share of categories seen once (Good-Turing), here with one more to be
    careful; the count is then about Poisson.
    """
    if count == 0:
        return 1.0
    from scipy.special import gammainc  # noqa: PLC0415  # as above

    return float(gammainc(count, current * (singletons + 1) / (reference + 1)))


def _shares(counts: Counts) -> list[float]:
    total = sum(counts)
    if not total:
        message = f"no values in {len(counts)} bins: a side without values has no shares"
        raise ValueError(message)
    return [count / total for count in counts]

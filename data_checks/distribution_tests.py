"""Tests of whether two sets of counts may be of one distribution: chi-square for categories, KS for ordered bins.

The p-values are told, not judged by: with enough rows any difference, however small, is significant. The sizes of the
difference are Cramer's V and the KS statistic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_checks.distances import Counts, empty_side, whole_array, whole_counts

#: Below so many expected values in a cell chi-square is no longer about chi-square (Cochran 1954).
LEAST_EXPECTED = 5

Cell = tuple[int, int]


@dataclass(frozen=True)
class ChiSquare:
    """Pearson's statistic and what follows from it; every number None where `reason` says why."""

    chi_square: float | None
    degrees: int | None
    p_value: float | None
    cramers_v: float | None
    #: Categories that were counted together since too few values of theirs were to be expected.
    pooled: int = 0
    reason: str = ""


def chi_square(reference: Counts, current: Counts, least_expected: float = LEAST_EXPECTED) -> ChiSquare:
    """Homogeneity of the two rows of counts: as scipy.stats.chi2_contingency([reference, current], correction=False).

    Sum of (observed - expected)**2 / expected over both rows, with K - 1 degrees of freedom; categories that neither
    side has are left out (Pearson 1900). One category in both gives 0, 0 degrees, p 1. Cramer's V is
    sqrt(chi-square / (N + M)), 0 to 1 (Cramer 1946): it shrinks as the sides' sizes grow apart, about as
    sqrt(N M) / (N + M), so a threshold for V is one for a ratio of sizes.

    Categories with fewer than `least_expected` expected values on the smaller side are pooled; 0 takes the table as it
    is. Missing values are not in the counts. None where a side has no value, or where pooling leaves one category of
    several; raises as `whole_counts`.

    >>> chi_square([60, 40], [40, 60]).chi_square
    8.0
    """
    before, now = whole_counts(reference, current)
    n, m = sum(before), sum(now)
    if not n or not m:
        return ChiSquare(None, None, None, None, reason=empty_side(n, m))
    seen = [cell for cell in zip(before, now, strict=True) if any(cell)]
    table, pooled = _pool(seen, least_expected * (n + m) / min(n, m))
    if len(table) == 1 < len(seen):
        reason = f"too few values: fewer than two groups of categories expect {least_expected:g} on each side"
        return ChiSquare(None, None, None, None, pooled, reason)
    # Of a table with two rows the sum is this one; its terms are whole numbers up to one division each.
    statistic = math.fsum((a * m - b * n) ** 2 / (n * m * (a + b)) for a, b in table)
    degrees = len(table) - 1
    v = min(math.sqrt(statistic / (n + m)), 1.0)
    return ChiSquare(statistic, degrees, _chi_square_tail(degrees, statistic), v, pooled)


def _pool(cells: Sequence[Cell], least: float) -> tuple[list[Cell], int]:
    """The cells of at least `least` values; then, together, the others, and how many those are.

    Where even together they are too few, the smallest of the kept ones joins them; among equally small ones the one
    with the fewest reference values, so that the order of the categories does not matter.
    """
    kept = sorted((cell for cell in cells if sum(cell) >= least), key=lambda cell: (-sum(cell), -cell[0]))
    rare = [cell for cell in cells if sum(cell) < least]
    if not rare:
        return kept, 0
    if kept and sum(map(sum, rare)) < least:
        rare.append(kept.pop())
    if len(rare) == 1:
        return [*kept, *rare], 0
    return [*kept, (sum(a for a, _ in rare), sum(b for _, b in rare))], len(rare)


def _chi_square_tail(degrees: int, statistic: float) -> float:
    if not degrees:
        return 1.0
    from scipy.special import chdtrc  # noqa: PLC0415  # as in distances: only a run with drift need pay for it

    return float(chdtrc(degrees, statistic))


@dataclass(frozen=True)
class KsOnBins:
    """The KS statistic at the bins' edges, and bounds of the one on the values; None where `reason` says why."""

    #: At least this is the statistic on the values,
    ks_on_bins: float | None
    #: and at most this.
    at_most: float | None
    p_value: float | None
    reason: str = ""


def ks_on_bins(reference: Counts, current: Counts) -> KsOnBins:
    """Kolmogorov-Smirnov: the largest |F - G| at the edges of ascending bins, 0 to 1.

    Within a bin F and G may be farther apart than at its edges, but by no more than the whole bin of one side: the
    statistic D on the values lies between D_bins and `at_most`, the largest F(right) - G(left) or G(right) - F(left),
    which is at most D_bins + max(min(p_i, q_i)). The p-value is the asymptotic one (Smirnov 1948; as
    scipy.stats.kstwobign.sf) of D_bins: an upper bound of the one of D, and for fewer than about 100 values somewhat
    above the exact one.

    Missing values are not in the counts. None where a side has no value; raises as `whole_counts`. The bins must
    ascend: for categories the number means nothing.

    >>> ks_on_bins([100, 200, 300, 400], [150, 150, 300, 400]).ks_on_bins
    0.05
    """
    before, now = whole_counts(reference, current)
    n, m = sum(before), sum(now)
    if not n or not m:
        return KsOnBins(None, None, None, empty_side(n, m))
    # F and G at the edges, both times N M: whole numbers.
    f, g = (np.cumsum(whole_array([0, *counts], n * m)) * other for counts, other in ((before, m), (now, n)))
    gap, widest = int(np.abs(f - g).max()), int(max((f[1:] - g[:-1]).max(), (g[1:] - f[:-1]).max()))
    return KsOnBins(gap / (n * m), widest / (n * m), _kolmogorov_tail(gap / (n * m), n * m / (n + m)))


def _kolmogorov_tail(statistic: float, effective: float) -> float:
    from scipy.special import kolmogorov  # noqa: PLC0415  # as above

    return float(kolmogorov(statistic * math.sqrt(effective)))

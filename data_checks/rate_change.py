"""The chance that two counted rates differ as they do although nothing has changed; it holds for few rows, too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def chance_of_rate_change(reference: tuple[int, int], current: tuple[int, int]) -> float:
    """Two-sided p-value of two rates, each given as (count, rows), 0 to 1; 1 where a side has no rows.

    Given how many of all rows are counted, about Binomial(count of both, share of the rows that are current) of them
    are current ones (Przyborowski and Wilenski 1940); of counted and not counted rows the rarer kind is looked at, and
    the smaller tail doubled. Exact for rare counts; for common ones it takes the difference for likelier than Fisher's
    exact test does, as that draws without replacement. Chi-square and z, by contrast, call 1 row of 20 against 1 of
    10,000 impossible: there the chance is 0.8 %.

    >>> round(chance_of_rate_change((1, 10_000), (1, 20)), 4)
    0.008
    """
    if not reference[1] or not current[1]:
        return 1.0
    (a, n), (b, m) = (np.array(side, np.float64) for side in (reference, current))
    return float(chances_of_rate_change((a, n), (b, m)))


def chances_of_rate_change(reference: tuple[Numbers, Numbers], current: tuple[Numbers, Numbers]) -> Numbers:
    """`chance_of_rate_change` of many pairs at once, all arrays of one shape; each side of each pair has rows."""
    from scipy.special import betainc  # noqa: PLC0415  # as in distances: only a run with drift need pay for it

    (a, n), (b, m) = reference, current
    common = 2 * (a + b) > n + m
    a, b = np.where(common, n - a, a), np.where(common, m - b, b)
    at_least = np.where(b > 0, betainc(np.maximum(b, 1.0), a + 1, m / (n + m)), 1.0)
    at_most = np.where(a > 0, betainc(np.maximum(a, 1.0), b + 1, n / (n + m)), 1.0)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(at_least, at_most)))

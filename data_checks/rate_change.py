"""The chance that two counted rates differ as they do although nothing has changed; it holds for few rows, too."""

from __future__ import annotations


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
    (a, n), (b, m) = reference, current
    if not n or not m:
        return 1.0
    if 2 * (a + b) > n + m:
        a, b = n - a, m - b
    from scipy.special import betainc  # noqa: PLC0415  # as in distances: only a run with drift need pay for it

    total, share = a + b, m / (n + m)
    at_least = float(betainc(b, a + 1, share)) if b else 1.0
    at_most = float(betainc(a, b + 1, n / (n + m))) if b < total else 1.0
    return min(1.0, 2 * min(at_least, at_most))

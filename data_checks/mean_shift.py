"""Differences in units of the reference's standard deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from data_checks.distances import Measured


@dataclass(frozen=True)
class Spread:
    """How many finite values, their mean, and their sd (ddof 1); None where there are too few for it."""

    count: int
    mean: float | None
    sd: float | None


def mean_shift_p_value(reference: Spread, current: Spread) -> float | None:
    """Two-sided p of Welch's t-test: the chance of means so far apart when nothing has drifted.

    (Welch 1947; as scipy.stats.ttest_ind(equal_var=False).) A single huge value moves the mean and its standard error
    alike, so it alone is not significant. None where a side has fewer than two values. Two different constants give 0.
    """
    if reference.mean is None or current.mean is None or reference.sd is None or current.sd is None:
        return None
    difference, scale = current.mean - reference.mean, max(reference.sd, current.sd)
    if not difference or (scale and abs(difference) <= math.ulp(max(abs(reference.mean), abs(current.mean)))):
        return 1.0  # nothing, or what the means themselves are rounded by: of numbers near 2**62 that is 1,024
    if not scale or not math.isfinite(difference):
        return 0.0 if not scale else None
    counts = reference.count, current.count
    # Over the larger sd, since squares overflow beyond 1e154 and vanish below 1e-162.
    errors = [(sd / scale) ** 2 / n for sd, n in zip((reference.sd, current.sd), counts, strict=True)]
    error = sum(errors)
    degrees = 1 / sum((part / error) ** 2 / (n - 1) for part, n in zip(errors, counts, strict=True))
    from scipy.special import stdtr  # noqa: PLC0415  # as in distances: only a run with drift need pay for it

    return float(2 * stdtr(degrees, -abs(difference) / scale / math.sqrt(error)))


def mean_shift_over_reference_sd(
    reference_mean: float | None, current_mean: float | None, reference_sd: float
) -> Measured:
    """(current mean - reference mean) / reference sd (ddof 0), signed: how far the mean moved, in standard deviations.

    (Glass's delta, with the reference as control: Glass 1976.) The means are of finite present values. None where a
    side has none, and as `over_reference_sd`.

    >>> mean_shift_over_reference_sd(10.0, 13.0, 2.0)
    Measured(value=1.5, reason='')
    """
    if reference_mean is None or current_mean is None:
        return Measured(None, f"no mean on the {'reference' if reference_mean is None else 'current'} side")
    return over_reference_sd(current_mean - reference_mean, reference_sd)


def over_reference_sd(difference: float, reference_sd: float) -> Measured:
    """`difference` / `reference_sd`, both in the column's unit.

    The sd is never floored: a feature of scale 1e-6 is as good as any. Of a constant reference (sd 0) no difference is
    0, and any other one None: there the difference itself is to be judged. None also where the quotient is no finite
    float. Raises ValueError where the sd is negative or not finite.
    """
    if not 0 <= reference_sd < math.inf:
        message = f"a standard deviation is finite and not negative, not {reference_sd}"
        raise ValueError(message)
    if difference == 0:
        return Measured(0.0)
    if reference_sd == 0:
        return Measured(None, f"the reference is constant (sd 0): judge the difference itself, {difference:.6g}")
    quotient = difference / reference_sd
    if not math.isfinite(quotient):
        return Measured(None, f"{difference:.6g} over an sd of {reference_sd:.6g} is no finite number")
    return Measured(quotient)


def population_sd(sample_sd: float | None, count: int) -> float | None:
    """The sd with ddof 0 from the one with ddof 1 of `count` values: of one value 0; of none, or beyond float64, None.

    >>> population_sd(2.0, 4)
    1.7320508075688772
    """
    if count == 1:
        return 0.0
    return None if count < 1 or sample_sd is None else sample_sd * math.sqrt((count - 1) / count)

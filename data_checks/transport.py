"""Wasserstein-1 distance of values counted on frozen edges: how far they moved on average, with bounds."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from data_checks.distances import Counts, empty_side, whole_counts
from data_checks.mean_shift import over_reference_sd

#: A mean may be so much, relative to the ends of its bin, outside: sums of floats round.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class BinnedValues:
    """One side: finite values counted by the convention of `Histogram`, one count more than edges.

    `minimum` and `maximum` are of all of them, None where there is none. `means` has the mean of a bin, None where the
    bin is empty or its mean is not known: then its values are taken as evenly spread over it.
    """

    counts: Counts
    minimum: float | None
    maximum: float | None
    means: Sequence[float | None] | None = None


@dataclass(frozen=True)
class Transport:
    """A distance, and bounds of the one on the values themselves; None where `reason` says why."""

    value: float | None
    at_least: float | None
    at_most: float | None
    reason: str = ""


@dataclass(frozen=True)
class _Gap:
    """F - G within a bin: between `lowest` and `highest`, and `area` is its integral over the bin's width."""

    width: float
    lowest: float
    highest: float
    area: float

    @property
    def crosses(self) -> bool:
        """Whether F may be above G in one part of the bin and below it in another."""
        return self.lowest < 0 < self.highest

    def bounds_by_area(self) -> tuple[float, float]:
        """Bounds of the integral of |F - G| where the area is known: |area| (Jensen), and the chord above |x|."""
        net = abs(self.area)
        if not self.crosses or not self.width:
            return net, net
        mean = min(max(self.area / self.width, self.lowest), self.highest)
        chord = -self.lowest * (self.highest - mean) + self.highest * (mean - self.lowest)
        return net, max(net, self.width * (chord / (self.highest - self.lowest)))

    def bounds_by_width(self) -> tuple[float, float]:
        """Bounds of it where the area is a guess."""
        ends = abs(self.lowest), abs(self.highest)
        low, high = 0.0 if self.crosses else self.width * min(ends), self.width * max(ends)
        return min(low, abs(self.area)), max(high, abs(self.area))  # the guess is between them but for rounding


def wasserstein(edges: Sequence[float], reference: BinnedValues, current: BinnedValues) -> Transport:
    """W1, the integral of |F - G| over x, in the column's unit; within a bin F - G is netted: sum of |its integral|.

    (Ramdas et al. 2017 for the integral; as scipy.stats.wasserstein_distance.) A bin's integral follows from its count
    and mean. So with all means the value is a lower bound, never below |mean shift|, and exact wherever one side's
    values lie above the other's all through a bin, as after a shift; identical sides give 0. In bins without it is an
    estimate. The bounds hold always, to rounding; with means they are no farther apart than the widest bin is wide, and
    only bins in which F and G may cross count for it.

    Missing values are not in the counts. None where a side has no value, or where infinite ones (or ones near the end
    of float64) make the distance no finite number. Raises ValueError unless the edges ascend and counts, means,
    minimum and maximum fit them, and as `whole_counts`.

    >>> before, now = BinnedValues([2, 2], 0.0, 3.0, [0.5, 2.5]), BinnedValues([1, 3], 1.0, 4.0, [1.0, 3.0])
    >>> wasserstein([2.0], before, now).value
    1.0
    """
    _check(edges, reference, current)
    n, m = sum(map(int, reference.counts)), sum(map(int, current.counts))
    if not n or not m:
        return Transport(None, None, None, empty_side(n, m))
    if not (_is_finite(reference) and _is_finite(current)):
        return Transport(None, None, None, "infinite values: they are infinitely far from all others")
    gaps = list(_gaps(edges, reference, current))
    known = zip(gaps, _known_means(reference), _known_means(current), strict=True)
    bounds = [gap.bounds_by_area() if one and other else gap.bounds_by_width() for gap, one, other in known]
    value, low, high = (_sum(terms) for terms in ([abs(gap.area) for gap in gaps], *zip(*bounds, strict=True)))
    if not math.isfinite(value + low + high):
        return Transport(None, None, None, "values too far apart for a finite number")
    return Transport(value, low, high)


def wasserstein_over_reference_sd(distance: Transport, reference_sd: float) -> Transport:
    """The distance and its bounds in units of the reference's standard deviation (ddof 0).

    No floor under the sd. Of a constant reference (sd 0) the same constant is at distance 0; for anything else there is
    no number, and `distance` itself is to be judged. None also as `over_reference_sd`; raises as it.
    """
    if distance.value is None or distance.at_least is None or distance.at_most is None:
        return distance
    numbers = [over_reference_sd(one, reference_sd) for one in (distance.value, distance.at_most, distance.at_least)]
    reason = next((number.reason for number in numbers if number.value is None), "")
    if reason:
        return Transport(None, None, None, reason)
    value, at_most, at_least = (number.value for number in numbers)
    return Transport(value, at_least, at_most)


def _gaps(edges: Sequence[float], reference: BinnedValues, current: BinnedValues) -> Iterator[_Gap]:
    """One for each bin; beyond the smallest and the largest value F and G are equal, and bins have no width."""
    before, now = whole_counts(reference.counts, current.counts)
    n, m = sum(before), sum(now)
    bounds = _bounds(edges, reference, current)
    bins = zip(
        pairwise(bounds), before, now, _centres(bounds, before, reference), _centres(bounds, now, current), strict=True
    )
    f = g = 0  # F and G at the left end, both times N M: whole numbers, so that equal ones cancel exactly
    for (left, right), a, b, centre, centre_now in bins:
        width = right - left
        area = width * ((f - g) / (n * m)) + a / n * (right - centre) - b / m * (right - centre_now)
        yield _Gap(width, (f - g - b * n) / (n * m), (f + a * m - g) / (n * m), area)
        f, g = f + a * m, g + b * n


def _known_means(side: BinnedValues) -> list[bool]:
    """Of each bin, whether its values' mean is known: nothing is to be known of an empty bin."""
    means = side.means or [None] * len(side.counts)
    return [not count or mean is not None for count, mean in zip(side.counts, means, strict=True)]


def _bounds(edges: Sequence[float], reference: BinnedValues, current: BinnedValues) -> list[float]:
    """The ends of the bins, the outer ones at the smallest and the largest value of both sides."""
    ends = [end for side in (reference, current) for end in (side.minimum, side.maximum) if end is not None]
    low, high = min(ends), max(ends)
    return [low, *(min(max(edge, low), high) for edge in edges), high]


def _centres(bounds: Sequence[float], counts: Sequence[int], side: BinnedValues) -> list[float]:
    """Each bin's mean, or the middle of where its values can be; 0 for an empty bin, where it does not matter."""
    low, high = -math.inf if side.minimum is None else side.minimum, math.inf if side.maximum is None else side.maximum
    middles = (max(left, low) / 2 + min(right, high) / 2 for left, right in pairwise(bounds))
    means = side.means or [None] * len(counts)
    parts = zip(means, middles, counts, pairwise(bounds), strict=True)
    return [
        _inside(mean, *ends) if mean is not None else middle if count else 0.0 for mean, middle, count, ends in parts
    ]


def _inside(mean: float, left: float, right: float) -> float:
    """The mean, taken back into its bin where it was rounded out of it."""
    inside = min(max(mean, left), right)
    if not math.isclose(mean, inside, rel_tol=_ROUNDING, abs_tol=_ROUNDING * max(abs(left), abs(right))):
        message = f"the mean {mean} is not in its bin, from {left} to {right}"
        raise ValueError(message)
    return inside


def _check(edges: Sequence[float], *sides: BinnedValues) -> None:
    if not all(low < high for low, high in pairwise(edges)):
        message = "the edges must ascend"
        raise ValueError(message)
    whole_counts(*(side.counts for side in sides))
    for side in sides:
        filled = [place for place, count in enumerate(side.counts) if count]
        ends = [None if end is None else bisect_right(edges, end) for end in (side.minimum, side.maximum)]
        if len(side.counts) != len(edges) + 1:
            message = f"{len(side.counts)} counts for {len(edges)} edges: one count more than edges"
        elif filled and ends != [filled[0], filled[-1]]:
            message = f"minimum {side.minimum} and maximum {side.maximum} are not in the first and last bin with values"
        elif side.means is not None and not _fit(side.means, side.counts):
            message = "one mean for each bin, None in those without values: the means given do not fit the counts"
        else:
            continue
        raise ValueError(message)


def _fit(means: Sequence[float | None], counts: Counts) -> bool:
    return len(means) == len(counts) and all(mean is None or count for mean, count in zip(means, counts, strict=True))


def _is_finite(side: BinnedValues) -> bool:
    numbers = [side.minimum, side.maximum, *(side.means or ())]
    return all(number is None or math.isfinite(number) for number in numbers)


def _sum(terms: Sequence[float]) -> float:
    """As math.fsum, which raises where the sum overflows or terms are not finite."""
    total = sum(terms)
    return math.fsum(terms) if math.isfinite(total) else math.inf

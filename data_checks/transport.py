"""Wasserstein-1 distance of values counted on frozen edges: how far they moved on average, with bounds."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.distances import Counts, empty_side, whole_array, whole_counts
from data_checks.mean_shift import over_reference_sd

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: A mean may be so much, relative to the ends of its bin, outside: sums of floats round.
_ROUNDING = 1e-9
#: Whole numbers up to this are floats, too.
_EXACT = 1 << 53


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
    cuts = np.asarray(edges, np.float64)
    if not (cuts[:-1] < cuts[1:]).all():
        message = "the edges must ascend"
        raise ValueError(message)
    before, now = whole_counts(reference.counts, current.counts)
    sides = _Side.of(edges, reference, before), _Side.of(edges, current, now)
    if not sides[0].total or not sides[1].total:
        return Transport(None, None, None, empty_side(sides[0].total, sides[1].total))
    if not all(side.is_finite for side in sides):
        return Transport(None, None, None, "infinite values: they are infinitely far from all others")
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # what is no number is not used, or told
        gaps = _Gaps.between(cuts, *sides)
        bounds = np.where(sides[0].known & sides[1].known, gaps.bounds_by_area(), gaps.bounds_by_width())
    value, low, high = (_sum(terms.tolist()) for terms in (np.abs(gaps.area), *bounds))
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


@dataclass(frozen=True)
class _Side:
    """One side, bin by bin."""

    counts: list[int]
    total: int
    #: Smallest and largest value.
    ends: tuple[float, float]
    #: Whether a mean is given; where none is, it is 0 here.
    given: Flags
    means: Floats
    #: Whether the values' mean is known: nothing is to be known of an empty bin.
    known: Flags

    @classmethod
    def of(cls, edges: Sequence[float], side: BinnedValues, counts: list[int]) -> Self:
        """Raises ValueError unless counts, minimum, maximum and means fit the edges."""
        means: Sequence[float | None] = side.means or [None] * len(counts)
        given = np.array([mean is not None for mean in means], np.bool_)
        empty = np.array([not count for count in counts], np.bool_)
        filled = np.flatnonzero(~empty)
        places = [None if end is None else bisect_right(edges, end) for end in (side.minimum, side.maximum)]
        message = ""
        if len(counts) != len(edges) + 1:
            message = f"{len(counts)} counts for {len(edges)} edges: one count more than edges"
        elif filled.size and places != [filled[0], filled[-1]]:
            message = f"minimum {side.minimum} and maximum {side.maximum} are not in the first and last bin with values"
        elif side.means is not None and (len(side.means) != len(counts) or bool((given & empty).any())):
            message = "one mean for each bin, None in those without values: the means given do not fit the counts"
        if message:
            raise ValueError(message)
        low = -math.inf if side.minimum is None else side.minimum
        high = math.inf if side.maximum is None else side.maximum
        numbers = np.array([mean or 0.0 for mean in means], np.float64)
        return cls(counts, sum(counts), (low, high), given, numbers, given | empty)

    @property
    def is_finite(self) -> bool:
        return all(map(math.isfinite, self.ends)) and bool(np.isfinite(self.means).all())

    def centres(self, left: Floats, right: Floats) -> Floats:
        """Each bin's mean, or the middle of where its values can be; 0 for an empty bin, where it does not matter."""
        middles = np.maximum(left, self.ends[0]) / 2 + np.minimum(right, self.ends[1]) / 2
        centres = np.where(self.given, self.means, np.where(self.known, 0.0, middles))
        for place in np.flatnonzero(self.given & ((self.means < left) | (self.means > right))).tolist():
            centres[place] = _inside(*(float(numbers[place]) for numbers in (self.means, left, right)))
        return centres


@dataclass(frozen=True)
class _Gaps:
    """F - G within each bin: between `lowest` and `highest`, and `area` is its integral over the bin's width.

    Beyond the smallest and the largest value F and G are equal, and bins have no width.
    """

    width: Floats
    lowest: Floats
    highest: Floats
    area: Floats

    @classmethod
    def between(cls, edges: Floats, reference: _Side, current: _Side) -> Self:
        ends = *reference.ends, *current.ends
        bounds = np.concatenate([[min(ends)], np.clip(edges, min(ends), max(ends)), [max(ends)]])
        left, right = bounds[:-1], bounds[1:]
        n, m = reference.total, current.total
        a, b = (whole_array(side.counts, n * m, _EXACT) for side in (reference, current))
        # F and G at the right end, both times N M: whole numbers, so that equal ones cancel exactly.
        f, g = np.cumsum(a) * m, np.cumsum(b) * n
        area = (right - left) * _over(f - a * m - (g - b * n), n * m)
        area += _over(a, n) * (right - reference.centres(left, right))
        area -= _over(b, m) * (right - current.centres(left, right))
        return cls(right - left, _over(f - a * m - g, n * m), _over(f - (g - b * n), n * m), area)

    @property
    def crosses(self) -> Flags:
        """Whether F may be above G in one part of the bin and below it in another."""
        return (self.lowest < 0) & (self.highest > 0)

    def bounds_by_area(self) -> tuple[Floats, Floats]:
        """Bounds of the integral of |F - G| where the area is known: |area| (Jensen), and the chord above |x|."""
        net = np.abs(self.area)
        mean = np.minimum(np.maximum(self.area / self.width, self.lowest), self.highest)
        chord = -self.lowest * (self.highest - mean) + self.highest * (mean - self.lowest)
        most = np.maximum(net, self.width * (chord / (self.highest - self.lowest)))
        return net, np.where(self.crosses & (self.width != 0), most, net)

    def bounds_by_width(self) -> tuple[Floats, Floats]:
        """Bounds of it where the area is a guess."""
        net, ends = np.abs(self.area), (np.abs(self.lowest), np.abs(self.highest))
        low, high = np.where(self.crosses, 0.0, self.width * np.minimum(*ends)), self.width * np.maximum(*ends)
        return np.minimum(low, net), np.maximum(high, net)  # the guess is between them but for rounding


def _over(whole: npt.NDArray[Any], total: int) -> Floats:
    """Whole numbers over a whole number, rounded once."""
    return np.asarray(whole / total, np.float64)


def _inside(mean: float, left: float, right: float) -> float:
    """The mean, taken back into its bin where it was rounded out of it."""
    inside = min(max(mean, left), right)
    if not math.isclose(mean, inside, rel_tol=_ROUNDING, abs_tol=_ROUNDING * max(abs(left), abs(right))):
        message = f"the mean {mean} is not in its bin, from {left} to {right}"
        raise ValueError(message)
    return inside


def _sum(terms: Sequence[float]) -> float:
    """As math.fsum, which raises where the sum overflows or terms are not finite."""
    total = sum(terms)
    return math.fsum(terms) if math.isfinite(total) else math.inf

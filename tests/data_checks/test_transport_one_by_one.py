"""The measures on the fine grid beside the same formulas bin by bin in whole numbers: the same to the last bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate, pairwise

import numpy as np
import pytest

from data_checks.distribution_tests import ks_on_bins
from data_checks.grid import Grid
from data_checks.transport import BinnedValues, Transport, wasserstein

Bounds = tuple[float, float]


def one_by_one(edges: list[float], reference: BinnedValues, current: BinnedValues) -> Transport:
    """`wasserstein` of sides that fit the edges and have finite values, as it was before bins were taken together."""
    value, low, high = [], [], []
    sides = zip(gaps(edges, reference, current), known(reference), known(current), strict=True)
    for (width, lowest, highest, area), one, other in sides:
        bounds = by_area(width, lowest, highest, area) if one and other else by_width(width, lowest, highest, area)
        value.append(abs(area))
        low.append(bounds[0])
        high.append(bounds[1])
    sums = [math.fsum(terms) if math.isfinite(sum(terms)) else math.inf for terms in (value, low, high)]
    if not math.isfinite(sum(sums)):
        return Transport(None, None, None, "values too far apart for a finite number")
    return Transport(*sums)


def known(side: BinnedValues) -> list[bool]:
    means = side.means or [None] * len(side.counts)
    return [not count or mean is not None for count, mean in zip(side.counts, means, strict=True)]


def gaps(
    edges: list[float], reference: BinnedValues, current: BinnedValues
) -> Iterator[tuple[float, float, float, float]]:
    n, m = sum(reference.counts), sum(current.counts)
    ends = [end for side in (reference, current) for end in (side.minimum, side.maximum) if end is not None]
    bounds = [min(ends), *(min(max(edge, min(ends)), max(ends)) for edge in edges), max(ends)]
    middles = [centres(bounds, side) for side in (reference, current)]
    f = g = 0
    for (left, right), a, b, centre, now in zip(
        pairwise(bounds), reference.counts, current.counts, *middles, strict=True
    ):
        area = (right - left) * ((f - g) / (n * m)) + a / n * (right - centre) - b / m * (right - now)
        yield right - left, (f - g - b * n) / (n * m), (f + a * m - g) / (n * m), area
        f, g = f + a * m, g + b * n


def centres(bounds: list[float], side: BinnedValues) -> list[float]:
    assert side.minimum is not None
    assert side.maximum is not None
    found = []
    for (left, right), mean, count in zip(
        pairwise(bounds), side.means or [None] * len(side.counts), side.counts, strict=True
    ):
        middle = max(left, side.minimum) / 2 + min(right, side.maximum) / 2
        found.append(min(max(mean, left), right) if mean is not None else middle if count else 0.0)
    return found


def by_area(width: float, lowest: float, highest: float, area: float) -> Bounds:
    if not lowest < 0 < highest or not width:
        return abs(area), abs(area)
    mean = min(max(area / width, lowest), highest)
    chord = -lowest * (highest - mean) + highest * (mean - lowest)
    return abs(area), max(abs(area), width * (chord / (highest - lowest)))


def by_width(width: float, lowest: float, highest: float, area: float) -> Bounds:
    low = 0.0 if lowest < 0 < highest else width * min(abs(lowest), abs(highest))
    return min(low, abs(area)), max(width * max(abs(lowest), abs(highest)), abs(area))


def random_side(rng: np.random.Generator, edges: list[float], size: int, known_means: float) -> BinnedValues:
    """So many values: the counts as large as they may be, most bins empty or not, the means somewhere in the bin."""
    scale = 10.0 ** rng.integers(-8, 9) if not edges else max(abs(edge) for edge in edges)
    bounds = [min(edges, default=0.0) - scale, *edges, max(edges, default=0.0) + scale]
    weights = rng.random(len(edges) + 1) * (rng.random(len(edges) + 1) < rng.choice([0.1, 0.6, 1.0]))
    weights[rng.integers(len(weights))] += 0.01
    parts = weights / weights.sum()
    counts = [int(part * (1 << 20)) * size for part in parts]
    counts[int(np.argmax(parts))] += 1
    filled = [place for place, count in enumerate(counts) if count]
    at = [bounds[place] + rng.random() * (bounds[place + 1] - bounds[place]) for place in range(len(counts))]
    given = rng.random(len(counts)) < known_means
    means = [mean if count and there else None for mean, count, there in zip(at, counts, given, strict=True)]
    ends = [min(at[filled[0]], math.nextafter(bounds[filled[0] + 1], -math.inf)), at[filled[-1]]]
    first, last = (means[filled[place]] for place in (0, -1))
    low = min(ends[0], first if first is not None else ends[0])
    return BinnedValues(counts, low, max(ends[1], last if last is not None else ends[1]), means)


@pytest.mark.parametrize("size", [1, 1_000, 1 << 30, 1 << 50])
@pytest.mark.parametrize("known_means", [0.0, 0.5, 1.0])
def test_the_distance_and_its_bounds_are_those_of_the_bins_one_by_one(
    rng: np.random.Generator, size: int, known_means: float
) -> None:
    """For N times M below 2**53 as well as beyond 2**63."""
    for _ in range(60):
        wide = 10.0 ** rng.integers(-6, 10)
        edges = np.unique(rng.normal(0, wide, int(rng.choice([1, 2, 10, 200])))).tolist()
        before, now = (random_side(rng, edges, size, known_means) for _ in range(2))
        assert wasserstein(edges, before, now) == one_by_one(edges, before, now)
        assert wasserstein(edges, before, before) == one_by_one(edges, before, before)


def test_numbers_near_the_end_of_float64_are_as_one_by_one_too() -> None:
    for end in (1e300, 8e307, 1.7e308):
        for means in (None, [-end, None, end]):
            before, now = BinnedValues([1, 2, 1], -end, end, means), BinnedValues([2, 1, 3], -end, end, means)
            assert wasserstein([-1.0, 1.0], before, now) == one_by_one([-1.0, 1.0], before, now)


def test_a_mean_that_rounding_took_out_of_its_bin_is_taken_back() -> None:
    before = BinnedValues([3, 1], 0.0, 2.0, [1 + 1e-12, 2.0])
    now = BinnedValues([1, 3], 0.5, 2.0, [0.5, 1 - 1e-12])
    assert wasserstein([1.0], before, now) == one_by_one([1.0], before, now)


@pytest.mark.parametrize("size", [1, 1_000, 1 << 30, 1 << 62])
def test_ks_and_its_bound_are_those_of_the_edges_one_by_one(rng: np.random.Generator, size: int) -> None:
    for _ in range(100):
        before, now = ((rng.integers(0, 50, 300) ** 2).tolist() for _ in range(2))
        before, now = [count * size for count in before], [count * int(rng.integers(1, 3)) for count in now]
        n, m = sum(before), sum(now)
        edges = [(a * m, b * n) for a, b in zip(accumulate(before, initial=0), accumulate(now, initial=0), strict=True)]
        gap = max(abs(f - g) for f, g in edges)
        widest = max(max(right[0] - left[1], right[1] - left[0]) for left, right in pairwise(edges))
        found = ks_on_bins(before, now)
        assert (found.ks_on_bins, found.at_most) == (gap / (n * m), widest / (n * m))


@pytest.mark.parametrize("edges", [(1.0, 1.0), (2.0, 1.0), (0.0, 1.0, math.nan), (math.nan, 1.0), (0.0, -0.0)])
def test_edges_that_do_not_ascend_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="the edges must ascend"):
        Grid(edges)
    with pytest.raises(ValueError, match="the edges must ascend"):
        wasserstein(edges, *[BinnedValues([1] * (len(edges) + 1), 0.0, 1.0)] * 2)

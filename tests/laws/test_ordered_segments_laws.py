"""The laws of test_measure_laws.py for ordered segments, whose parts lie at different places of the night."""

from __future__ import annotations

import itertools
import json
import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from data_checks.ordered_segments import OrderedSegments

Case = tuple[bool, bool, int]
Values = np.ndarray[Any, np.dtype[Any]]
every_case = pytest.mark.parametrize("case", list(itertools.product((False, True), (False, True), (0, 3))), ids=str)
some_seeds = pytest.mark.parametrize("seed", range(6))
ROWS = 60


class Night:
    """60 rows, some of them missing: floats on even seeds, on odd ones whole numbers beyond 2**53."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        floats = self.rng.choice([-0.0, 0.0, 1.5, np.inf, -np.inf, 1e300], ROWS)
        self.values: Values = 2**53 + self.rng.integers(0, 9, ROWS) if seed % 2 else floats
        self.present = self.rng.random(ROWS) > self.rng.choice([0.0, 0.3, 0.9])

    def of(self, case: Case, *ranges: tuple[int, int]) -> OrderedSegments:
        segments = OrderedSegments(*case)
        for start, stop in ranges:
            places = np.arange(start, stop)[self.present[start:stop]]
            segments.add(self.values[places], start, stop, places)
        return segments

    def cuts(self, count: int = 6) -> list[tuple[int, int]]:
        """Ranges that cover the night, empty ones too."""
        return list(pairwise([0, *sorted(self.rng.integers(0, ROWS + 1, count).tolist()), ROWS]))


def merged(case: Case, *parts: OrderedSegments) -> OrderedSegments:
    whole = OrderedSegments(*case)
    for part in parts:
        whole.merge(part)
    return whole


def bits(segments: OrderedSegments) -> str:
    return json.dumps(segments.to_json(), sort_keys=True, allow_nan=False)


@every_case
def test_empty_segments_change_nothing_on_either_side(case: Case) -> None:
    night, empty = Night(0), OrderedSegments(*case)
    found = night.of(case, *night.cuts()[::2])
    assert bits(merged(case, found, empty)) == bits(merged(case, empty, found)) == bits(found)
    assert bits(night.of(case, (7, 7))) == bits(empty)


@every_case
@some_seeds
def test_where_the_batches_are_cut_and_in_which_order_they_come_does_not_show(case: Case, seed: int) -> None:
    night = Night(seed)
    whole = bits(night.of(case, (0, ROWS)))
    for _ in range(5):
        ranges = night.cuts()
        shuffled = [ranges[place] for place in night.rng.permutation(len(ranges))]
        assert bits(night.of(case, *ranges)) == bits(night.of(case, *shuffled)) == whole


@every_case
@some_seeds
def test_order_and_grouping_of_merges_do_not_show_with_or_without_gaps(case: Case, seed: int) -> None:
    night = Night(seed)
    for ranges in (night.cuts(), night.cuts(9)[::2]):
        whole, parts = bits(night.of(case, *ranges)), [night.of(case, part) for part in ranges]
        assert bits(merged(case, *(parts[place] for place in night.rng.permutation(len(parts))))) == whole
        left = merged(case, merged(case, *parts[:2]), merged(case, *parts[2:]))
        right = merged(case, parts[0], merged(case, parts[1], merged(case, *parts[2:])))
        assert bits(left) == bits(right) == whole


@every_case
def test_merging_leaves_the_right_side_as_it_was_and_shares_nothing_with_it(case: Case) -> None:
    night = Night(1)
    left, right = night.of(case, (10, 20)), night.of(case, (0, 5), (30, 40))
    before = bits(right)
    left.merge(right)
    assert bits(right) == before
    taken = bits(left)
    right.merge(night.of(case, (5, 9), (40, 50)))
    assert bits(left) == taken


@every_case
@some_seeds
def test_they_survive_pickle_and_strict_json_and_can_go_on_from_there(case: Case, seed: int) -> None:
    night = Night(seed)
    first, second = night.of(case, (0, 20), (40, 50)), night.of(case, (20, 40), (50, 60))
    for copy in (
        pickle.loads(pickle.dumps(first)),  # noqa: S301
        OrderedSegments.from_json(json.loads(bits(first))),
    ):
        assert copy == first
        copy.merge(second)
        assert bits(copy) == bits(night.of(case, (0, ROWS)))


@every_case
def test_their_size_grows_with_the_gaps_alone(case: Case) -> None:
    one, many, gaps = (OrderedSegments(*case) for _ in range(3))
    one.add(np.arange(10)[::-1], 0, 10)
    for start in range(0, 100_000, 1000):
        many.add(np.arange(1000)[::-1], start, start + 1000)
    for start in range(0, 3000, 1000):
        gaps.add(np.arange(10)[::-1], start, start + 10)
    assert (len(one.segments), len(many.segments), len(gaps.segments)) == (1, 1, 3)
    assert len(bits(many)) < len(bits(one)) + 60

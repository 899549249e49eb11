from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks.grid import Grid
from data_checks.histogram import UNIT_EDGES, Histogram, bin_counts

VALUES = st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(-10, 10)), max_size=60)
EDGES = (-1.0, 0.0, 3.0)


def of(*batches: list[float], edges: tuple[float, ...] = EDGES) -> Histogram:
    histogram = Histogram(Grid(edges))
    for batch in batches:
        histogram.add(np.sort(np.array(batch, np.float64)))
    return histogram


def mean(values: np.ndarray) -> Any:
    """Exact to one rounding, as pytest.approx; None of nothing."""
    return pytest.approx(math.fsum(values) / len(values), rel=1e-14, abs=1e-300) if len(values) else None


@given(VALUES)
def test_counts_are_numpys_and_the_tails_have_the_means_of_the_open_bins(values: list[float]) -> None:
    array, histogram = np.sort(np.array(values)), of(values)
    assert histogram.counts.tolist() == np.histogram(array, [-np.inf, *EDGES, np.inf])[0].tolist()
    assert histogram.low_mean == mean(array[array < EDGES[0]])
    assert histogram.high_mean == mean(array[array >= EDGES[-1]])
    ends = (array.min(), array.max()) if values else (None, None)
    assert (histogram.minimum, histogram.maximum) == ends


def test_the_means_of_the_tails_are_numpys(rng: np.random.Generator) -> None:
    values = np.sort(rng.normal(1e6, 3, 10_000))
    histogram = Histogram(Grid((999_999.0, 1_000_002.0)))
    for part in np.array_split(rng.permutation(values), 7):
        histogram.add(np.sort(part))
    assert histogram.low_mean == pytest.approx(values[values < 999_999].mean(), rel=1e-14)
    assert histogram.high_mean == pytest.approx(values[values >= 1_000_002].mean(), rel=1e-14)


@given(VALUES, VALUES)
def test_merging_is_counting_one_batch_after_the_other_in_any_order(one: list[float], other: list[float]) -> None:
    forward, backward, right = of(one), of(other), of(other)
    forward.merge(right)
    backward.merge(of(one))
    assert forward == backward == of(one, other)
    assert right == of(other)


@given(VALUES, VALUES)
def test_where_the_batches_are_cut_shows_in_no_count_and_no_end(one: list[float], other: list[float]) -> None:
    apart, together = of(one, other), of(one + other)
    assert apart.counts.tolist() == together.counts.tolist()
    assert (apart.minimum, apart.maximum) == (together.minimum, together.maximum)
    for one_mean, other_mean in ((apart.low_mean, together.low_mean), (apart.high_mean, together.high_mean)):
        assert one_mean == (None if other_mean is None else pytest.approx(other_mean, rel=1e-14))


def test_an_empty_batch_and_an_empty_histogram_change_nothing() -> None:
    histogram = of([1.0, -7.0], [])
    histogram.merge(of())
    assert histogram == of([1.0, -7.0])
    assert (of().minimum, of().maximum, of().low_mean, of().counts.tolist()) == (None, None, None, [0] * 4)


def test_infinite_values_are_counted_in_the_open_bins_and_are_in_no_mean_and_no_end() -> None:
    histogram = of([-math.inf, -5.0, 1.0, 9.0, math.inf, math.inf])
    assert histogram.counts.tolist() == [2, 0, 1, 3]
    assert (histogram.low_mean, histogram.infinite_low) == (-5.0, 1)
    assert (histogram.high_mean, histogram.infinite_high) == (9.0, 2)
    assert (histogram.minimum, histogram.maximum) == (-5.0, 9.0)


def test_infinite_values_alone_have_no_ends() -> None:
    histogram = of([-math.inf, math.inf])
    assert (histogram.minimum, histogram.maximum, histogram.low_mean, histogram.high_mean) == (None,) * 4
    assert (histogram.infinite_low, histogram.infinite_high, histogram.counts.tolist()) == (1, 1, [1, 0, 0, 1])


def test_the_largest_floats_are_finite_values() -> None:
    top = float(np.finfo(np.float64).max)
    histogram = of([-top, top, math.inf])
    assert (histogram.minimum, histogram.maximum, histogram.infinite_high) == (-top, top, 1)
    assert (histogram.low_mean, histogram.high_mean) == (-top, top)


def test_a_tail_whose_sum_is_beyond_float64_has_no_mean_and_counts_all_the_same() -> None:
    top = float(np.finfo(np.float64).max)
    histogram = of([-top, -top, 1.0], [-top], [top, top, top])
    assert (histogram.low_mean, histogram.high_mean, histogram.counts.tolist()) == (None, None, [3, 0, 1, 3])
    assert (histogram.minimum, histogram.maximum) == (-top, top)
    other = of([top, top, top], [-top, -top, 1.0])
    other.merge(of([-top]))
    assert other == histogram


def test_without_edges_the_one_bin_is_the_low_one() -> None:
    histogram = of([-math.inf, 1.0, 3.0, math.inf], edges=())
    assert (histogram.counts.tolist(), histogram.low_mean, histogram.high_mean) == ([4], 2.0, None)


def test_minus_zero_is_zero_at_the_ends_in_any_order() -> None:
    histogram, other = of([-0.0], [0.0]), of([0.0], [-0.0])
    assert json.dumps(histogram.to_json()) == json.dumps(other.to_json())
    assert str(histogram.minimum) == "0.0"


def test_other_edges_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="different edges"):
        Histogram(Grid((1.0,))).merge(Histogram(Grid((2.0,))))


def test_counts_that_do_not_fit_the_edges_are_refused() -> None:
    with pytest.raises(ValueError, match="3 counts for 1 edges: one count more than edges"):
        Histogram(Grid((1.0,)), np.zeros(3, np.int64))


@pytest.mark.parametrize("values", [[], [0.0, 0.05, 0.949, 1.0], [-math.inf, 0.3, math.inf]])
def test_json_and_pickle_restore_a_histogram_that_can_go_on(values: list[float]) -> None:
    histogram = of(values, edges=UNIT_EDGES)
    again = Histogram.from_json(json.loads(json.dumps(histogram.to_json(), allow_nan=False)), Grid(UNIT_EDGES))
    pickled = pickle.loads(pickle.dumps(histogram))  # noqa: S301  # our own bytes
    assert again == pickled == histogram
    more = np.array([0.01, 0.99])
    for one in (again, pickled, histogram):
        one.add(more)
    assert again == pickled == histogram


def test_json_holds_the_filled_bins_alone() -> None:
    raw = of([0.0, 0.05, 0.949, 1.0], edges=UNIT_EDGES).to_json()
    assert (raw["bins"], raw["at"], raw["counts"]) == (20, [0, 1, 18, 19], [1, 1, 1, 1])
    assert (raw["minimum"], raw["maximum"]) == (0.0, 1.0)


def test_json_of_a_grid_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a histogram of 20 bins does not belong to a grid of 4"):
        Histogram.from_json(of([], edges=UNIT_EDGES).to_json(), Grid(EDGES))


@pytest.mark.parametrize(
    "change",
    [
        {"counts": [4, 1, 1, 1]},
        {"minimum": -8.0},
        {"maximum": 8.0},
        {"tails": ["-1p1", "7p0"]},
        {"counts": [1, 1, 1, 2], "infinite": [0, 1]},
    ],
)
def test_equal_means_equal_in_every_part(change: dict[str, object]) -> None:
    histogram = of([-7.0, 1.0, 2.0, 7.0])
    raw = histogram.to_json() | {"at": [0, 1, 2, 3]}
    raw["counts"] = histogram.counts.tolist()
    assert Histogram.from_json(raw, Grid(EDGES)) == histogram
    assert Histogram.from_json(raw | change, Grid(EDGES)) != histogram


@given(VALUES, st.lists(st.integers(-5, 5).map(float), unique=True, max_size=8))
def test_values_in_any_order_are_counted_as_by_numpy(values: list[float], edges: list[float]) -> None:
    ordered = tuple(sorted(edges))
    expected, _ = np.histogram(np.array(values), bins=np.array([-np.inf, *ordered, np.inf]))
    assert bin_counts(np.array(values), ordered).tolist() == expected.tolist()

from __future__ import annotations

import json
import math
import pickle
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_checks.moments import Moments


def of(values: np.ndarray, batches: int = 5) -> Moments:
    moments = Moments()
    for part in np.array_split(np.asarray(values, np.float64), batches):
        moments.add(part)
    return moments


def oracle(values: np.ndarray) -> tuple[float, float]:
    """(mean, sample standard deviation) in exact rational arithmetic."""
    numbers = [float(value) for value in values]
    return statistics.fmean(numbers), statistics.stdev(numbers)


@pytest.mark.parametrize(
    ("offset", "scale"),
    [(0.0, 1.0), (1e9, 1.0), (1e9, 1e-6), (-1e9, 1e-3), (0.0, 1e-6), (0.0, 1e-170), (0.0, 1e200), (5.0, 1e-12)],
)
def test_mean_and_spread_agree_with_exact_arithmetic_at_any_offset_and_scale(
    rng: np.random.Generator, offset: float, scale: float
) -> None:
    values = rng.normal(offset, scale, 3_000)
    moments = of(values)
    mean, stdev = oracle(values)
    assert moments.mean == pytest.approx(mean, rel=1e-15, abs=1e-15 * scale)
    assert moments.stdev == pytest.approx(stdev, rel=1e-12)
    assert moments.sum == pytest.approx(math.fsum(values), rel=1e-15, abs=1e-12 * scale)


def test_variance_agrees_with_numpy_in_extended_precision(rng: np.random.Generator) -> None:
    values = rng.lognormal(3, 2, 50_000)
    expected = float(values.astype(np.longdouble).var(ddof=1))
    assert of(values, 3).variance == pytest.approx(expected, rel=1e-13)


def test_a_constant_has_no_spread_at_all() -> None:
    moments = of(np.full(10_001, 0.1), 7)
    assert (moments.mean, moments.variance, moments.stdev) == (0.1, 0.0, 0.0)


def test_nothing_has_no_mean_and_one_value_no_spread() -> None:
    assert (Moments().mean, Moments().variance, Moments().stdev, Moments().sum) == (None, None, None, 0.0)
    one = of(np.array([3.5]), 1)
    assert (one.count, one.mean, one.variance, one.stdev) == (1, 3.5, None, None)


def test_infinite_values_are_counted_apart() -> None:
    moments = of(np.array([1.0, np.inf, -np.inf, 3.0, np.inf]), 1)
    assert (moments.count, moments.infinite, moments.mean) == (2, 3, 2.0)
    only = of(np.array([np.inf, np.inf]), 1)
    assert (only.count, only.infinite, only.mean) == (0, 2, None)


def test_nan_is_refused_as_it_is_a_missing_value() -> None:
    with pytest.raises(ValueError, match="present values only, found NaN"):
        Moments().add(np.array([1.0, np.nan]))


def test_a_sum_beyond_float64_is_none_and_the_mean_still_right() -> None:
    moments = of(np.array([1.7e308, 1.7e308, 1.7e308, -1.7e308]), 1)
    assert moments.sum is None
    assert moments.mean == pytest.approx(8.5e307)
    assert moments.stdev == pytest.approx(1.7e308)
    assert of(np.array([1.7e308, -1.7e308]), 1).stdev is None


def test_denormal_values_keep_their_sum() -> None:
    assert of(np.array([5e-324, 5e-324, 5e-324, 0.0]), 1).sum == 1.5e-323


finite = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=20)


@given(st.lists(finite, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_merge_order_gives_the_same_bits(batches: list[list[float]], random: object) -> None:
    parts = [of(np.array(batch), 1) for batch in batches]
    forward, shuffled, tree = Moments(), Moments(), [*parts]
    for part in parts:
        forward.merge(part)
    random.shuffle(parts)  # type: ignore[attr-defined]  # hypothesis hands a random.Random
    for part in parts:
        shuffled.merge(part)
    while len(tree) > 1:
        pair = Moments()
        pair.merge(tree.pop(0))
        pair.merge(tree.pop(0))
        tree.append(pair)
    assert forward == shuffled == tree[0]


@given(finite)
def test_any_split_into_batches_gives_the_same_mean_to_rounding(values: list[float]) -> None:
    whole, single = of(np.array(values), 1), of(np.array(values), len(values))
    largest = max(abs(value) for value in values)
    assert single.mean is not None
    assert whole.mean == pytest.approx(single.mean, rel=1e-14, abs=4e-16 * largest)
    assert whole.count == single.count


@given(finite)
def test_a_batch_of_each_value_is_the_exact_mean(values: list[float]) -> None:
    exact = of(np.array(values), len(values))
    assert exact.sum is None or exact.sum == math.fsum(values)


def test_empty_is_the_identity_and_merge_leaves_the_other_alone(rng: np.random.Generator) -> None:
    moments, before = of(rng.normal(size=100)), of(rng.normal(size=100))
    copy = pickle.loads(pickle.dumps(moments))  # noqa: S301  # our own bytes
    before.merge(moments)
    assert moments == copy
    copy.merge(Moments())
    empty = Moments()
    empty.merge(moments)
    assert copy == moments == empty


@given(finite)
def test_json_restores_the_same_state(values: list[float]) -> None:
    moments = of(np.array(values), 3)
    assert Moments.from_json(json.loads(json.dumps(moments.to_json(), allow_nan=False))) == moments


def test_json_of_a_sum_is_a_readable_power_of_two() -> None:
    assert of(np.array([1.0, 3.0]), 1).to_json() == {"count": 2, "infinite": 0, "sum": "1p2", "squares": "5p1"}


@pytest.mark.parametrize(
    "text", ["", "1", "1p", "zp3", "1p-99999", "1p99999", "0x1p3", "1p3 ", 5, None, "f" * 1300 + "p0"]
)
def test_a_damaged_sum_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not an exact sum"):
        Moments.from_json({"count": 1, "infinite": 0, "sum": text, "squares": "0p0"})

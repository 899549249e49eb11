from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from data_checks.distances import Measured
from data_checks.mean_shift import (
    Spread,
    mean_shift_over_reference_sd,
    mean_shift_p_value,
    over_reference_sd,
    population_sd,
)

VALUES = json.loads((Path(__file__).parents[1] / "golden" / "drift.json").read_text())["values"]


def test_the_mean_shift_is_the_golden_one() -> None:
    trained, tonight, expected = np.array(VALUES["reference"]), np.array(VALUES["current"]), VALUES["expected"]
    sd = population_sd(float(trained.std(ddof=1)), len(trained))
    assert sd == pytest.approx(expected["reference_sd"], rel=1e-12)
    assert sd is not None
    found = mean_shift_over_reference_sd(float(trained.mean()), float(tonight.mean()), sd)
    assert found.value == pytest.approx(expected["mean_shift_over_reference_sd"], rel=1e-12)


def test_a_feature_of_scale_1e_6_shifted_by_three_sd_is_shifted_by_three(rng: np.random.Generator) -> None:
    trained = rng.normal(0, 1e-6, 1_000)
    sd = float(trained.std())
    found = mean_shift_over_reference_sd(float(trained.mean()), float((trained + 3 * sd).mean()), sd)
    assert found.value == pytest.approx(3.0, rel=1e-9)


def test_the_sign_tells_the_direction() -> None:
    assert mean_shift_over_reference_sd(3.0, 1.0, 4.0) == Measured(-0.5)


def test_a_constant_reference_is_compared_directly() -> None:
    assert over_reference_sd(0.0, 0.0) == Measured(0.0)
    reason = "the reference is constant (sd 0): judge the difference itself, -1e-09"
    assert over_reference_sd(-1e-9, 0.0) == Measured(None, reason)


def test_a_side_without_mean_has_no_shift() -> None:
    assert mean_shift_over_reference_sd(None, 1.0, 1.0) == Measured(None, "no mean on the reference side")
    assert mean_shift_over_reference_sd(1.0, None, 1.0) == Measured(None, "no mean on the current side")


@pytest.mark.parametrize(("before", "now"), [(-1e308, 1e308), (0.0, math.inf), (0.0, math.nan)])
def test_what_is_no_finite_number_is_none(before: float, now: float) -> None:
    found = mean_shift_over_reference_sd(before, now, 1.0)
    assert found.value is None
    assert "is no finite number" in found.reason
    assert over_reference_sd(1e300, 1e-300).reason == "1e+300 over an sd of 1e-300 is no finite number"


@pytest.mark.parametrize("sd", [-1.0, math.nan, math.inf])
def test_an_impossible_sd_is_refused(sd: float) -> None:
    with pytest.raises(ValueError, match="a standard deviation is finite and not negative, not"):
        over_reference_sd(1.0, sd)


def test_the_sd_of_one_value_is_zero_and_of_none_none() -> None:
    assert population_sd(None, 1) == 0.0
    assert population_sd(None, 0) is None
    assert population_sd(None, 2) is None  # beyond float64


# ----------------------------------------------------------------------------------------------- is it more than chance


def spread(values: np.ndarray) -> Spread:
    size = len(values)
    return Spread(size, float(values.mean()) if size else None, float(values.std(ddof=1)) if size > 1 else None)


def p_value(reference: np.ndarray, current: np.ndarray) -> float | None:
    return mean_shift_p_value(spread(reference), spread(current))


@given(
    st.integers(2, 2_000),
    st.integers(2, 2_000),
    st.sampled_from([0.0, 0.1, 1.0, 10.0]),
    st.sampled_from([1e-3, 1.0, 1e3]),
    st.integers(0, 2**32 - 1),
)
def test_the_p_value_is_scipys_of_welchs_test(n: int, m: int, shift: float, ratio: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = rng.normal(5, 1, n), rng.exponential(ratio, m) + 5 + shift
    expected = stats.ttest_ind(reference, current, equal_var=False).pvalue
    assert p_value(reference, current) == pytest.approx(expected, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e-6, 1e6, 1e200, 1e307])
def test_the_p_value_does_not_depend_on_the_unit(rng: np.random.Generator, scale: float) -> None:
    """Squares of 1e200 overflow, which stopped a whole comparison; those of 1e-200 vanish, and chance was shift."""
    before, now = Spread(5_000, 0.0, 1.0), Spread(300, 0.1, 1.5)
    scaled = [Spread(side.count, (side.mean or 0.0) * scale, (side.sd or 0.0) * scale) for side in (before, now)]
    assert mean_shift_p_value(*scaled) == pytest.approx(mean_shift_p_value(before, now), rel=1e-9)


def test_the_p_value_is_the_same_both_ways(rng: np.random.Generator) -> None:
    one, other = rng.normal(size=200), rng.normal(0.2, 2, 50)
    assert p_value(one, other) == pytest.approx(p_value(other, one), rel=1e-12)


def test_a_single_huge_value_moves_the_mean_and_is_not_significant(rng: np.random.Generator) -> None:
    reference, current = rng.normal(size=20_000), np.append(rng.normal(size=4_999), 1e9)
    assert (p_value(reference, current) or 0.0) > 0.3
    assert (p_value(current, reference) or 0.0) > 0.3


def test_the_rounding_of_the_means_is_no_shift(rng: np.random.Generator) -> None:
    """Numbers near 2**62 with a spread of 1,400: their exact means are rounded to multiples of 1,024."""
    assert mean_shift_p_value(Spread(1_000, 2.0**62, 1_400.0), Spread(1_000, 2.0**62 + 1_024, 1_400.0)) == 1.0
    assert (mean_shift_p_value(Spread(1_000, 2.0**62, 1_400.0), Spread(1_000, 2.0**62 + 2_048, 1_400.0)) or 0) < 1e-9


def test_equal_means_are_never_significant() -> None:
    assert mean_shift_p_value(Spread(10, 1.0, 0.0), Spread(10, 1.0, 0.0)) == 1.0
    assert mean_shift_p_value(Spread(10, 1.0, 2.0), Spread(10, 1.0, 0.0)) == 1.0


def test_two_different_constants_differ_for_certain() -> None:
    assert p_value(np.full(10, 1.0), np.full(3, 1.5)) == 0.0
    assert mean_shift_p_value(Spread(10, 0.0, 0.0), Spread(3, 5e-324, 0.0)) == 0.0


@pytest.mark.parametrize("size", [2, 3, 50])
def test_one_constant_side_is_scipys_one_sample_test_against_it(rng: np.random.Generator, size: int) -> None:
    current = rng.normal(1.0, 1.0, size)
    expected = stats.ttest_1samp(current, 0.5).pvalue
    assert p_value(np.full(1_000, 0.5), current) == pytest.approx(expected, rel=1e-9)
    assert p_value(current, np.full(1_000, 0.5)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (Spread(0, None, None), Spread(9, 1.0, 1.0)),
        (Spread(9, 1.0, 1.0), Spread(0, None, None)),
        (Spread(1, 1.0, None), Spread(9, 3.0, 1.0)),
        (Spread(9, 1.0, 1.0), Spread(1, 3.0, None)),
        (Spread(9, -1.7e308, 1.0), Spread(9, 1.7e308, 1.0)),
    ],
)
def test_where_a_side_has_fewer_than_two_values_or_the_difference_is_infinite_there_is_none(
    before: Spread, now: Spread
) -> None:
    assert mean_shift_p_value(before, now) is None


def test_under_no_drift_one_p_value_in_twenty_is_below_one_in_twenty(rng: np.random.Generator) -> None:
    reference, nights = rng.normal(size=5_000), rng.normal(size=(2_000, 60))
    found = np.array([p_value(reference, night) for night in nights])
    # 2,000 nights: 0.05 is known to 0.015 with 3 standard errors.
    assert abs((found < 0.05).mean() - 0.05) < 0.015

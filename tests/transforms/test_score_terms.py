"""Margins turned into probabilities: exactly additive, and continuous where the margin is the base."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from transforms.score_terms import ScoreTerms, logistic, probability_terms


def terms(values: list[float], base: float) -> ScoreTerms:
    """One row of one output."""
    return ScoreTerms(np.array([[values]]), np.array([[base]]), "margin", is_centered=True)


@pytest.mark.parametrize("margin", [-800.0, -40.0, -1.0, 0.0, 1e-9, 3.0, 40.0, 800.0])
def test_the_logistic_function_is_the_standard_librarys(margin: float) -> None:
    expected = 1 / (1 + math.exp(-margin)) if margin > -700 else 0.0
    assert logistic(np.array(margin)) == pytest.approx(expected, rel=1e-15)


def test_base_and_terms_add_up_to_the_probability() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(500, 1, 6)) * rng.choice([1e-12, 1e-3, 1.0, 30.0], (500, 1, 1))
    base = np.full((500, 1), -1.3)
    found = probability_terms(ScoreTerms(values, base, "margin", is_centered=True))
    expected = 1 / (1 + np.exp(-(base + values.sum(axis=-1))))
    np.testing.assert_allclose(found.base + found.values.sum(axis=-1), expected, atol=1e-15)
    assert found.unit == "probability"
    assert (np.abs(found.values) <= np.abs(values) / 4).all()
    assert (np.sign(found.values) == np.sign(values)).all()


def test_features_that_cancel_out_keep_their_terms() -> None:
    found = probability_terms(terms([2.0, -2.0], -1.0))
    slope = math.exp(-1) / (1 + math.exp(-1)) ** 2
    np.testing.assert_allclose(found.values[0, 0], [2 * slope, -2 * slope], rtol=1e-15)


@pytest.mark.parametrize("distance", [1e-15, 1e-9, 9.99e-6, 1.001e-5, 1e-3])
def test_the_slope_is_right_to_ten_digits_on_both_sides_of_the_change_of_formula(distance: float) -> None:
    """The oracle is Taylor's series at the base, in whole fractions: s + s' d / 2 + s'' d**2 / 6 + ..."""
    p, d = Fraction(logistic(np.array(-1.0)).item()), Fraction(distance)
    first = p * (1 - p)
    second = first * (1 - 2 * p)
    third = first * (1 - 6 * p + 6 * p * p)
    expected = first + second * d / 2 + third * d**2 / 6
    found = probability_terms(terms([distance], -1.0)).values[0, 0, 0] / distance
    assert found == pytest.approx(float(expected), rel=1e-9)


def test_terms_around_other_rows_move_their_mean_into_the_base() -> None:
    values = np.array([[[1.0, 5.0]], [[3.0, 9.0]]])
    whole = ScoreTerms(values, np.full((2, 1), 10.0), "margin", is_centered=False)
    found = whole.around(whole)
    np.testing.assert_array_equal(found.values, [[[-1.0, -2.0]], [[1.0, 2.0]]])
    np.testing.assert_array_equal(found.base, [[19.0], [19.0]])
    assert found.is_centered

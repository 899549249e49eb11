from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from data_checks import rate_change
from data_checks.distances import rate_z
from data_checks.drift_rules import MISSING_Z
from data_checks.rate_change import chance_of_rate_change


def test_the_example_of_the_docstring_is_true() -> None:
    assert doctest.testmod(rate_change).failed == 0


@pytest.mark.parametrize(
    ("reference", "current"),
    [((1, 10_000), (1, 20)), ((0, 500), (7, 80)), ((40, 500), (0, 100)), ((30, 300), (95, 400)), ((0, 9), (0, 7))],
)
def test_it_is_twice_the_smaller_binomial_tail(reference: tuple[int, int], current: tuple[int, int]) -> None:
    (a, n), (b, m) = reference, current
    tails = [binomtest(b, a + b, m / (n + m), side).pvalue if a + b else 1.0 for side in ("greater", "less")]
    assert chance_of_rate_change(reference, current) == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-9)


def test_it_never_calls_a_significant_difference_rarer_than_fishers_exact_test_does(rng: np.random.Generator) -> None:
    seen = 0
    for _ in range(400):
        n, m = rng.integers(20, 3_000, 2).tolist()
        a, b = (int(rng.binomial(rows, rng.random() ** 3)) for rows in (n, m))
        exact = min(fisher_exact([[b, m - b], [a, n - a]], side).pvalue for side in ("greater", "less"))
        if 1e-250 < exact < 0.02:
            seen += 1
            assert chance_of_rate_change((a, n), (b, m)) >= 2 * exact * (1 - 1e-9)
    assert seen > 100


def test_both_sides_and_both_kinds_of_rows_are_alike() -> None:
    assert chance_of_rate_change((3, 90), (40, 200)) == pytest.approx(chance_of_rate_change((40, 200), (3, 90)))
    assert chance_of_rate_change((3, 90), (40, 200)) == pytest.approx(chance_of_rate_change((87, 90), (160, 200)))


def test_a_side_without_rows_and_equal_rates_are_no_change() -> None:
    assert chance_of_rate_change((0, 0), (3, 10)) == chance_of_rate_change((3, 10), (0, 0)) == 1.0
    assert chance_of_rate_change((0, 10), (0, 20)) == chance_of_rate_change((10, 10), (20, 20)) == 1.0
    assert chance_of_rate_change((10, 100), (10, 100)) == 1.0


def test_one_row_of_a_small_slice_is_chance_where_its_z_is_beyond_all_doubt() -> None:
    """Judged by z, every night of a thousand small slices and columns had some such alarm."""
    assert rate_z((1, 10_000), (1, 20)) > 5 * MISSING_Z
    assert chance_of_rate_change((1, 10_000), (1, 20)) > 0.007

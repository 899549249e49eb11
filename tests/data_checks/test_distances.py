from __future__ import annotations

import doctest
import importlib
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from data_checks.distances import (
    LargestMove,
    Measured,
    hellinger,
    js_distance_base2,
    l_infinity,
    psi,
    psi_noise,
    rate_z,
    total_variation,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "drift.json").read_text())
MODULES = ["distances", "distribution_tests", "mean_shift", "transport"]
#: Products of two such counts are beyond int64.
HUGE = 2**62

PAIRS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=30).filter(
    lambda pairs: any(one for one, _ in pairs) and any(other for _, other in pairs)
)


def sides(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


def number(measured: Measured | LargestMove) -> float:
    assert measured.value is not None
    assert measured.reason == ""
    return measured.value


def names(counts: list[int]) -> list[str]:
    return [f"c{place}" for place in range(len(counts))]


@pytest.mark.parametrize("case", GOLDEN["counts"], ids=lambda case: case["name"])
def test_every_distance_is_the_golden_one(case: dict[str, Any]) -> None:
    before, now, expected = case["reference"], case["current"], case["expected"]
    found = {
        "psi": psi(before, now),
        "psi_noise": psi_noise(before, now),
        "js_distance_base2": js_distance_base2(before, now),
        "total_variation": number(total_variation(before, now)),
        "l_infinity": number(l_infinity(names(before), before, now)),
        "hellinger": number(hellinger(before, now)),
    }
    assert found == pytest.approx({name: expected[name] for name in found}, rel=1e-12, abs=1e-15)


def test_the_z_of_missing_rates_is_the_golden_one() -> None:
    case = GOLDEN["missing"]
    z = rate_z(tuple(case["reference"]), tuple(case["current"]))
    assert z == pytest.approx(case["expected"]["rate_z"], rel=1e-12)


def test_js_distance_is_scipys_on_random_counts(rng: np.random.Generator) -> None:
    for _ in range(1_000):
        before, now = (rng.integers(0, 50, (2, 12)) * rng.integers(0, 2, (2, 12))) + (np.arange(12) == 0)
        expected = float(jensenshannon(before, now, base=2))
        assert js_distance_base2(before.tolist(), now.tolist()) == pytest.approx(expected, rel=1e-9)


@given(PAIRS)
def test_the_other_distances_are_numpys_formulas(pairs: list[tuple[int, int]]) -> None:
    before, now = sides(pairs)
    p, q = np.array(before) / sum(before), np.array(now) / sum(now)
    assert number(total_variation(before, now)) == pytest.approx(0.5 * np.abs(p - q).sum(), abs=1e-14)
    assert number(l_infinity(names(before), before, now)) == pytest.approx(np.abs(p - q).max(), abs=1e-15)
    expected = np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2)
    assert number(hellinger(before, now)) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@given(PAIRS)
def test_distances_are_within_their_bounds_and_keep_their_known_order(pairs: list[tuple[int, int]]) -> None:
    before, now = sides(pairs)
    far, apart, most = (
        number(hellinger(before, now)),
        number(total_variation(before, now)),
        number(l_infinity(names(before), before, now)),
    )
    assert 0.0 <= most <= apart <= 1.0
    assert 0.0 <= js_distance_base2(before, now) <= 1.0
    assert far**2 <= apart + 1e-15
    assert apart <= far * math.sqrt(2) + 1e-15
    assert js_distance_base2(before, now) ** 2 <= apart + 1e-15


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_the_bins_and_of_the_sides_does_not_matter(pairs: list[tuple[int, int]], random: Any) -> None:
    before, now = sides(pairs)
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for distance in (total_variation, hellinger):
        assert distance(before, now) == distance(*sides(shuffled)) == distance(now, before)


def test_identical_shares_are_at_no_distance_at_all_whatever_the_sizes() -> None:
    before, now = [1, 3, 7, 0], [13, 39, 91, 0]
    assert psi(before, now) == js_distance_base2(before, now) == 0.0
    assert total_variation(before, now) == hellinger(before, now) == Measured(0.0)
    assert l_infinity(["a", "b", "c", "d"], before, now) == LargestMove(0.0, None)


def test_disjoint_counts_are_at_distance_one_exactly() -> None:
    for width in range(1, 60):
        before, now = (
            [1 + place for place in range(width)] + [0] * width,
            [0] * width + [3 + place for place in range(width)],
        )
        assert js_distance_base2(before, now) == pytest.approx(1.0, abs=1e-15)
        assert js_distance_base2(before, now) <= 1.0
        assert total_variation(before, now) == Measured(1.0)
        assert number(hellinger(before, now)) == pytest.approx(1.0, abs=1e-15)
        assert number(hellinger(before, now)) <= 1.0


def test_a_new_category_is_as_far_as_its_share_and_is_named() -> None:
    before, now = [500, 300, 200, 0], [450, 300, 200, 50]
    assert total_variation(before, now) == Measured(0.05)
    assert l_infinity(["a", "b", "c", "new"], [100, 100, 100, 0], [90, 90, 90, 30]) == LargestMove(0.1, "new")
    assert l_infinity(["a", "b", "c", "new"], before, now) == LargestMove(0.05, "a")


def test_of_equal_moves_the_first_is_named_whatever_rounding_says() -> None:
    # As floats 0.3 - 0.2 and 0.1 - 0.2 differ by 3e-17, and the second would win.
    assert l_infinity(["a", "b", "c"], [2, 2, 6], [3, 1, 6]).category == "a"
    assert l_infinity(["b", "a", "c"], [2, 2, 6], [1, 3, 6]).category == "b"


def test_counts_of_numpy_do_not_overflow() -> None:
    before, now = np.array([HUGE // 4, HUGE // 4]), np.array([HUGE // 8, 3 * (HUGE // 8)])
    assert total_variation(before, now) == Measured(0.25)  # type: ignore[arg-type]
    assert l_infinity(["a", "b"], before, now).value == 0.25  # type: ignore[arg-type]


def test_a_side_without_values_has_no_distance_and_says_which() -> None:
    for distance in (total_variation, hellinger):
        assert distance([0, 0], [1, 2]) == Measured(None, "no values on the reference side")
        assert distance([1, 2], [0, 0]) == Measured(None, "no values on the current side")
        assert distance([], []) == Measured(None, "no values on the reference and the current side")
    assert l_infinity([], [], []).reason == "no values on the reference and the current side"
    assert l_infinity(["a"], [1], [0]) == LargestMove(None, None, "no values on the current side")


@pytest.mark.parametrize("distance", [psi, js_distance_base2])
def test_psi_and_js_refuse_a_side_without_values(distance: Any) -> None:
    with pytest.raises(ValueError, match="no values in 2 bins: a side without values has no shares"):
        distance([1, 1], [0, 0])


def test_counts_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="2 bins in the reference, 1 in the current counts"):
        total_variation([1, 2], [3])
    with pytest.raises(ValueError, match="a count is negative: -2"):
        hellinger([1, 2], [3, -2])
    with pytest.raises(TypeError, match="float"):
        total_variation([1, 2], [3, math.nan])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="zip"):
        l_infinity(["a"], [1, 2], [3, 4])


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_the_docstrings_run(module: str) -> None:
    results = doctest.testmod(importlib.import_module(f"data_checks.{module}"))
    assert results.attempted
    assert not results.failed


def test_nothing_imports_scipy_stats_nor_any_of_scipy_before_it_is_needed() -> None:
    imports = "; ".join(f"import data_checks.{module}" for module in MODULES)
    code = (
        f"import sys; {imports}; assert not [m for m in sys.modules if m.startswith('scipy')]; "
        "from data_checks.distribution_tests import chi_square, ks_on_bins; "
        "chi_square([60, 40], [40, 60]); ks_on_bins([60, 40], [40, 60]); assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

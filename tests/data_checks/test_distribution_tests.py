from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from data_checks.distribution_tests import ChiSquare, KsOnBins, chi_square, ks_on_bins
from data_checks.histogram import bin_counts
from data_checks.quantile_cuts import quantile_cuts

CASES = json.loads((Path(__file__).parents[1] / "golden" / "drift.json").read_text())["counts"]

CELLS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=12).filter(
    lambda cells: any(one for one, _ in cells) and any(other for _, other in cells)
)


def numbers(result: ChiSquare) -> tuple[float, int, float, float]:
    assert result.chi_square is not None
    assert result.degrees is not None
    assert result.p_value is not None
    assert result.cramers_v is not None
    assert result.reason == ""
    return result.chi_square, result.degrees, result.p_value, result.cramers_v


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_chi_square_and_ks_are_the_golden_ones(case: dict[str, Any]) -> None:
    names = ["chi_square", "degrees", "p_value", "cramers_v"]
    found = numbers(chi_square(case["reference"], case["current"], least_expected=0))
    assert found == pytest.approx([case["expected"][name] for name in names], rel=1e-12, abs=1e-300)
    ks = ks_on_bins(case["reference"], case["current"])
    assert ks.ks_on_bins == pytest.approx(case["expected"]["ks_on_bins"], rel=1e-12)


def test_chi_square_and_cramers_v_are_scipys_on_random_counts(rng: np.random.Generator) -> None:
    for _ in range(1_000):
        table = rng.integers(0, 10 ** rng.integers(1, 7), (2, rng.integers(2, 30)))
        table = table[:, table.any(axis=0)]
        if table.shape[1] < 2 or not table.any(axis=1).all():
            continue
        expected = stats.chi2_contingency(table, correction=False)
        v = stats.contingency.association(table, method="cramer", correction=False)
        found = numbers(chi_square(*table.tolist(), least_expected=0))
        assert found[0] == pytest.approx(expected.statistic, rel=1e-10, abs=1e-10)
        assert found[1] == expected.dof
        assert found[2] == pytest.approx(expected.pvalue, rel=1e-8, abs=1e-300)
        assert found[3] == pytest.approx(v, rel=1e-10, abs=1e-7)


@given(CELLS)
def test_after_pooling_every_expected_count_is_large_enough_and_no_row_is_lost(cells: list[tuple[int, int]]) -> None:
    before, now = [a for a, _ in cells], [b for _, b in cells]
    result = chi_square(before, now)
    if result.chi_square is None:
        assert result.reason.startswith("too few values")
        assert result.pooled > 1
        return
    table = pooled_by_hand(cells)
    if len(table) == 1:
        assert numbers(result) == (0.0, 0, 1.0, 0.0)
        return
    expected = stats.chi2_contingency(np.array(table).T, correction=False)
    assert expected.expected_freq.min() >= 5 - 1e-9
    assert numbers(result)[0] == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert numbers(result)[1:3] == pytest.approx((expected.dof, expected.pvalue), rel=1e-7)


def pooled_by_hand(cells: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Smallest first into the pool, until neither the pool nor any other category expects fewer than five."""
    seen = sorted((cell for cell in cells if any(cell)), key=lambda cell: (sum(cell), cell[0]))
    rows = [sum(a for a, _ in seen), sum(b for _, b in seen)]

    def is_rare(cell: tuple[int, int]) -> bool:
        return sum(cell) * min(rows) / sum(rows) < 5

    pool = (0, 0)
    while len(seen) > 1 and (is_rare(seen[0]) or (any(pool) and is_rare(pool))):
        a, b = seen.pop(0)
        pool = pool[0] + a, pool[1] + b
    return [*seen, pool] if any(pool) else seen


@given(CELLS, st.randoms(use_true_random=False))
def test_the_order_of_the_categories_does_not_matter(cells: list[tuple[int, int]], random: Any) -> None:
    shuffled = list(cells)
    random.shuffle(shuffled)
    one = chi_square([a for a, _ in cells], [b for _, b in cells])
    assert one == chi_square([a for a, _ in shuffled], [b for _, b in shuffled])


def test_rare_categories_are_pooled_and_counted() -> None:
    found = chi_square([500, 490, 4, 3, 3], [480, 500, 10, 5, 5])
    by_hand = chi_square([500, 490, 10], [480, 500, 20], least_expected=0)
    assert found.pooled == 2  # of 3, 3, 4 with 5, 5, 10: the last expects 7
    assert numbers(chi_square([500, 490, 4, 6], [480, 500, 10, 10], least_expected=0)) == numbers(found)
    assert by_hand.pooled == 0


def test_a_pool_that_is_still_too_small_takes_the_smallest_category_in() -> None:
    found = chi_square([500, 30, 1], [480, 28, 1])
    assert found.pooled == 2
    assert numbers(found) == numbers(chi_square([500, 31], [480, 29], least_expected=0))


def test_too_few_values_for_two_groups_are_no_test() -> None:
    found = chi_square([2_500, 2_500, 2_500, 2_500], [3, 4, 1, 2])
    reason = "too few values: fewer than two groups of categories expect 5 on each side"
    assert found == ChiSquare(None, None, None, None, 4, reason)


def test_one_category_on_both_sides_is_chi_square_zero_with_p_one() -> None:
    assert chi_square([1_000], [700]) == ChiSquare(0.0, 0, 1.0, 0.0)
    assert chi_square([0, 1_000, 0], [0, 1, 0]) == ChiSquare(0.0, 0, 1.0, 0.0)


def test_a_new_category_does_not_make_p_zero_by_its_mere_presence() -> None:
    found = chi_square([6_000, 4_000, 0], [600, 400, 1])
    assert numbers(found)[2] > 0.5


def test_identical_shares_have_chi_square_zero() -> None:
    assert numbers(chi_square([100, 200], [1_000, 2_000])) == (0.0, 1, 1.0, 0.0)


def test_disjoint_categories_have_cramers_v_one() -> None:
    statistic, degrees, p_value, v = numbers(chi_square([1_000, 0], [0, 1_000]))
    assert (statistic, degrees, p_value, v) == (2_000.0, 1, 0.0, 1.0)


def test_cramers_v_of_the_same_shares_shrinks_as_the_sizes_grow_apart() -> None:
    even = numbers(chi_square([5_000, 5_000], [6_000, 4_000]))[3]
    uneven = numbers(chi_square([500_000, 500_000], [6_000, 4_000]))[3]
    assert even == pytest.approx(0.1005, abs=1e-4)
    assert uneven == pytest.approx(even * 2 * math.sqrt(1_000_000 * 10_000) / 1_010_000, rel=0.01)


def test_counts_beyond_what_floats_hold_stay_exact() -> None:
    found = numbers(chi_square([2**60, 2**60], [2**60 + 2**32, 2**60 - 2**32]))
    assert found[0] == pytest.approx(2 * 2**64 / (2**61), rel=1e-9)


def test_a_side_without_values_is_no_test() -> None:
    reason = "no values on the current side"
    assert chi_square([1, 2], [0, 0]) == ChiSquare(None, None, None, None, reason=reason)
    assert ks_on_bins([1, 2], [0, 0]) == KsOnBins(None, None, None, reason)
    assert ks_on_bins([], []).reason == "no values on the reference and the current side"


@pytest.mark.parametrize("test", [chi_square, ks_on_bins])
def test_counts_that_are_none_are_refused(test: Any) -> None:
    with pytest.raises(ValueError, match="a count is negative: -1"):
        test([1, 2], [-1, 2])
    with pytest.raises(ValueError, match="3 bins in the reference, 1 in the current counts"):
        test([1, 2, 3], [1])


def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of one of several laws, from one to 400 values each, shifted or not."""
    sizes, shift = rng.integers(1, 400, 2), rng.choice([0.0, 0.1, 1.0, 5.0])
    law = rng.choice(["normal", "lognormal", "integers", "zeros", "cauchy", "constant"])
    samples = []
    for size, by in zip(sizes, (0.0, shift), strict=True):
        values = rng.normal(by, 1, size)
        made = {
            "normal": values,
            "lognormal": np.exp(values),
            "integers": np.floor(3 * values),
            "zeros": np.where(rng.random(size) < 0.6, 0.0, values),
            "cauchy": rng.standard_cauchy(size) + by,
            "constant": np.full(size, by),
        }
        samples.append(np.asarray(made[law]) + 0.0)
    return samples[0], samples[1]


def test_ks_on_bins_bounds_scipys_on_the_values_of_a_thousand_random_pairs(rng: np.random.Generator) -> None:
    for _ in range(1_000):
        trained, tonight = draw(rng)
        edges = quantile_cuts(np.sort(trained), int(rng.integers(2, 40))).edges
        before, now = bin_counts(trained, edges).tolist(), bin_counts(tonight, edges).tolist()
        exact = stats.ks_2samp(trained, tonight, method="asymp").statistic
        found = ks_on_bins(before, now)
        assert found.ks_on_bins is not None
        assert found.at_most is not None
        assert found.ks_on_bins - 1e-12 <= exact <= found.at_most + 1e-12
        shares = zip(before, now, strict=True)
        widest = max(min(a / len(trained), b / len(tonight)) for a, b in shares)
        assert found.at_most <= min(found.ks_on_bins + widest, 1.0) + 1e-12


def test_ks_on_bins_of_one_value_each_is_scipys_on_the_values(rng: np.random.Generator) -> None:
    for _ in range(200):
        trained, tonight = rng.integers(0, 12, 80).astype(float), rng.integers(1, 14, 50).astype(float)
        edges = tuple(float(edge) for edge in range(1, 14))
        found = ks_on_bins(bin_counts(trained, edges).tolist(), bin_counts(tonight, edges).tolist())
        assert found.ks_on_bins == pytest.approx(stats.ks_2samp(trained, tonight, method="asymp").statistic, abs=1e-12)


def test_the_p_value_is_kolmogorovs_and_near_scipys_where_there_are_many_values(rng: np.random.Generator) -> None:
    trained, tonight = rng.integers(0, 100, 5_000), rng.integers(0, 102, 4_000)
    before, now = np.bincount(trained, minlength=102), np.bincount(tonight, minlength=102)
    found = ks_on_bins(before.tolist(), now.tolist())
    assert found.ks_on_bins is not None
    statistic = math.sqrt(5_000 * 4_000 / 9_000) * found.ks_on_bins
    assert found.p_value == pytest.approx(stats.kstwobign.sf(statistic), rel=1e-12)
    assert found.p_value == pytest.approx(stats.ks_2samp(trained, tonight).pvalue, rel=0.05)
    # The 5 % point that tables give, 1.358 sqrt((N + M) / (N M)).
    assert stats.kstwobign.sf(1.358) == pytest.approx(0.05, abs=1e-4)


def test_the_p_value_of_few_values_is_above_the_exact_one(rng: np.random.Generator) -> None:
    for _ in range(200):
        trained, tonight = rng.normal(0, 1, 30), rng.normal(0.8, 1, 40)
        edges = tuple(np.unique(np.concatenate([trained, tonight])).tolist())
        found = ks_on_bins(bin_counts(trained, edges).tolist(), bin_counts(tonight, edges).tolist())
        exact = stats.ks_2samp(trained, tonight, method="exact")
        assert found.ks_on_bins == pytest.approx(exact.statistic, abs=1e-12)
        assert found.p_value is not None
        assert exact.pvalue <= found.p_value <= exact.pvalue + 0.1


def test_ks_of_identical_disjoint_and_constant_counts() -> None:
    assert ks_on_bins([1, 3, 7], [2, 6, 14]).ks_on_bins == 0.0
    assert ks_on_bins([1, 3, 7], [2, 6, 14]).p_value == 1.0
    assert ks_on_bins([1_000, 0], [0, 1_000]) == KsOnBins(1.0, 1.0, 0.0)
    # One bin tells nothing about what is in it.
    assert ks_on_bins([1_000], [700]) == KsOnBins(0.0, 1.0, 1.0)


def test_ks_of_counts_beyond_64_bits_is_exact() -> None:
    """N M is 1e26 here: products of 64-bit numbers would wrap around, and so the statistic, too."""
    before, now = [3 * 10**12, 7 * 10**12, 10**12], [2 * 10**12, 8 * 10**12, 10**12]
    found, small = ks_on_bins(before, now), ks_on_bins([3, 7, 1], [2, 8, 1])
    assert (found.ks_on_bins, found.at_most) == (small.ks_on_bins, small.at_most)
    assert ks_on_bins(np.array(before), np.array(now)) == found

"""All slices at once beside each pair judged by the rules themselves: the verdicts must be the same to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from data_checks import drift_rules as rules
from data_checks.distances import js_distance_base2, psi, psi_noise
from data_checks.distribution_tests import chi_square
from data_checks.rate_change import chance_of_rate_change, chances_of_rate_change
from data_checks.slice_drift import LISTED, _Column, _slices, compare_slices
from data_checks.slice_screen import NEAR, UNSURE, screen
from data_checks.slices import MISSING, OTHER, SliceProfile
from schemas.drift_settings import Drift
from schemas.verdicts import DriftStatus, SliceColumn, SliceDrift

FLAGGED = (DriftStatus.WARN, DriftStatus.DRIFT)
Sides = tuple[SliceProfile, SliceProfile]


def one_by_one(sides: Sides, settings: Drift, labels: dict[str, list[str]]) -> tuple[SliceDrift, ...]:
    """`compare_slices` as it was before columns were judged together: every pair by the rules, one after another."""
    columns = [_Column.of(name, words, *sides) for name, words in labels.items()]
    both = int(((sides[0].rows > 0) & (sides[1].rows > 0)).sum())
    stricter = settings.model_copy(update={"significance": settings.significance / max(both * len(labels), 1)})
    found = [
        judged(one, [column.compare(place, stricter) for column in columns])
        if one.reference_rows and one.current_rows
        else one
        for place, one in enumerate(_slices(*sides, []))
    ]
    seen = (one for one in found if one.reference_rows or one.current_rows)
    return tuple(sorted(seen, key=lambda one: (-rules.severity(one.status), -one.current_rows, one.value)))


def judged(one: SliceDrift, columns: Sequence[SliceColumn]) -> SliceDrift:
    compared = [column for column in columns if column.status is not DriftStatus.NOT_COMPUTED]
    if not compared:
        return one
    flagged = [column for column in compared if column.status in FLAGGED]
    flagged.sort(key=lambda column: (-rules.severity(column.status), -(column.psi or 0.0), column.column))
    status = rules.worst([column.status for column in compared])
    return replace(one, status=status, compared=len(compared), columns=tuple(flagged[:LISTED]))


def labels_of(profile: SliceProfile) -> dict[str, list[str]]:
    return {name: [f"b{place}" for place in range(counts.shape[1] - 1)] for name, counts in profile.columns.items()}


def random_sides(rng: np.random.Generator, slices: int = 5, columns: int = 4, moved: float = 0.4) -> Sides:
    """Of few rows and of many, few bins and many, moved and not; with constants, rare bins and empty slices."""
    values = (*(f"v{place}" for place in range(slices - 2)), OTHER, MISSING)
    bins = {f"c{place}": int(rng.choice([0, 1, 2, 10, 30], p=[0.02, 0.08, 0.3, 0.4, 0.2])) for place in range(columns)}
    sides = [SliceProfile.empty("slice", values, bins, {}) for _ in range(2)]
    for side in sides:
        side.rows[:] = (10 ** rng.uniform(0.3, rng.choice([3, 5, 7]), slices)).astype(int) * (rng.random(slices) < 0.9)
    for name, count in bins.items():
        law = rng.dirichlet(np.full(count, float(rng.choice([0.1, 1.0, 20.0])))) if count else np.zeros(0)
        missing = float(rng.choice([0.0, 0.001, 0.02, 0.3, 1.0], p=[0.3, 0.2, 0.25, 0.2, 0.05])) if count else 1.0
        for side in sides:
            by = rng.choice([0.05, 0.3, 1.0], (slices, 1)) * (rng.random((slices, 1)) < moved * (side is sides[1]))
            absent = np.minimum(missing + rng.choice([0.0, 0.01, 0.05], (slices, 1)) * (by > 0), 1.0)
            shares = np.hstack([((1 - by) * law + by * law[::-1]) * (1 - absent), absent])
            side.columns[name][:] = rng.multinomial(side.rows, shares)
    return sides[0], sides[1]


def random_settings(rng: np.random.Generator) -> Drift:
    warn, drift = sorted(rng.choice([0.01, 0.1, 0.25], 2))
    js = rng.choice([0.01, 0.1, 0.25])
    return Drift(psi_warn=warn, psi_drift=drift, js_distance_warn=js, significance=rng.choice([0.05, 0.001, 1e-9]))


def test_the_verdicts_of_six_hundred_random_profiles_are_those_of_the_pairs_one_by_one(
    rng: np.random.Generator,
) -> None:
    statuses = []
    for _ in range(600):
        sides, settings = random_sides(rng), random_settings(rng)
        found = compare_slices(*sides, settings, labels_of(sides[0]))
        assert found == one_by_one(sides, settings, labels_of(sides[0]))
        statuses += [one.status for one in found]
    assert all(statuses.count(status) > 50 for status in DriftStatus)


def test_more_flagged_columns_than_are_listed_are_listed_in_the_same_order(rng: np.random.Generator) -> None:
    """Columns that move alike have the same PSI but for rounding: their names decide."""
    full = 0
    for _ in range(30):
        sides = random_sides(rng, 4, 12, moved=1.0)
        for side in sides:
            for name, counts in list(side.columns.items())[:8]:
                side.columns[f"a {name}"] = counts.copy()
                side.columns[f"z {name}"] = np.concatenate([counts[:, -2::-1], counts[:, -1:]], axis=1)
        found = compare_slices(*sides, Drift(significance=0.05), labels_of(sides[0]))
        assert found == one_by_one(sides, Drift(significance=0.05), labels_of(sides[0]))
        full += sum(len(one.columns) == LISTED for one in found)
    assert full > 20


@pytest.mark.parametrize("number", [psi, psi_noise, js_distance_base2])
@pytest.mark.parametrize("by", [1.0, 1 + 1e-15, 1 - 1e-15])
def test_a_number_that_is_a_threshold_but_for_rounding_is_judged_as_before(
    rng: np.random.Generator, number: Callable[..., float], by: float
) -> None:
    seen = 0
    for _ in range(60):
        sides = random_sides(rng, 3, 2)
        before, now = (side.columns["c0"][0, :-1].tolist() for side in sides)
        threshold = number(before, now) * by if sum(before) and sum(now) else 0.0
        if threshold <= 0:
            continue
        seen += 1
        for name in ("psi_warn", "psi_drift", "js_distance_warn"):
            settings = Drift(significance=0.05).model_copy(update={name: threshold})
            labels = labels_of(sides[0])
            assert compare_slices(*sides, settings, labels) == one_by_one(sides, settings, labels)
    assert seen > 30


def test_a_significance_that_is_a_pairs_own_chance_is_judged_as_before(rng: np.random.Generator) -> None:
    seen = 0
    for _ in range(300):
        sides = random_sides(rng, 3, 1)
        (before, *_), (now, *_) = (side.columns["c0"].tolist() for side in sides)
        both = int(((sides[0].rows > 0) & (sides[1].rows > 0)).sum())
        values = chi_square(before[:-1], now[:-1]).p_value
        for chance in (values, chance_of_rate_change((before[-1], sum(before)), (now[-1], sum(now)))):
            if chance is None or not 0 < chance * both <= 0.05:
                continue
            seen += 1
            settings, labels = Drift(significance=chance * both, psi_warn=1e-6), labels_of(sides[0])
            assert compare_slices(*sides, settings, labels) == one_by_one(sides, settings, labels)
    assert seen > 30


def test_missing_rates_on_their_thresholds_are_judged_as_before() -> None:
    """2 % of 10,000 beside 3 % of 5,000 is a difference of 0.01 that floats have as 0.009999999999999998."""
    values, names = ("v", OTHER, MISSING), [f"c{place}" for place in range(6)]
    sides = tuple(SliceProfile.empty("slice", values, dict.fromkeys(names, 2), {}) for _ in range(2))
    for side, rows, rates in ((sides[0], 10_000, (2, 1, 0, 5, 3, 0)), (sides[1], 5_000, (3, 2, 1, 10, 8, 5))):
        side.rows[0] = rows
        for name, rate in zip(names, rates, strict=True):
            missing = rows * rate // 100
            side.columns[name][0] = [rows // 2, rows - rows // 2 - missing, missing]
    assert compare_slices(*sides, Drift(), labels_of(sides[0])) == one_by_one(
        (sides[0], sides[1]), Drift(), labels_of(sides[0])
    )


def test_counts_beyond_what_floats_hold_are_judged_one_by_one() -> None:
    sides = tuple(SliceProfile.empty("slice", ("v", OTHER, MISSING), {"a": 2, "b": 2}, {}) for _ in range(2))
    for side, shift in zip(sides, (0, 1 << 58), strict=True):
        side.rows[0] = 3 << 60
        side.columns["a"][0] = [(1 << 60) + shift, (1 << 60) - shift, 1 << 60]
        side.columns["b"][0] = [1_000 + (shift > 0), 1_000, 0]
    pairs = [(sides[0].columns[name], sides[1].columns[name]) for name in ("a", "b")]
    assert (screen(pairs, Drift()).severities[0] == UNSURE).tolist() == [True, False]
    labels = labels_of(sides[0])
    assert compare_slices(*sides, Drift(), labels) == one_by_one((sides[0], sides[1]), Drift(), labels)


def test_hardly_any_pair_is_left_to_be_judged_alone_and_psi_is_near(rng: np.random.Generator) -> None:
    pairs = unsure = 0
    for _ in range(100):
        sides = random_sides(rng)
        names = list(sides[0].columns)
        found = screen([(sides[0].columns[name], sides[1].columns[name]) for name in names], Drift())
        pairs, unsure = pairs + found.severities.size, unsure + int((found.severities == UNSURE).sum())
        for place, name in enumerate(names):
            for row in np.ndindex(len(sides[0].values)):
                before, now = (side.columns[name][row][:-1].tolist() for side in sides)
                exact = psi(before, now) if sum(before) and sum(now) else 0.0
                assert found.psi[(*row, place)] == pytest.approx(exact, rel=NEAR, abs=NEAR / 1_000)
    assert pairs > 1_900
    assert unsure < 0.01 * pairs


def test_columns_are_screened_alike_alone_and_among_so_many_that_they_are_cut_into_blocks(
    rng: np.random.Generator,
) -> None:
    sides = [random_sides(rng, 50, 8) for _ in range(20)]
    pairs = [(one.columns[name], other.columns[name]) for one, other in sides for name in one.columns]
    assert sum(before.size for before, _ in pairs) > 1 << 16
    together, alone = screen(pairs, Drift()), [screen([pair], Drift()) for pair in pairs]
    assert (together.severities == np.concatenate([one.severities for one in alone], axis=1)).all()
    np.testing.assert_allclose(together.psi, np.concatenate([one.psi for one in alone], axis=1), rtol=1e-12, atol=1e-15)


def test_no_columns_at_all_are_no_severities() -> None:
    assert screen([], Drift()).severities.shape == (0, 0)


def test_the_chances_of_many_rates_are_those_of_each(rng: np.random.Generator) -> None:
    rows = rng.integers(1, 3_000, (2, 500))
    counts = rng.binomial(rows, rng.random((2, 500)) ** 3)
    sides = [(count.astype(float), size.astype(float)) for count, size in zip(counts, rows, strict=True)]
    many = chances_of_rate_change(sides[0], sides[1]).tolist()
    each = zip(*(zip(count.tolist(), size.tolist(), strict=True) for count, size in sides), strict=True)
    assert many == [chance_of_rate_change(*pair) for pair in each]

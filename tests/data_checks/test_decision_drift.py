from __future__ import annotations

import doctest
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.stats import binomtest, chi2_contingency

from data_checks import decision_drift
from data_checks.decision_drift import chance_of_shares, compare_decisions
from data_checks.decisions import DecisionProfile
from data_checks.distribution_tests import chi_square
from data_checks.moments import Moments
from data_checks.proportion import wilson_interval
from schemas.drift_settings import Drift
from schemas.verdicts import DecisionDrift, DriftStatus

LABELS = ("on time", "late")


def decided(*counts: int, threshold: float | None = 0.5, right: float = 0.75) -> DecisionProfile:
    expected = Moments()
    expected.add(np.full(sum(counts), right))
    labels = LABELS if len(counts) == 2 else tuple("abcdefgh"[: len(counts)])
    return DecisionProfile("late", labels, threshold if len(counts) == 2 else None, list(counts), 0, expected)


def compare(reference: DecisionProfile | None, current: DecisionProfile) -> DecisionDrift:
    found = compare_decisions(reference, current, Drift())
    json.dumps(asdict(found), allow_nan=False)
    return found


def test_the_examples_of_the_docstrings_are_true() -> None:
    assert doctest.testmod(decision_drift).failed == 0


@pytest.mark.parametrize("rows", [1, 7, 100, 40_000])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.99, 1.0])
def test_the_interval_is_scipys(rows: int, share: float) -> None:
    count = round(share * rows)
    expected = binomtest(count, rows).proportion_ci(0.95, method="wilson")
    assert wilson_interval(count, rows) == pytest.approx((expected.low, expected.high), rel=1e-12, abs=1e-15)


def test_a_moved_share_is_told_with_its_interval_and_the_accuracy_to_expect() -> None:
    found = compare(decided(7_900, 2_100, right=0.9), decided(690, 310, right=0.8))
    assert found.status is DriftStatus.DRIFT
    sentence = "late: 31 % of tonight's rows decided 'late', 21 % in training"
    assert found.reason == f"{sentence} (total variation 0.10, drift from 0.1)"
    assert (found.threshold, found.reference_rows, found.current_rows) == (0.5, 10_000, 1_000)
    assert found.total_variation == 0.1
    assert found.expected_accuracy_reference == pytest.approx(0.9)
    assert found.expected_accuracy_current == pytest.approx(0.8)
    late = found.classes[1]
    assert (late.label, late.reference, late.current) == ("late", 0.21, 0.31)
    assert (late.current_low, late.current_high) == wilson_interval(310, 1_000)


@pytest.mark.parametrize(
    ("late", "status"),
    [(2_100, "ok"), (2_599, "ok"), (2_600, "warn"), (3_099, "warn"), (3_100, "drift"), (1_600, "warn"), (0, "drift")],
)
def test_the_status_follows_from_the_share_of_rows_decided_otherwise(late: int, status: str) -> None:
    found = compare(decided(7_900, 2_100), decided(10_000 - late, late))
    assert found.status == status
    assert bool(found.reason) == (status != "ok")


def test_a_material_change_that_may_be_chance_is_insufficient_data() -> None:
    found = compare(decided(7_900, 2_100), decided(83, 37))
    assert found.status is DriftStatus.INSUFFICIENT_DATA
    sentence = "late: 31 % of tonight's rows decided 'late', 21 % in training"
    assert found.reason == f"{sentence}: with 120 rows tonight and 10,000 in training that may be chance"


@pytest.mark.parametrize(
    ("reference", "current", "when"),
    [((8_000, 2_000), (24, 6), "tonight"), ((24, 6), (8_000, 2_000), "in training")],
)
def test_too_few_rows_on_either_side_are_insufficient_data(
    reference: tuple[int, int], current: tuple[int, int], when: str
) -> None:
    found = compare(decided(*reference), decided(*current))
    assert found.status is DriftStatus.INSUFFICIENT_DATA
    assert found.reason == f"late: 30 decided rows {when} are too few: a share may be anything from 63 % to 90 %"


@pytest.mark.parametrize(("rows", "status"), [(80, "insufficient_data"), (100, "ok")])
def test_a_share_is_known_well_enough_from_a_tenth_to_either_side_on(rows: int, status: str) -> None:
    assert compare(decided(5_000, 5_000), decided(rows // 2, rows // 2)).status == status


def test_few_rows_are_enough_where_the_change_is_beyond_chance() -> None:
    assert compare(decided(9_900, 100), decided(10, 20)).status is DriftStatus.DRIFT


def test_a_class_too_rare_for_chi_square_that_becomes_common_is_drift() -> None:
    """Chi-square pools the rare class with one that shrank by as much, and sees no change at all."""
    before, now = (90_000, 9_900, 100), (179, 0, 21)
    assert (chi_square(before, now).p_value or 0.0) > 0.5
    assert compare(decided(*before), decided(*now)).status is DriftStatus.DRIFT
    alarm = compare(decided(99_000, 1_000), decided(170, 30))
    assert alarm.status is DriftStatus.DRIFT
    assert alarm.reason.startswith("late: 15 % of tonight's rows decided 'late', 1.0 % in training")


def test_one_row_of_a_rare_class_among_few_is_no_alarm() -> None:
    """Unpooled chi-square gives p < 1e-10 here; the chance is one in 25."""
    assert chi2_contingency([[100_000, 100], [19, 1]], correction=False).pvalue < 1e-10
    assert compare(decided(100_000, 100), decided(19, 1)).status is DriftStatus.INSUFFICIENT_DATA


def test_the_class_that_moved_most_is_named_and_of_several_the_last() -> None:
    found = compare(decided(4_000, 4_000, 2_000), decided(2_500, 4_100, 3_400))
    assert found.reason.startswith("late: 25 % of tonight's rows decided 'a', 40 % in training (total variation 0.15")
    equal = compare(decided(4_000, 4_000, 2_000), decided(2_500, 4_000, 3_500))
    assert equal.reason.startswith("late: 35 % of tonight's rows decided 'c', 20 % in training")


def test_the_chance_is_scipys_chi_square_where_the_counts_are_large() -> None:
    before, now = [4_000, 3_000, 2_000, 1_000], [1_980, 1_540, 960, 560]
    expected = chi2_contingency([before, now], correction=False).pvalue
    assert chance_of_shares(before, now) == pytest.approx(2 * expected, rel=1e-9)
    assert chance_of_shares([0, 0], [3, 4]) == chance_of_shares([3, 4], [0, 0]) == 1.0


@pytest.mark.parametrize("shares", [[0.7, 0.3], [0.999, 0.001], [0.5, 0.3, 0.15, 0.04, 0.01]])
@pytest.mark.parametrize("rows", [15, 100, 3_000])
def test_by_chance_alone_it_is_not_small_more_often_than_it_says(
    rng: np.random.Generator, shares: list[float], rows: int
) -> None:
    before, now = (rng.multinomial(size, shares, 2_000).tolist() for size in (4_000, rows))
    chances = np.array([chance_of_shares(a, b) for a, b in zip(before, now, strict=True)])
    for level in (0.1, 0.01):
        allowed = level + 4 * np.sqrt(level * (1 - level) / len(chances))
        assert (chances < level).mean() <= allowed


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (None, "not in the reference profile"),
        (replace(decided(50, 50), model="early"), "the reference profile has the decisions of another model or for"),
        (replace(decided(50, 50), labels=("late", "on time")), "the reference profile has the decisions of another"),
        (decided(50, 50, threshold=0.4), "decided at a threshold of 0.5, in the reference profile at 0.4"),
        (decided(0, 0), "the model decided no row of training"),
    ],
)
def test_what_cannot_be_compared_says_why_and_still_tells_tonights_shares(
    reference: DecisionProfile | None, reason: str
) -> None:
    found = compare(reference, decided(300, 100))
    assert found.status is DriftStatus.NOT_COMPUTED
    assert found.reason.startswith(reason)
    assert [(one.reference, one.current) for one in found.classes] == [(None, 0.75), (None, 0.25)]
    assert (found.total_variation, found.expected_accuracy_reference) == (None, None)
    assert found.expected_accuracy_current == pytest.approx(0.75)


def test_a_night_without_rows_has_no_shares() -> None:
    found = compare(decided(50, 50), decided(0, 0))
    assert (found.status, found.reason) == (DriftStatus.NOT_COMPUTED, "the model decided no row tonight")
    assert (found.classes, found.expected_accuracy_current) == ((), None)

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    precision_score,
    recall_score,
    roc_auc_score,
)

from data_checks.calibration import FINE_BINS, Calibration
from data_checks.calibration_result import CalibrationResult, calibration_result, reliability_bins, roc_auc
from data_checks.float_sums import FloatSums
from data_checks.histogram import UNIT_BINS
from data_checks.proportion import wilson_interval

Array = np.ndarray[Any, Any]


def scored(seed: int, rows: int = 5000, bend: float = 1.0) -> tuple[Array, Array]:
    """Probabilities, and outcomes that happen with the probability to the power of `bend`: right where that is 1."""
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(1.2, 3.0, rows)
    return probabilities, rng.random(rows) < probabilities**bend


def state_of(probabilities: Array, outcomes: Array, threshold: float = 0.35) -> Calibration:
    state = Calibration(threshold)
    state.add(probabilities, outcomes)
    return state


def result_of(probabilities: Array, outcomes: Array, threshold: float = 0.35) -> CalibrationResult:
    result = calibration_result(state_of(probabilities, outcomes, threshold))
    assert result is not None
    return result


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bend", [0.5, 1.0, 2.0])
def test_the_numbers_are_those_of_scikit_learn(seed: int, bend: float) -> None:
    probabilities, outcomes = scored(seed, bend=bend)
    result, decided = result_of(probabilities, outcomes), probabilities >= 0.35
    happened, said = calibration_curve(outcomes, probabilities, n_bins=UNIT_BINS)
    assert [item.happened.value for item in result.bins] == pytest.approx(happened.tolist(), abs=1e-12)
    assert [item.mean_probability for item in result.bins] == pytest.approx(said.tolist(), abs=1e-12)
    assert result.brier_score == pytest.approx(brier_score_loss(outcomes, probabilities), abs=1e-12)
    assert result.accuracy.value == pytest.approx(accuracy_score(outcomes, decided), abs=1e-12)
    assert result.precision.value == pytest.approx(precision_score(outcomes, decided), abs=1e-12)
    assert result.recall.value == pytest.approx(recall_score(outcomes, decided), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_area_under_the_curve_is_scikit_learns_between_its_bounds(seed: int) -> None:
    probabilities, outcomes = scored(seed, rows=800)
    area = roc_auc(state_of(probabilities, outcomes))
    assert area is not None
    exact = roc_auc_score(outcomes, probabilities)
    assert area.low <= exact <= area.high
    assert area.high - area.low < 0.005
    assert area.value == pytest.approx(exact, abs=0.0005)


def test_equal_probabilities_count_half_as_scikit_learn_counts_them() -> None:
    rng = np.random.default_rng(3)
    probabilities, outcomes = rng.integers(0, 11, 500) / 10, rng.random(500) < 0.4
    area = roc_auc(state_of(probabilities, outcomes))
    assert area is not None
    assert area.value == pytest.approx(roc_auc_score(outcomes, probabilities), abs=1e-12)


def test_the_confusion_counts_are_those_of_scikit_learn() -> None:
    probabilities, outcomes = scored(1)
    state = state_of(probabilities, outcomes)
    (_, false_positives), (_, true_positives) = confusion_matrix(outcomes, probabilities >= 0.35)
    assert (state.true_positives, state.false_positives) == (true_positives, false_positives)


def test_the_threshold_is_taken_in_the_type_of_the_scores() -> None:
    """0.35 as float32 is a little less than 0.35: such a row was decided for when it was scored."""
    single = np.array([0.35], np.float32)
    assert float(single[0]) < 0.35
    assert state_of(single, np.array([True])).true_positives == 1
    assert state_of(single.astype(np.float64), np.array([True])).true_positives == 0


@pytest.mark.parametrize("seed", range(4))
def test_expected_accuracy_is_the_realised_one_where_the_probabilities_are_right(seed: int) -> None:
    result = result_of(*scored(seed, rows=200_000))
    assert result.accuracy.value == pytest.approx(result.expected_accuracy, abs=4 * np.sqrt(0.25 / 200_000))


def test_expected_accuracy_is_the_mean_probability_of_what_was_decided_for() -> None:
    probabilities, outcomes = scored(2)
    expected = np.where(probabilities >= 0.35, probabilities, 1 - probabilities).mean()
    assert result_of(probabilities, outcomes).expected_accuracy == pytest.approx(expected, abs=1e-12)


def test_the_calibration_error_by_hand() -> None:
    probabilities = np.array([0.1, 0.1, 0.1, 0.1, 0.9, 0.9])
    outcomes = np.array([True, False, False, False, True, False])
    result = result_of(probabilities, outcomes)
    assert result.expected_calibration_error == pytest.approx((4 * abs(0.25 - 0.1) + 2 * abs(0.5 - 0.9)) / 6)
    assert result.brier_of_base_rate == pytest.approx((1 / 3) * (2 / 3))


def test_the_error_by_chance_is_what_right_probabilities_come_to() -> None:
    errors = [result_of(*scored(seed, rows=2000)) for seed in range(60)]
    seen = np.mean([result.expected_calibration_error for result in errors])
    assert np.mean([result.error_by_chance for result in errors]) == pytest.approx(seen, rel=0.1)


def test_wrong_probabilities_have_an_error_far_above_chance() -> None:
    result = result_of(*scored(0, rows=20_000, bend=2.0))
    assert result.expected_calibration_error > 10 * result.error_by_chance
    assert result.mean_probability > (result.happened.high or 0)


@pytest.mark.parametrize(("count", "rows"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (5, 100_000)])
def test_intervals_are_scipys(count: int, rows: int) -> None:
    expected = binomtest(count, rows).proportion_ci(method="wilson")
    assert wilson_interval(count, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("count", "rows"), [(-1, 3), (4, 3), (0, 0)])
def test_a_share_of_no_rows_has_no_interval(count: int, rows: int) -> None:
    with pytest.raises(ValueError, match=f"no share: {count} of {rows} rows"):
        wilson_interval(count, rows)


def test_every_probability_is_in_a_bin_and_an_edge_belongs_to_the_upper_one() -> None:
    probabilities = np.array([0.0, 0.05, np.nextafter(0.05, 0), 0.95, 1.0])
    bins = reliability_bins(state_of(probabilities, np.ones(5, np.bool_)))
    assert [(item.low, item.rows) for item in bins] == [(0.0, 2), (0.05, 1), (0.95, 2)]


def test_rows_without_a_probability_are_counted_apart() -> None:
    state = state_of(np.array([0.5, np.nan, 0.1]), np.array([True, True, False]))
    assert (state.rows, state.missing) == (2, 1)


@pytest.mark.parametrize("wrong", [-0.01, 1.5, np.inf, -np.inf])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="is not a probability: it must be within 0 and 1"):
        Calibration(0.5).add(np.array([0.5, wrong]), np.array([True, False]))


@pytest.mark.parametrize("outcomes", [np.array([True]), np.array([1, 0]), np.array([[True, False]])])
def test_outcomes_are_one_bool_for_each_probability(outcomes: Array) -> None:
    with pytest.raises(ValueError, match=r"2 probabilities and [12] outcomes of type .*: there must be one bool for"):
        Calibration(0.5).add(np.array([0.5, 0.2]), outcomes)


def test_nothing_known_gives_no_numbers() -> None:
    assert calibration_result(Calibration(0.5)) is None
    assert calibration_result(state_of(np.array([np.nan]), np.array([True]))) is None


def test_numbers_that_need_what_did_not_happen_are_none() -> None:
    result = result_of(np.array([0.1, 0.2]), np.array([False, False]))
    assert result.roc_auc is None
    assert (result.precision.value, result.recall.value) == (None, None)
    assert result.accuracy.value == 1.0


def test_outcomes_at_different_thresholds_do_not_merge() -> None:
    with pytest.raises(ValueError, match=r"outcomes at the thresholds 0\.5 and 0\.35 cannot be merged"):
        Calibration(0.5).merge(Calibration(0.35))


def test_a_calibration_survives_strict_json() -> None:
    state = state_of(*scored(5))
    again = Calibration.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False)))
    assert calibration_result(again) == calibration_result(state)
    assert again.to_json() == state.to_json()


def test_something_else_is_not_taken_for_a_calibration() -> None:
    with pytest.raises(ValueError, match="not a calibration of version 1: format None, version None"):
        Calibration.from_json({})


def test_the_fine_bins_refine_the_bins_of_the_table() -> None:
    assert FINE_BINS % UNIT_BINS == 0
    state = state_of(*scored(6))
    edges = np.linspace(0, 1, UNIT_BINS + 1)
    probabilities, outcomes = scored(6)
    assert state.bin_rows.tolist() == np.histogram(probabilities, edges)[0].tolist()
    assert state.bin_positives.tolist() == np.histogram(probabilities[outcomes], edges)[0].tolist()


def test_float_sums_do_not_depend_on_the_order() -> None:
    numbers = [1e300, 1.0, -1e300, 5e-324]
    sums = [FloatSums(1), FloatSums(1)]
    for number, backwards in zip(numbers, reversed(numbers), strict=True):
        sums[0].add([number])
        sums[1].add([backwards])
    assert sums[0].values == sums[1].values == [1.0]
    assert FloatSums.from_json(sums[0].to_json()) == sums[0]


def test_float_sums_of_other_sizes_do_not_merge() -> None:
    with pytest.raises(ValueError, match="2 sums and 3 sums cannot be merged"):
        FloatSums(2).merge(FloatSums(3))
    with pytest.raises(ValueError, match="1 sums where 2 are kept"):
        FloatSums(2, [1])


@pytest.mark.parametrize("text", ["", "1", "1p-2000", "zp1", "1p99999"])
def test_something_else_is_not_taken_for_an_exact_sum(text: str) -> None:
    with pytest.raises(ValueError, match="not an exact sum"):
        FloatSums.from_json([text])

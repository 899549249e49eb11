"""What the report of a range of nights says of probabilities whose outcomes are known."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from data_checks.calibration_chart import reliability_chart
from data_checks.calibration_result import CalibrationResult, Estimate, calibration_result
from data_checks.drift_bins import percent
from data_checks.report_words import Tile
from data_checks.trend_dates import month_name
from data_checks.trend_facts import ModelOutcomes


@dataclass(frozen=True)
class MonthOutcomes:
    """One month's numbers; None where no outcome of that month is known."""

    name: str
    result: CalibrationResult | None


@dataclass(frozen=True)
class OutcomesView:
    """One model's part of the page."""

    outcomes: ModelOutcomes
    #: None where no outcome is known.
    result: CalibrationResult | None
    chart: Markup | None
    sentences: tuple[str, ...]
    months: tuple[MonthOutcomes, ...]
    tiles: tuple[Tile, ...]


def outcomes_view(outcomes: ModelOutcomes) -> OutcomesView:
    """The numbers in words, tiles, a diagram and a table a month."""
    result = calibration_result(outcomes.whole)
    if result is None:
        return OutcomesView(outcomes, None, None, (), (), ())
    return OutcomesView(
        outcomes,
        result,
        Markup(reliability_chart(result)),  # noqa: S704  # made of numbers
        outcome_sentences(result),
        tuple(
            MonthOutcomes(month_name(month), calibration_result(state))
            for month, state in sorted(outcomes.months.items())
        ),
        _tiles(result),
    )


def outcome_line(outcomes: ModelOutcomes) -> str:
    """`late: accuracy 75.1 % (75.3 % expected), ROC AUC 0.713, 33,080 rows with an outcome, 793 without`."""
    result = calibration_result(outcomes.whole)
    if result is None:
        return f"{outcomes.model}: no outcome of a scored row is known"
    accuracy = f"accuracy {exact_percent(result.accuracy.value)} ({exact_percent(result.expected_accuracy)} expected)"
    auc = [] if result.roc_auc is None else [f"ROC AUC {result.roc_auc.value:.3f}"]
    rows = f"{result.rows:,} {'row' if result.rows == 1 else 'rows'} with an outcome"
    return f"{outcomes.model}: {', '.join([accuracy, *auc, rows])}, {outcomes.without_outcome:,} without"


def outcome_sentences(result: CalibrationResult) -> tuple[str, ...]:
    """Whether the probabilities were right on average and bin by bin, and the accuracy what it was expected to be."""
    return (_overall(result), _bin_by_bin(result), _accuracy(result))


def within(value: float, estimate: Estimate) -> bool:
    """Whether the value is in the interval of the estimate."""
    return estimate.low is not None and estimate.high is not None and estimate.low <= value <= estimate.high


def _overall(result: CalibrationResult) -> str:
    said, happened = exact_percent(result.mean_probability), exact_percent(result.happened.value)
    if within(result.mean_probability, result.happened):
        return f"the probabilities were on average right: {said} were predicted, and {happened} happened"
    word = "high" if result.mean_probability > (result.happened.value or 0.0) else "low"
    return f"the probabilities were on average too {word}: {said} were predicted, and {happened} happened"


def _bin_by_bin(result: CalibrationResult) -> str:
    wrong = [item for item in result.bins if not within(item.mean_probability, item.happened)]
    counted = f"{len(wrong)} of {len(result.bins)} bins are outside their 95 % interval"
    if not wrong:
        return f"bin by bin they were right as far as {result.rows:,} rows can tell"
    worst = max(wrong, key=lambda item: item.rows * abs((item.happened.value or 0.0) - item.mean_probability))
    return (
        f"{counted}; most rows by the one from {percent(worst.low)} to {percent(worst.high)}: "
        f"{exact_percent(worst.mean_probability)} were predicted, and {exact_percent(worst.happened.value)} happened"
    )


def _accuracy(result: CalibrationResult) -> str:
    realised, expected = exact_percent(result.accuracy.value), exact_percent(result.expected_accuracy)
    if within(result.expected_accuracy, result.accuracy):
        return f"{realised} of the decisions were right, and {expected} were to be expected: the estimate holds"
    word = "high" if result.expected_accuracy > (result.accuracy.value or 0.0) else "low"
    return f"{realised} of the decisions were right where {expected} were expected: the estimate was too {word}"


def _tiles(result: CalibrationResult) -> tuple[Tile, ...]:
    auc = result.roc_auc
    tone = "good" if within(result.expected_accuracy, result.accuracy) else "caution"
    return (
        Tile(
            "Accuracy",
            exact_percent(result.accuracy.value),
            f"{exact_percent(result.expected_accuracy)} expected",
            tone,
        ),
        Tile("Precision", exact_percent(result.precision.value), "of those decided for", "quiet"),
        Tile("Recall", exact_percent(result.recall.value), "of those that happened", "quiet"),
        Tile("ROC AUC", "–" if auc is None else f"{auc.value:.3f}", _bounds(result), "quiet"),
        Tile("Brier score", f"{result.brier_score:.3f}", f"{result.brier_of_base_rate:.3f} for the base rate", "quiet"),
        Tile(
            "Calibration error",
            f"{result.expected_calibration_error:.3f}",
            f"{result.error_by_chance:.3f} by chance alone",
            "quiet",
        ),
    )


def _bounds(result: CalibrationResult) -> str:
    if result.roc_auc is None:
        return "only one class happened"
    return f"{result.roc_auc.low:.3f} to {result.roc_auc.high:.3f} by ties"


def exact_percent(share: float | None) -> str:
    """`23.1 %`: a digit more than `percent`, for shares that are compared with each other."""
    return "–" if share is None else f"{100 * share:.1f} %"

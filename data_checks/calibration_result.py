"""The numbers that tell what probabilities were worth, from the counts of `Calibration`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from data_checks.calibration import Calibration
from data_checks.histogram import UNIT_BINS
from data_checks.proportion import wilson_interval


@dataclass(frozen=True)
class Estimate:
    """A share of rows and its 95 % interval (Wilson); the share is None where there is no row to take it of."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ReliabilityBin:
    """The rows with a probability in [low, high): what was said, and what happened."""

    low: float
    high: float
    rows: int
    positives: int
    mean_probability: float
    happened: Estimate


@dataclass(frozen=True)
class AreaUnderRoc:
    """The area is exact but for the order of rows within one fine bin, which it is between the bounds for."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CalibrationResult:
    """Of at least one row."""

    rows: int
    positives: int
    #: Of the second class, over all rows.
    mean_probability: float
    happened: Estimate
    #: Only those with rows, ascending.
    bins: tuple[ReliabilityBin, ...]
    #: Sum over bins of (share of the rows) * |share that happened - mean probability|: 0 to 1.
    expected_calibration_error: float
    #: What that error would be about if the probabilities were right, by chance alone at these counts.
    error_by_chance: float
    #: Mean of (probability - outcome)**2: 0 is perfect.
    brier_score: float
    #: The same for whoever says the share that happened for every row.
    brier_of_base_rate: float
    #: Share of the rows that were decided rightly.
    accuracy: Estimate
    #: What it would be if the probabilities were right: the mean probability of what was decided for.
    expected_accuracy: float
    #: Share of those decided for the second class that were.
    precision: Estimate
    #: Share of the second class that was decided for.
    recall: Estimate
    #: None where only one class happened.
    roc_auc: AreaUnderRoc | None


def calibration_result(state: Calibration) -> CalibrationResult | None:
    """The numbers; None where no row has both a probability and an outcome.

    The expected calibration error is that of Naeini, Cooper and Hauskrecht (AAAI 2015) on UNIT_BINS equal bins; the
    Brier score Brier's (1950), for the second class alone; the expected accuracy that of CBPE (Kivimaki et al. 2025,
    NannyML), without its calibration.
    """
    rows, positives = state.rows, int(state.positives.sum())
    if not rows:
        return None
    bins = reliability_bins(state)
    share = positives / rows
    decided, right = state.true_positives + state.false_positives, state.true_positives
    correct = right + (rows - positives) - state.false_positives
    return CalibrationResult(
        rows=rows,
        positives=positives,
        mean_probability=math.fsum(state.bin_probabilities) / rows,
        happened=_estimate(positives, rows),
        bins=bins,
        expected_calibration_error=_calibration_error(bins, rows),
        error_by_chance=_error_by_chance(bins, rows),
        brier_score=state.squared_errors / rows,
        brier_of_base_rate=share * (1 - share),
        accuracy=_estimate(correct, rows),
        expected_accuracy=state.expected_correct / rows,
        precision=_estimate(right, decided),
        recall=_estimate(right, positives),
        roc_auc=roc_auc(state),
    )


def reliability_bins(state: Calibration) -> tuple[ReliabilityBin, ...]:
    """The table behind a reliability diagram, without the bins that no probability fell in."""
    counts = zip(state.bin_rows.tolist(), state.bin_positives.tolist(), state.bin_probabilities, strict=True)
    return tuple(
        ReliabilityBin(
            place / UNIT_BINS, (place + 1) / UNIT_BINS, rows, positives, total / rows, _estimate(positives, rows)
        )
        for place, (rows, positives, total) in enumerate(counts)
        if rows
    )


def roc_auc(state: Calibration) -> AreaUnderRoc | None:
    """Chance that a row of the second class has a higher probability than one of the first; None where one is empty.

    (Hanley and McNeil 1982.) Pairs of rows in one fine bin count half, which is right for equal probabilities; the
    bounds count none and all of them.
    """
    below = concordant = tied = 0
    for positives, negatives in zip(state.positives.tolist(), state.negatives.tolist(), strict=True):
        concordant += positives * below
        tied += positives * negatives
        below += negatives
    pairs = int(state.positives.sum()) * below
    if not pairs:
        return None
    return AreaUnderRoc((2 * concordant + tied) / (2 * pairs), concordant / pairs, (concordant + tied) / pairs)


def _calibration_error(bins: tuple[ReliabilityBin, ...], rows: int) -> float:
    return math.fsum(abs(item.positives - item.rows * item.mean_probability) for item in bins) / rows


def _error_by_chance(bins: tuple[ReliabilityBin, ...], rows: int) -> float:
    """Mean absolute deviation of a binomial count is about sqrt(2 n p (1 - p) / pi), by its normal limit."""
    spreads = (item.rows * item.mean_probability * (1 - item.mean_probability) for item in bins)
    return math.fsum(math.sqrt(2 * max(spread, 0.0) / math.pi) for spread in spreads) / rows


def _estimate(count: int, rows: int) -> Estimate:
    return Estimate(count / rows, *wilson_interval(count, rows)) if rows else Estimate(None)

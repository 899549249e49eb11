"""Every number that says how far a column moved, each under its full name. Which of them decide, drift_rules tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from data_checks.column_summary import Numbers
from data_checks.distances import Measured, hellinger, l_infinity, total_variation
from data_checks.distribution_tests import chi_square, ks_on_bins
from data_checks.mean_shift import Spread, mean_shift_over_reference_sd, mean_shift_p_value, population_sd
from data_checks.reference import NumericFacts
from data_checks.transport import BinnedValues, Transport, wasserstein, wasserstein_over_reference_sd
from schemas.verdicts import Bin


@dataclass
class Measures:
    """Name to number, and the reasons of those that do not exist."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, measured: Measured) -> None:
        """Take in one number, or why there is none."""
        self.values[name] = measured.value
        if measured.value is None:
            self.values[f"{name}_reason"] = measured.reason


def _of_bins(bins: Sequence[Bin]) -> tuple[Measures, list[int], list[int]]:
    before, now = [item.reference for item in bins], [item.current for item in bins]
    measures = Measures()
    measures.add("total_variation", total_variation(before, now))
    measures.add("hellinger", hellinger(before, now))
    return measures, before, now


def numeric_measures(bins: Sequence[Bin], facts: NumericFacts, before: Numbers, now: Numbers) -> dict[str, Any]:
    """Of a numeric column: on the bins that PSI uses, on the fine grid, and of the means.

    On the fine grid `ks_on_grid` is a lower bound of the exact KS statistic, `ks_at_most` an upper one; the p-value is
    asymptotic. Of the Wasserstein distance there is an estimate with its bounds. Everything `over_reference_sd` is in
    standard deviations (ddof 0) of the reference, whatever `before` is.
    """
    measures, _, _ = _of_bins(bins)
    ks = ks_on_bins(before.counts, now.counts)
    measures.add("ks_on_grid", Measured(ks.ks_on_bins, ks.reason))
    measures.values |= {"ks_at_most": ks.at_most, "ks_p_value": ks.p_value}
    deviation = population_sd(facts.sd, facts.present - facts.infinite)
    if deviation is not None:
        measures.add("mean_shift_over_reference_sd", mean_shift_over_reference_sd(before.mean, now.mean, deviation))
        measures.values["mean_shift_p_value"] = mean_shift_p_value(_spread(before), _spread(now))
        moved = wasserstein_over_reference_sd(_transport(facts, before, now), deviation)
        measures.add("wasserstein_over_reference_sd", Measured(moved.value, moved.reason))
        measures.values["wasserstein_over_reference_sd_at_least"] = moved.at_least
        measures.values["wasserstein_over_reference_sd_at_most"] = moved.at_most
    return measures.values


def _spread(side: Numbers) -> Spread:
    return Spread(side.finite, side.mean, side.sd)


def _transport(facts: NumericFacts, before: Numbers, now: Numbers) -> Transport:
    if before.infinite or now.infinite:
        return Transport(None, None, None, "infinite values: they are infinitely far from all others")
    return wasserstein(facts.grid_edges, _binned(before), _binned(now))


def _binned(side: Numbers) -> BinnedValues:
    """With the means of the open bins: there a bin may be as wide as it likes."""
    means: list[float | None] = [None] * len(side.counts)
    means[0] = side.low_mean if side.counts[0] else None
    if len(means) > 1:
        means[-1] = side.high_mean if side.counts[-1] else None
    return BinnedValues(side.counts, side.minimum, side.maximum, means)


def category_measures(bins: Sequence[Bin]) -> dict[str, Any]:
    """Of a categorical column: on the categories that PSI uses.

    `l_infinity_category` is the one whose share moved most. Cells with an expected count below 5 are pooled for
    chi-square. Cramer's V depends on the ratio of the two sizes, so it is told and decides nothing.
    """
    measures, before, now = _of_bins(bins)
    most = l_infinity([item.label for item in bins], before, now)
    measures.add("l_infinity", Measured(most.value, most.reason))
    measures.values["l_infinity_category"] = most.category
    test = chi_square(before, now)
    measures.add("chi_square", Measured(test.chi_square, test.reason))
    measures.values |= {
        "chi_square_degrees": test.degrees,
        "chi_square_p_value": test.p_value,
        "cramers_v": test.cramers_v,
    }
    return measures.values

"""Every number that says how far a column moved, each under its full name. They are told; PSI and its noise decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from data_checks.distances import Measured, hellinger, l_infinity, total_variation
from data_checks.distribution_tests import chi_square, ks_on_bins
from data_checks.histogram import Histogram
from data_checks.mean_shift import mean_shift_over_reference_sd, population_sd
from data_checks.reference import NumericFacts
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


def numeric_measures(
    bins: Sequence[Bin], facts: NumericFacts, current: Histogram, mean: float | None
) -> dict[str, Any]:
    """Of a numeric column: on the bins that PSI uses, and of the means.

    `ks_on_bins` is a lower bound of the exact KS statistic, `ks_at_most` an upper one; the p-value is asymptotic.
    """
    measures, _, _ = _of_bins(bins)
    ks = ks_on_bins(list(facts.counts), current.counts.tolist())
    measures.add("ks_on_bins", Measured(ks.ks_on_bins, ks.reason))
    measures.values |= {"ks_at_most": ks.at_most, "ks_p_value": ks.p_value}
    deviation = population_sd(facts.sd, sum(facts.counts) - facts.infinite)
    if deviation is not None:
        measures.add("mean_shift_over_reference_sd", mean_shift_over_reference_sd(facts.mean, mean, deviation))
    return measures.values


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

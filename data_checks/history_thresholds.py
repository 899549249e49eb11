"""A PSI threshold of each column from its own earlier published nights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.drift_settings import HistoryThresholds

#: Key of `DriftVerdict.settings` under which each column's threshold from history stands, where it has one.
SETTING = "psi_from_history"

#: PSI itself is 18.5 at most, with shares floored at 1e-4; squares of larger numbers would leave float64.
_LARGEST = 1e100


@dataclass(frozen=True)
class HistoryThreshold:
    """A column's threshold; or None, and the reason why psi_warn and psi_drift hold for it."""

    value: float | None
    reason: str
    #: Nights that it is made of.
    nights: int = 0


def threshold_from_history(values: Sequence[float | None], settings: HistoryThresholds) -> HistoryThreshold:
    """Mean + k standard deviations (ddof 0) of the last `runs` values, given in the order of the nights.

    As NannyML's StandardDeviationThreshold, whose deviation is NumPy's default, ddof 0; there is no lower limit, since
    a column that moves less than usual is no alarm. None and numbers that are not finite, or huge, are nights without a
    value: they are left out, and do not count as nights.

    >>> threshold_from_history([0.1, 0.3], HistoryThresholds(k=2.0, runs=2))
    HistoryThreshold(value=0.4, reason='mean 0.2 + 2 standard deviations of 0.1 over 2 nights', nights=2)
    """
    known = [value for value in values if value is not None and abs(value) < _LARGEST][-settings.runs :]
    if len(known) < settings.runs:
        reason = f"{len(known)} of the {settings.runs} published nights that a threshold from history is made of"
        return HistoryThreshold(None, reason, len(known))
    mean = math.fsum(known) / len(known)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / len(known))
    found = f"mean {mean:.4g} + {settings.k:g} standard deviations of {deviation:.4g} over {len(known)} nights"
    return HistoryThreshold(mean + settings.k * deviation, found, len(known))


def thresholds_from_history(
    earlier: Mapping[str, Sequence[float | None]], settings: HistoryThresholds
) -> dict[str, HistoryThreshold]:
    """Column to its threshold; `earlier` has each column's PSI on the earlier published nights, the oldest first."""
    return {column: threshold_from_history(values, settings) for column, values in earlier.items()}

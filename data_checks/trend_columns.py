"""Each column of a range of nights with what is to be said of it, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data_checks.drift_rules import MISSING_DRIFT, OUTSIDE_DRIFT, severity, worst
from data_checks.trend_facts import ColumnSeries, TrendFacts, Values
from data_checks.trend_peaks import OUT_OF_ORDER, lasting_since, peaks
from schemas.drift_settings import Drift
from schemas.verdicts import ColumnDrift, DriftStatus


@dataclass(frozen=True)
class ColumnTrend:
    """One column. Nights are places in the range."""

    series: ColumnSeries
    #: All nights together; None where the column is not among what was compared.
    whole: ColumnDrift | None
    #: Nights with any status but not_computed, and those in drift and in warn.
    compared: int
    drifted: int
    warned: int
    #: First night of a change that lasts to the end.
    since: int | None
    #: Measure to the nights that stand out in it.
    peaks: Mapping[str, tuple[int, ...]]

    @property
    def name(self) -> str:
        """Of the column."""
        return self.series.column

    @property
    def status(self) -> DriftStatus:
        """Of all nights together."""
        return self.whole.status if self.whole is not None else DriftStatus.NOT_COMPUTED

    def values(self, measure: str) -> Values:
        """The measure's values; none at all where no night has one."""
        return self.series.measures.get(measure, ())


def column_trends(facts: TrendFacts) -> list[ColumnTrend]:
    """The worst first, by all nights together or night by night; scores and critical ones before their equals.

    Those are followed by how many nights are out of order. A column that drifts on half of its nights is as urgent as
    one that all nights together call drifted; any single night in drift is worth a warning.
    """
    whole = {(column.role, column.column): column for column in facts.whole.columns}
    trends = [_trend(series, whole.get((series.role, series.column)), facts) for series in facts.columns]
    return sorted(trends, key=_urgency)


def psi_thresholds(facts: TrendFacts) -> tuple[float, float]:
    """(warn, drift) that the nights were held against."""
    settings, usual = facts.whole.settings, Drift()
    return float(settings.get("psi_warn", usual.psi_warn)), float(settings.get("psi_drift", usual.psi_drift))


def _trend(series: ColumnSeries, whole: ColumnDrift | None, facts: TrendFacts) -> ColumnTrend:
    statuses = series.statuses
    return ColumnTrend(
        series,
        whole,
        compared=sum(status not in (None, DriftStatus.NOT_COMPUTED) for status in statuses),
        drifted=statuses.count(DriftStatus.DRIFT),
        warned=statuses.count(DriftStatus.WARN),
        since=lasting_since(statuses),
        peaks=_peaks(series, psi_thresholds(facts)[0]),
    )


def _peaks(series: ColumnSeries, psi_warn: float) -> dict[str, tuple[int, ...]]:
    least = {
        "missing_rate": MISSING_DRIFT,
        "unseen_share": OUTSIDE_DRIFT,
        "out_of_range_share": OUTSIDE_DRIFT,
        "psi": psi_warn,
    }
    found = {name: peaks(series.measures.get(name, ()), rise) for name, rise in least.items()}
    # A PSI counts only where the night's own verdict is that it is more than chance.
    found["psi"] = tuple(place for place in found["psi"] if series.statuses[place] in OUT_OF_ORDER)
    if series.role == "score":
        found["mean"] = peaks(series.measures.get("mean", ()), 0.0)
    return {name: places for name, places in found.items() if places}


def _urgency(trend: ColumnTrend) -> tuple[int, bool, bool, int, float, str]:
    psi = (trend.whole.psi if trend.whole is not None else None) or 0.0
    is_score, nights = trend.series.role == "score", 2 * trend.drifted + trend.warned
    return (
        -severity(worst([trend.status, _by_nights(trend)])),
        not is_score,
        not trend.series.critical,
        -nights,
        -psi,
        trend.name,
    )


def _by_nights(trend: ColumnTrend) -> DriftStatus:
    if not trend.drifted:
        return DriftStatus.OK
    return DriftStatus.DRIFT if 2 * trend.drifted >= trend.compared else DriftStatus.WARN

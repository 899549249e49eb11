"""The report of a range of nights: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from data_checks.report_environment import environment
from data_checks.trend_columns import ColumnTrend, column_trends
from data_checks.trend_dates import month_name
from data_checks.trend_facts import TrendFacts
from data_checks.trend_heatmap import date_row, outcome_row, status_key, status_row
from data_checks.trend_nights import drift_nights, over_the_range, range_reason
from data_checks.trend_outcomes import exact_percent, outcomes_view, within
from data_checks.trend_pictures import CHARTED, Picture, column_pictures, run_pictures
from data_checks.trend_words import banner, tiles
from schemas.verdicts import DriftStatus


@dataclass(frozen=True)
class _ColumnRow:
    trend: ColumnTrend
    nights: Markup
    #: Month by month: (status, PSI or None), or None where the month has no such column.
    months: tuple[tuple[DriftStatus, float | None] | None, ...]


@dataclass(frozen=True)
class _ColumnFigure:
    trend: ColumnTrend
    pictures: Sequence[Picture]
    reasons: tuple[str, ...]
    #: On how many nights it was in drift, and on which if they are few.
    drifted: str


def render_trend(facts: TrendFacts) -> str:
    """The HTML page. Names from the data are text whatever they hold; the same facts give the same page.

    Charts are drawn for the most urgent columns only; every column is in the tables.
    """
    trends = column_trends(facts)
    dates = [night.date for night in facts.nights]
    shown = banner(facts, trends)
    page = environment().get_template("trend.html.j2")
    return page.render(
        facts=facts,
        banner=shown,
        tiles=tiles(facts, trends),
        dates=date_row(dates),
        outcomes=outcome_row(dates, [night.outcome for night in facts.nights]),
        statuses=status_row(dates, [night.status for night in facts.nights], tooltips=True),
        status_key=status_key(),
        columns=_rows(facts, trends, dates),
        months=[month_name(month) for month in sorted(facts.months)],
        run_pictures=run_pictures(facts, trends),
        figures=[_figure(facts, trend) for trend in trends[:CHARTED]],
        models=[outcomes_view(item) for item in facts.outcomes],
        settings={**facts.settings, **facts.whole.settings},
        range_reason=range_reason(facts),
        exact=exact_percent,
        within=within,
    )


def _rows(facts: TrendFacts, trends: Sequence[ColumnTrend], dates: Sequence[str]) -> list[_ColumnRow]:
    months = [
        {(column.role, column.column): (column.status, column.psi) for column in facts.months[month].columns}
        for month in sorted(facts.months)
    ]
    return [
        _ColumnRow(
            trend,
            status_row(dates, trend.series.statuses, tooltips=place < CHARTED),
            tuple(month.get((trend.series.role, trend.name)) for month in months),
        )
        for place, trend in enumerate(trends)
    ]


def _figure(facts: TrendFacts, trend: ColumnTrend) -> _ColumnFigure:
    reasons = trend.whole.reasons if trend.whole is not None else ()
    said = tuple(over_the_range(reason) for reason in reasons)
    return _ColumnFigure(trend, column_pictures(facts, trend), said, drift_nights(facts, trend))

"""Which charts the report of a range of nights has: the run's own, and those of each column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from data_checks.drift_rules import OUTSIDE_WARN
from data_checks.history_thresholds import SETTING
from data_checks.trend_charts import NARROW, WIDE, Panel, number_panel, panel_chart, psi_panel, rate_panel
from data_checks.trend_columns import ColumnTrend, psi_thresholds
from data_checks.trend_facts import DecisionSeries, TrendFacts, Values
from schemas.verdicts import DecisionDrift

#: Columns with charts; the others have their rows in the tables.
CHARTED = 40
#: Classes of one model whose shares are drawn.
_CLASSES = 4
#: Charts side by side before they become narrow.
_WIDE_ONES = 3


@dataclass(frozen=True)
class Picture:
    """A chart with its caption."""

    caption: str
    svg: Markup


def run_pictures(facts: TrendFacts, trends: Sequence[ColumnTrend]) -> list[Picture]:
    """Rows, and of each model its mean score, what it decided, and how often that was to be right."""
    dates = [night.date for night in facts.nights]
    rows = tuple(None if night.rows is None else float(night.rows) for night in facts.nights)
    panels = [("rows scored", replace(number_panel("rows scored", dates, rows, None), from_zero=True))]
    for trend in trends:
        if trend.series.role == "score":
            panel = _mean(dates, trend)
            panels.append((f"mean of {trend.name}", panel))
    reference = {decision.model: decision for decision in facts.whole.decisions}
    for series in facts.decisions:
        panels += _decision_panels(dates, series, reference.get(series.model))
    return list(_drawn(panels))


def column_pictures(facts: TrendFacts, trend: ColumnTrend) -> list[Picture]:
    """PSI; missing and outside values where there are any; the mean of numbers."""
    dates, whole = [night.date for night in facts.nights], trend.whole
    own = facts.whole.settings.get(SETTING, {}).get(trend.name)
    thresholds = psi_thresholds(facts) if own is None else (None, float(own))
    psi = psi_panel(dates, trend.values("psi"), trend.values("psi_noise_95"), thresholds)
    panels = [("PSI", replace(psi, peaks=trend.peaks.get("psi", ())))]
    missing = whole.missing_rate_reference if whole is not None else None
    if missing or any(trend.values("missing_rate")):
        panels.append(("missing", _rate(dates, trend, "missing_rate", missing)))
    for measure, caption in (("unseen_share", "unknown to training"), ("out_of_range_share", "out of range")):
        if any(value is not None and value >= OUTSIDE_WARN for value in trend.values(measure)):
            panels.append((caption, _rate(dates, trend, measure, None)))
    if trend.values("mean"):
        panels.append(("mean", _mean(dates, trend)))
    return list(_drawn(panels))


def _rate(dates: Sequence[str], trend: ColumnTrend, measure: str, reference: float | None) -> Panel:
    panel = rate_panel(measure.replace("_", " "), dates, trend.values(measure), reference)
    return replace(panel, peaks=trend.peaks.get(measure, ()))


def _mean(dates: Sequence[str], trend: ColumnTrend) -> Panel:
    reference = trend.whole.mean_reference if trend.whole is not None else None
    panel = number_panel("mean", dates, trend.values("mean"), reference)
    return replace(panel, peaks=trend.peaks.get("mean", ()))


def _decision_panels(
    dates: Sequence[str], series: DecisionSeries, reference: DecisionDrift | None
) -> Iterator[tuple[str, Panel]]:
    known = {share.label: share.reference for share in reference.classes} if reference is not None else {}
    labels = [name.removeprefix("decision_share:") for name in series.measures if name.startswith("decision_share:")]
    # Of two classes one share says what the other is: the second class is the one that the threshold is about.
    for label in labels[-1:] if series.threshold is not None else labels[:_CLASSES]:
        values: Values = series.measures[f"decision_share:{label}"]
        yield f"{series.model} decides {label}", rate_panel(f"share of {label}", dates, values, known.get(label))
    if "expected_accuracy" in series.measures:
        usual = reference.expected_accuracy_reference if reference is not None else None
        panel = rate_panel("expected accuracy", dates, series.measures["expected_accuracy"], usual)
        yield f"{series.model}: expected accuracy", replace(panel, from_zero=False)


def _drawn(panels: Sequence[tuple[str, Panel]]) -> Iterator[Picture]:
    width = WIDE if len(panels) <= _WIDE_ONES else NARROW
    for caption, panel in panels:
        svg = panel_chart(replace(panel, width=width))
        if svg is not None:
            yield Picture(caption, Markup(svg))  # noqa: S704  # made of numbers; its title is escaped, which is tested

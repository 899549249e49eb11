"""What a range of nights comes to, in sentences that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_checks.drift_bins import number, percent
from data_checks.report_phrases import clip, names_in_words
from data_checks.report_words import Badge, Tile, badge
from data_checks.trend_columns import ColumnTrend
from data_checks.trend_dates import date_words
from data_checks.trend_facts import Night, TrendFacts
from data_checks.trend_nights import (
    drift_dates,
    drift_nights,
    night_sentences,
    over_the_range,
    plural,
    range_reason,
    uncompared_sentences,
)
from data_checks.trend_peaks import ordinary
from schemas.verdicts import DriftStatus

#: Sentences of one kind; the others are counted.
MOST_SENTENCES = 6


@dataclass(frozen=True)
class Banner:
    """The verdict in words; lists of sentences without a full stop."""

    badge: Badge
    sentence: str
    #: Columns that changed to stay.
    changes: tuple[str, ...]
    #: Nights that stand out.
    peaks: tuple[str, ...]
    #: Dates without a published night.
    nights: tuple[str, ...]
    #: Published nights that are not in what was compared.
    uncompared: tuple[str, ...]
    next_steps: tuple[str, ...]


def banner(facts: TrendFacts, trends: Sequence[ColumnTrend]) -> Banner:
    """Of the whole range."""
    changes, found = change_sentences(facts, trends), peak_sentences(facts, trends)
    shown = badge(facts.whole.status)
    return Banner(
        Badge(shown.sign, f"{shown.word[:1].upper()}{shown.word[1:]}", shown.tone),
        _headline(facts, trends),
        _capped(changes, "column"),
        _capped(found, "peak"),
        night_sentences(facts),
        uncompared_sentences(facts),
        _next_steps(facts, trends),
    )


def _headline(facts: TrendFacts, trends: Sequence[ColumnTrend]) -> str:
    if facts.whole.status is DriftStatus.NOT_COMPUTED:
        return range_reason(facts) or "nothing could be compared"
    compared = sum(trend.status is not DriftStatus.NOT_COMPUTED for trend in trends)
    drifted = sum(trend.status is DriftStatus.DRIFT for trend in trends)
    warned = sum(trend.status is DriftStatus.WARN for trend in trends)
    warning = f", and {plural(warned, 'gives a warning', 'give a warning')}" if warned else ""
    return (
        f"over all nights together {plural(drifted, 'column', 'columns')} of {compared} "
        f"{'has' if drifted == 1 else 'have'} drifted from training{warning}"
    )


def change_sentences(facts: TrendFacts, trends: Sequence[ColumnTrend]) -> list[str]:
    """What models decide otherwise; which columns changed, which began to, and which only vary from night to night."""
    lasting = [trend for trend in trends if trend.status in (DriftStatus.DRIFT, DriftStatus.WARN)]
    calm = [trend for trend in trends if trend not in lasting and trend.compared]
    begun = [trend for trend in calm if trend.since is not None and 2 * trend.drifted < trend.compared]
    varying = [trend for trend in calm if trend not in begun and 2 * trend.drifted >= trend.compared]
    single = [trend for trend in calm if trend.series.critical and trend.drifted and trend not in (*begun, *varying)]
    sentences = [
        f"what `{clip(decision.model)}` decides: {over_the_range(decision.reason.removeprefix(f'{decision.model}: '))}"
        for decision in facts.whole.decisions
        if decision.status in (DriftStatus.DRIFT, DriftStatus.WARN) and decision.reason
    ]
    sentences += [_lasting_words(facts, trend) for trend in lasting]
    sentences += [f"{_name(trend)} is as in training over the range, but {_how_often(facts, trend)}" for trend in begun]
    sentences += [_single_words(facts, trend) for trend in single]
    if varying:
        one = len(varying) == 1
        sentences.append(
            f"{_names(varying)} {'drifts' if one else 'drift'} on most single nights, yet all nights together are as "
            f"in training: {'it varies' if one else 'they vary'} from night to night and no more than that"
        )
    return sentences


def _lasting_words(facts: TrendFacts, trend: ColumnTrend) -> str:
    reasons = trend.whole.reasons if trend.whole is not None else ()
    why = over_the_range(reasons[0]).removeprefix("values moved: ") if reasons else "moved"
    return f"{_name(trend)}: {why}; {_how_often(facts, trend)}"


def _how_often(facts: TrendFacts, trend: ColumnTrend) -> str:
    """`drift on 118 of 122 nights, lasting since 2013-09-01`."""
    if trend.drifted == trend.compared > 1:
        return f"drift on each of {trend.compared} nights"
    nights = drift_nights(facts, trend)
    if trend.since is None:
        return nights
    first = next((place for place, status in enumerate(trend.series.statuses) if status is not None), 0)
    begun = "from the first night on" if trend.since == first else f"lasting since {facts.nights[trend.since].date}"
    return f"{nights}, {begun}"


def _single_words(facts: TrendFacts, trend: ColumnTrend) -> str:
    dates = drift_dates(facts, trend)
    return f"the critical {_name(trend)} drifted on {plural(len(dates), 'night', 'nights')}: {date_words(dates)}"


def peak_sentences(facts: TrendFacts, trends: Sequence[ColumnTrend]) -> list[str]:
    """Nights that stand out, columns with the same nights in one sentence.

    Scores first, then shares of rows, then PSI, each from the highest on.
    """
    groups: dict[tuple[str, tuple[int, ...]], list[ColumnTrend]] = {}
    for trend in trends:
        for measure, places in trend.peaks.items():
            groups.setdefault((measure, places), []).append(trend)

    def rank(key: tuple[str, tuple[int, ...]]) -> tuple[bool, bool, float]:
        is_score = groups[key][0].series.role == "score"
        return not is_score, key[0] == "psi", -max(_rise(trend, key[0]) for trend in groups[key])

    return [_peak_words(facts, *key, groups[key]) for key in sorted(groups, key=rank)]


def _rise(trend: ColumnTrend, measure: str) -> float:
    """How far the highest night is above an ordinary one."""
    known = [value for value in trend.values(measure) if value is not None]
    return max(known) - (ordinary(known) or 0.0)


_PEAK_WORDS = {
    "missing_rate": "missing on {span} of the rows",
    "unseen_share": "{span} of the values are of categories unknown to training",
    "out_of_range_share": "{span} of the values are outside the range of training",
    "mean": "mean of {span}",
    "psi": "PSI of {span}",
}


def _peak_words(facts: TrendFacts, measure: str, places: tuple[int, ...], group: Sequence[ColumnTrend]) -> str:
    shown = (lambda value: number(value, 3)) if measure in ("psi", "mean") else percent
    found = [value for trend in group for place in places if (value := trend.values(measure)[place]) is not None]
    usual = [value for trend in group if (value := ordinary(trend.values(measure))) is not None]
    low, high = shown(min(found)), shown(max(found))
    words = _PEAK_WORDS[measure].format(span=low if low == high else f"{low} to {high}")
    dates = date_words(facts.nights[place].date for place in places)
    when = f"on {dates}" if len(places) == 1 else f"on {len(places)} nights, {dates}"
    return f"{_names(group)}: {words} {when}; on an ordinary night {shown(max(usual))}"


def _next_steps(facts: TrendFacts, trends: Sequence[ColumnTrend]) -> tuple[str, ...]:
    steps = []
    feeds = [trend for trend in trends if "missing_rate" in trend.peaks]
    most = max((_rise(trend, "missing_rate") for trend in feeds), default=0.0)
    loud = {trend.peaks["missing_rate"] for trend in feeds if 2 * _rise(trend, "missing_rate") >= most}
    with_them = [trend for trend in trends if trend.series.role != "score" and loud & set(trend.peaks.values())]
    if with_them:
        steps.append(f"ask the owner of {_names(with_them)} what happened on the nights above")
    if any(trend.status is DriftStatus.DRIFT for trend in trends):
        steps.append(
            "where a change is here to stay, train on newer nights, and make the reference anew: `nightscore profile`"
        )
    if any(night.outcome in ("missing", "failed") for night in facts.nights):
        steps.append("run the nights that are not there: `nightscore run`; until then the charts have gaps")
    return tuple(steps)


def tiles(facts: TrendFacts, trends: Sequence[ColumnTrend]) -> list[Tile]:
    """The key figures."""
    published = [night for night in facts.nights if night.outcome == "published"]
    rows = sum(night.rows or 0 for night in published)
    drifted = sum(trend.status is DriftStatus.DRIFT for trend in trends)
    compared = sum(trend.status is not DriftStatus.NOT_COMPUTED for trend in trends)
    nights = [night for night in facts.nights if night.status is not None]
    in_drift = sum(night.status is DriftStatus.DRIFT for night in nights)
    gaps = len(facts.nights) - len(published)
    return [
        Tile(
            "Nights published",
            f"{len(published):,}",
            f"of {len(facts.nights):,}" + (f", {gaps} not" if gaps else ""),
            "caution" if gaps else "quiet",
        ),
        Tile("Rows scored", f"{rows:,}", f"{_ordinary_rows(published)} on an ordinary night", "quiet"),
        Tile("Columns drifted", f"{drifted}", f"of {compared}, over all nights", badge(facts.whole.status).tone),
        Tile("Nights in drift", f"{in_drift}", f"of {len(nights)}, each on its own", "quiet"),
    ]


def _ordinary_rows(nights: Sequence[Night]) -> str:
    usual = ordinary([night.rows for night in nights])
    return "none" if usual is None else f"{usual:,.0f}"


def _name(trend: ColumnTrend) -> str:
    return f"`{clip(trend.name)}`"


def _names(trends: Sequence[ColumnTrend]) -> str:
    return names_in_words([trend.name for trend in trends])


def _capped(sentences: Sequence[str], what: str) -> tuple[str, ...]:
    rest = len(sentences) - MOST_SENTENCES
    if rest <= 1:
        return tuple(sentences)
    return (*sentences[:MOST_SENTENCES], f"and {rest} more {what}s, in the charts and tables below")

"""What became of the nights of a range, in sentences, and what a verdict on one night says of many."""

from __future__ import annotations

import re

from data_checks.report_phrases import clip
from data_checks.trend_columns import ColumnTrend
from data_checks.trend_dates import date_words
from data_checks.trend_facts import Night, TrendFacts
from schemas.verdicts import DriftStatus

#: So many nights in drift are named.
_NAMED = 3
_NOT_PUBLISHED = {
    "missing": "{nights} no run",
    "no_data": "{nights} no input",
    "failed": "{nights} a run that failed",
    "held": "{nights} a run that was held",
}


def plural(count: int, one: str, many: str) -> str:
    """`1 night has`, `1,234 nights have`."""
    return f"{count:,} {one if count == 1 else many}"


def night_sentences(facts: TrendFacts) -> tuple[str, ...]:
    """Dates without a published night, and why."""
    sentences = []
    for outcome, words in _NOT_PUBLISHED.items():
        nights = [night for night in facts.nights if night.outcome == outcome]
        if nights:
            have = plural(len(nights), "night has", "nights have")
            told = len(nights) == 1 and outcome in ("failed", "held") and nights[0].reason
            why = f" ({clip(nights[0].reason)})" if told else ""
            sentences.append(f"{words.format(nights=have)}: {date_words(night.date for night in nights)}{why}")
    return tuple(sentences)


def uncompared_sentences(facts: TrendFacts) -> tuple[str, ...]:
    """Dates whose night is out and is not, or not wholly, in what was compared: `1 night published but not ...`."""
    by_reason: dict[str, list[Night]] = {}
    for night in facts.nights:
        if night.outcome == "published" and night.reason:
            by_reason.setdefault(night.reason, []).append(night)
    return tuple(
        f"{plural(len(nights), 'night', 'nights')} published but not compared: "
        f"{date_words(night.date for night in nights)} ({clip(reason)})"
        for reason, nights in by_reason.items()
    )


def drift_nights(facts: TrendFacts, trend: ColumnTrend) -> str:
    """`drift on 2 of 59 nights (2013-08-10 to 2013-08-11)`: of at most three nights it is said which."""
    said = f"drift on {trend.drifted} of {plural(trend.compared, 'night', 'nights')}"
    if not 0 < trend.drifted <= _NAMED or trend.drifted == trend.compared > 1:
        return said
    return f"{said} ({date_words(drift_dates(facts, trend))})"


def drift_dates(facts: TrendFacts, trend: ColumnTrend) -> list[str]:
    """The dates on which the column was in drift."""
    pairs = zip(facts.nights, trend.series.statuses, strict=True)
    return [night.date for night, status in pairs if status is DriftStatus.DRIFT]


def range_reason(facts: TrendFacts) -> str:
    """The sentence of the verdict on all nights together."""
    out = [night for night in facts.nights if night.outcome == "published"]
    has_reference = facts.whole.settings.get("reference_digest") is not None
    if facts.whole.status is DriftStatus.NOT_COMPUTED and has_reference and any(night.reason for night in out):
        return f"no night could be compared with training: {plural(len(out), 'night is', 'nights are')} published"
    return over_the_range(facts.whole.reason)


def over_the_range(reason: str) -> str:
    """The sentence of a verdict on one night, said of many.

    >>> over_the_range("late: 41 % of tonight's rows decided 'true', 23 % in training")
    "late: 41 % of the rows decided 'true', 23 % in training"
    >>> over_the_range("missing: 3.0 % tonight, 0 % in training")
    'missing: 3.0 % over these nights, 0 % in training'
    """
    said = re.sub(r"(% |\brows? |\bis none |\bprofile, \w+ )tonight\b(?!')", r"\1over these nights", reason)
    said = re.sub(r"(?<=% of) tonight's rows", " the rows", said)
    said = re.sub(r"\b(than |, )tonight's(?= '| in )", r"\1these nights'", said)
    said = said.replace("row of tonight is", "row of these nights is")
    return said.replace("on the night counts as drifted", "on the range counts as drifted")

"""What moved the scores, as the page shows it: the features that moved a mean score most, with a bar for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from data_checks.report_columns import ColumnRow
from schemas.verdicts import FeatureImpact, ImpactVerdict

#: Features listed for a score.
LISTED_FEATURES = 15
#: Scores listed; a model may have a hundred classes.
LISTED_SCORES = 6
#: Of the bars' picture, in its own units: the zero line is in the middle.
BAR_WIDTH = 200.0

_UNITS = {
    "probability": "probability",
    "margin": "margin, the sum before the model's link function",
    "value": "the score's own unit",
}


@dataclass(frozen=True)
class FeatureRow:
    """One feature, with the rows of the columns that it is made of."""

    feature: FeatureImpact
    columns: tuple[ColumnRow, ...]
    #: Left end and width of its bar.
    start: float
    width: float


@dataclass(frozen=True)
class ScoreImpact:
    """One score's features."""

    verdict: ImpactVerdict
    unit: str
    rows: tuple[FeatureRow, ...]
    #: Features that are not listed, and what they moved together.
    more: int
    more_shift: float

    @classmethod
    def of(cls, verdict: ImpactVerdict, columns: Mapping[str, ColumnRow]) -> Self:
        """The features by |shift|, then by importance."""
        ranked = sorted(verdict.features, key=lambda feature: (-abs(feature.shift), -feature.importance))
        shown, rest = ranked[:LISTED_FEATURES], ranked[LISTED_FEATURES:]
        longest = max((abs(feature.shift) for feature in shown), default=0.0)
        rows = tuple(_row(feature, longest, columns) for feature in shown)
        unit = _UNITS.get(verdict.unit, verdict.unit)
        return cls(verdict, unit, rows, len(rest), sum(feature.shift for feature in rest))


def score_impacts(impacts: Sequence[ImpactVerdict], rows: Sequence[ColumnRow]) -> list[ScoreImpact]:
    """The scores that moved most first, those without an answer last; at most `LISTED_SCORES`."""
    columns = {row.column.column: row for row in rows if row.column.role != "score"}
    ordered = sorted(impacts, key=lambda verdict: (not verdict.features, -abs(verdict.shift or 0.0)))
    return [ScoreImpact.of(verdict, columns) for verdict in ordered[:LISTED_SCORES]]


def _row(feature: FeatureImpact, longest: float, columns: Mapping[str, ColumnRow]) -> FeatureRow:
    half = BAR_WIDTH / 2
    width = half * abs(feature.shift) / longest if longest else 0.0
    start = half if feature.shift >= 0 else half - width
    made_of = tuple(columns[name] for name in feature.columns if name in columns)
    return FeatureRow(feature, made_of, round(start, 1), round(width, 1))

"""What drifted, in sentences that a person can act on: what moved, what that did to the scores, for how long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

from data_checks.drift_bins import largest_category_move, percent
from data_checks.report_named import UNKNOWN, in_words, named_only
from data_checks.report_phrases import clip, shift_words, three_digits
from schemas.verdicts import Bin, ColumnDrift, DriftStatus, DriftVerdict, ImpactVerdict, Trend

#: More than a person reads at the top of a page.
MOST_SENTENCES = 5
#: A change of a mean probability below this is called hardly any.
HARDLY = 0.0005
#: The upper end of a bin of numbers, by its label.
_UPPER_END = re.compile(r"(?:.+ to |below )(?P<below>\S+)|= (?P<up_to>\S+)")


def stands_out(column: ColumnDrift) -> bool:
    """Whether a person should hear of the column."""
    return column.status in (DriftStatus.DRIFT, DriftStatus.WARN)


def drift_sentences(drift: DriftVerdict, trend: Trend) -> tuple[str, ...]:
    """At most five sentences on columns in drift or warn; names stand in backticks.

    Critical columns first, then by how far the column moved a mean score (each in its own unit), then by PSI; those
    that no model uses come last. None where nothing stands out.

    >>> from schemas.verdicts import Bin
    >>> bins = (Bin("below 45", 10, 50), Bin("45 and more", 90, 50))
    >>> reasons = ("values moved: 50 % tonight below 45, 10 % in training (PSI 0.88, drift from 0.25)",)
    >>> temp = ColumnDrift("temp", "feature", "numeric", DriftStatus.DRIFT, 100, 100, bins=bins, reasons=reasons)
    >>> drift_sentences(DriftVerdict(DriftStatus.DRIFT, (temp,)), Trend({"temp": 3}))
    ('`temp` moved: 50 % of tonight below 45, 10 % in training; 3 nights in a row',)
    """
    ordered = _ordered(drift)[:MOST_SENTENCES]
    return tuple("; ".join([*item.parts(), *_streak(item.column, trend)]) for item in ordered)


def drifted_columns(drift: DriftVerdict) -> tuple[str, ...]:
    """Names of the columns in drift, in the order of the sentences."""
    return tuple(item.column.column for item in _ordered(drift) if item.column.status is DriftStatus.DRIFT)


def is_used(column: str, impacts: Sequence[ImpactVerdict]) -> bool:
    """Whether a model uses the column, as far as is known: where a model has no impacts, every column may matter."""
    if not impacts or not all(impact.features for impact in impacts):
        return True
    features = [feature for impact in impacts for feature in impact.features if column in feature.columns]
    return any(feature.importance or feature.shift for feature in features)


def moved_words(column: ColumnDrift) -> str:
    """How the values moved, from the bins alone: `50 % of tonight below 45, 10 % in training`.

    Of numbers it is told at the edge that the column's own reason names, where the two sides are farthest apart.
    """
    if column.kind == "categorical":
        return largest_category_move(column.bins)
    before = _cumulative([bin_.reference for bin_ in column.bins])
    now = _cumulative([bin_.current for bin_ in column.bins])
    gaps = [after - first for first, after in zip(before[:-1], now[:-1], strict=True)]
    if not gaps:
        return "all values are in one bin, as in training"
    place = max(range(len(gaps)), key=lambda index: abs(gaps[index]))
    rises = gaps[place] >= 0
    tonight, trained = (percent(side[place] if rises else 1 - side[place]) for side in (now, before))
    return f"{tonight} of tonight {_edge_words(column.bins, place, below=rises)}, {trained} in training"


def _cumulative(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in accumulate(counts)]


def _edge_words(bins: Sequence[Bin], place: int, *, below: bool) -> str:
    """`below 3`, `at or above 3`: of the edge at the upper end of that bin."""
    end = _UPPER_END.fullmatch(bins[place].label)
    if end is None:  # labels of columns whose values are not to be shown
        known = in_words(bins)
        return f"up to “{known[place].label}”" if below else f"from “{known[place + 1].label}” on"
    if end["up_to"]:
        return f"{'up to' if below else 'above'} {end['up_to']}"
    return f"{'below' if below else 'at or above'} {end['below']}"


@dataclass(frozen=True)
class _Told:
    """A column, and what it did to the score that it moved most, or that it is."""

    column: ColumnDrift
    impact: ImpactVerdict | None
    shift: float | None
    used: bool = True
    only_model: bool = True

    @classmethod
    def of(cls, column: ColumnDrift, impacts: Sequence[ImpactVerdict]) -> Self:
        known = [impact for impact in impacts if impact.features]
        if column.role == "score":
            own = next((impact for impact in known if impact.score == column.column), None)
            return cls(column, own, _own_shift(column, own))
        impact, shift = _most_moved(column.column, known)
        used, only_model = is_used(column.column, impacts), len({impact.model for impact in impacts}) == 1
        return cls(column, impact, shift, used, only_model)

    @property
    def rank(self) -> tuple[bool, bool, float, float, str]:
        column = self.column
        return not self.used, not column.critical, -abs(self.shift or 0.0), -(column.psi or 0.0), column.column

    def parts(self) -> list[str]:
        parts = _what(self.column)
        if self.column.role == "score":
            return [*parts, *_mean(self.column), *_moved_most(self.impact)]
        if not self.used:
            return [*parts, "the model does not use it" if self.only_model else "no model uses it"]
        if self.impact is None or self.shift is None:
            return parts
        return [*parts, _moved(self.impact, self.shift)]


def _ordered(drift: DriftVerdict) -> list[_Told]:
    """What stands out, the most urgent first."""
    told = [_Told.of(named_only(column), drift.impacts) for column in drift.columns if stands_out(column)]
    return sorted(told, key=lambda item: item.rank)


def _most_moved(column: str, impacts: Sequence[ImpactVerdict]) -> tuple[ImpactVerdict | None, float | None]:
    """The score that the column's features moved most, and by how much; None where no feature is made of it."""
    found: tuple[ImpactVerdict | None, float | None] = None, None
    for impact in impacts:
        shifts = [feature.shift for feature in impact.features if column in feature.columns]
        if shifts and (found[1] is None or abs(sum(shifts)) > abs(found[1])):
            found = impact, sum(shifts)
    return found


def _own_shift(column: ColumnDrift, own: ImpactVerdict | None) -> float | None:
    if own is not None and own.shift is not None:
        return own.shift
    if column.mean_current is None or column.mean_reference is None:
        return None
    return column.mean_current - column.mean_reference


def _what(column: ColumnDrift) -> list[str]:
    """The first two reasons, as what is said of the column."""
    said = [_reason(column, reason) for reason in _different(column)[:2]] or ["stands out"]
    return [f"`{clip(column.column)}` {said[0]}", *(f"it {more}" for more in said[1:])]


def _different(column: ColumnDrift) -> list[str]:
    """The reasons without those that say the same as another one in other words."""
    moved = any(reason.startswith("values moved") for reason in column.reasons)
    unknown = any(reason.startswith(UNKNOWN) for reason in column.reasons)
    again = [*(["the mean "] if moved else []), *([f"values moved: {UNKNOWN}"] if unknown else [])]
    return [reason for reason in column.reasons if not reason.startswith(tuple(again))]


def _reason(column: ColumnDrift, reason: str) -> str:
    """A reason of `drift_rules` in other words; one of another kind as it stands."""
    kind, colon, rest = reason.partition(": ")
    if kind == "values moved" and column.bins:
        return f"moved: {moved_words(column)}"
    if kind == "missing" and column.missing_rate_current is not None and column.missing_rate_reference is not None:
        rates = percent(column.missing_rate_current), percent(column.missing_rate_reference)
        return f"is missing in {rates[0]} of tonight's rows, {rates[1]} in training"
    if kind == "out of range" and colon:
        return f"is out of range: {rest}"
    if kind == UNKNOWN and colon:
        return f"has {reason}"
    if reason.startswith("the mean "):
        return f"has a mean that {reason.removeprefix('the mean ').partition(',')[0]}"
    return f"stands out: {reason}"


def _moved(impact: ImpactVerdict, shift: float) -> str:
    score = f"the mean {'margin ' if impact.unit == 'margin' else ''}of `{clip(impact.score)}`"
    if shift == 0 or (impact.unit == "probability" and abs(shift) < HARDLY):
        return f"it hardly moved {score}"
    return f"it moved {score} by {shift_words(shift, impact.unit)}"


def _mean(column: ColumnDrift) -> list[str]:
    if column.mean_current is None or column.mean_reference is None:
        return []
    return [f"its mean is {three_digits(column.mean_current)}, {three_digits(column.mean_reference)} in training"]


def _moved_most(impact: ImpactVerdict | None) -> list[str]:
    if impact is None:
        return []
    first = max(impact.features, key=lambda feature: abs(feature.shift))
    if first.shift == 0:
        return []
    return [f"`{clip(first.feature)}` moved it most, by {shift_words(first.shift, impact.unit)}"]


def _streak(column: ColumnDrift, trend: Trend) -> list[str]:
    nights = trend.nights_in_a_row.get(column.column, 0)
    return [f"{nights} nights in a row"] if nights > 1 else []

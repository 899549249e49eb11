"""Nights as one row of marks: each kind has a height of its own besides its colour.

Written by hand rather than drawn by Vega: three hundred rows of half a year are 55,000 nights, and come to some
hundred kilobytes this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from data_checks.report_words import badge
from data_checks.trend_dates import axis_ticks
from data_checks.trend_facts import NightOutcome
from schemas.verdicts import DriftStatus

#: Units of the drawing: a night's width, and the height of a row. It is stretched to the width of its place.
NIGHT, HEIGHT = 4, 16
#: A row with more runs of loud marks than this has no tooltips: they would be too narrow to point at.
MOST_TOOLTIPS = 60


@dataclass(frozen=True)
class Mark:
    """A bar that stands on the bottom of the row."""

    #: Class of the style sheet: its colour and height.
    name: str
    height: int
    word: str
    #: Whether a reader looks for it: those have tooltips.
    loud: bool = False


_OF_STATUS = {
    DriftStatus.DRIFT: Mark("d", HEIGHT, badge(DriftStatus.DRIFT).word, loud=True),
    DriftStatus.WARN: Mark("w", 9, badge(DriftStatus.WARN).word, loud=True),
    DriftStatus.INSUFFICIENT_DATA: Mark("i", 5, badge(DriftStatus.INSUFFICIENT_DATA).word),
    DriftStatus.OK: Mark("o", 2, badge(DriftStatus.OK).word),
}
_OF_OUTCOME: dict[NightOutcome, Mark] = {
    # A failed night is no drifted one: it is not of that colour.
    "failed": Mark("f", HEIGHT, "failed", loud=True),
    "held": Mark("w", 9, "held", loud=True),
    "missing": Mark("n", HEIGHT, "no run", loud=True),
    "no_data": Mark("e", 9, "no input", loud=True),
    "published": Mark("o", 2, "published"),
}

#: First place, number of nights, mark.
Run = tuple[int, int, Mark]


def status_row(dates: Sequence[str], statuses: Sequence[DriftStatus | None], *, tooltips: bool = False) -> Markup:
    """SVG of one column's statuses; nights without one, and those not computed, are left blank."""
    return _row(dates, [_OF_STATUS.get(status) if status else None for status in statuses], tooltips=tooltips)


def outcome_row(dates: Sequence[str], outcomes: Sequence[NightOutcome]) -> Markup:
    """SVG of what became of each night."""
    return _row(dates, [_OF_OUTCOME[outcome] for outcome in outcomes], tooltips=True)


def date_row(dates: Sequence[str]) -> Markup:
    """The labels of the dates above the rows, each at its place in percent of the width."""
    spans = (
        Markup('<span style="left: {:.2f}%">{}</span>').format(100 * place / len(dates), label)
        for place, label in axis_ticks(dates)
    )
    return Markup("").join(spans)


def status_key() -> list[tuple[Markup, str]]:
    """(mark, word) of each status, the loudest first: the legend."""
    return [(_sample(mark), mark.word) for mark in _OF_STATUS.values()]


def _sample(mark: Mark) -> Markup:
    head = Markup('<svg class="heat key" aria-hidden="true" viewBox="0 0 10 {}">').format(HEIGHT)
    return head + _bars(mark, [(0, 3, mark)]) + Markup("</svg>")


def _row(dates: Sequence[str], marks: Sequence[Mark | None], *, tooltips: bool) -> Markup:
    runs = _runs(marks)
    loud = [run for run in runs if run[2].loud]
    apart = loud if tooltips and len(loud) <= MOST_TOOLTIPS else []
    together = [run for run in runs if run not in apart]
    kinds = dict.fromkeys(run[2] for run in together)
    months = Markup("").join(Markup("M{},0v{}").format(NIGHT * place, HEIGHT) for place, _ in axis_ticks(dates))
    ground = Markup('<path class="m" d="{}"/>').format(months) if months else Markup()
    body = [_bars(kind, [run for run in together if run[2] is kind]) for kind in kinds]
    head = Markup('<svg class="heat" role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">')
    drawn = Markup("").join([ground, *body, *(_bars(run[2], [run], _dates(run, dates)) for run in apart)])
    return head.format(_counted(marks), NIGHT * len(marks), HEIGHT) + drawn + Markup("</svg>")


def _runs(marks: Sequence[Mark | None]) -> list[Run]:
    runs, place = [], 0
    for mark, group in groupby(marks):
        nights = len(list(group))
        if mark is not None:
            runs.append((place, nights, mark))
        place += nights
    return runs


def _bars(mark: Mark, runs: Sequence[Run], told: str = "") -> Markup:
    """One path of all runs: level lines as wide as the mark is high, so that a run costs a few bytes."""
    path, end = "", 0
    for place, nights, _ in runs:
        start = f"m{NIGHT * (place - end)} 0" if path else f"M{NIGHT * place} {HEIGHT - mark.height / 2:g}"
        path, end = f"{path}{start}h{NIGHT * nights}", place + nights
    if told:
        return Markup('<path class="{}" d="{}"><title>{}</title></path>').format(mark.name, path, told)
    return Markup('<path class="{}" d="{}"/>').format(mark.name, path)


def _dates(run: Run, dates: Sequence[str]) -> str:
    place, nights, mark = run
    last = f" to {dates[place + nights - 1]}" if nights > 1 else ""
    return f"{dates[place]}{last}: {mark.word}"


def _counted(marks: Sequence[Mark | None]) -> str:
    """`drift on 3 nights, no verdict on 4 nights`: the row for those who do not see it."""
    kinds = sorted({mark for mark in marks if mark is not None}, key=lambda mark: (not mark.loud, -mark.height))
    found = [(mark.word, sum(other is mark for other in marks)) for mark in kinds]
    found.append(("no verdict", sum(mark is None for mark in marks)))
    return ", ".join(f"{word} on {count} {'night' if count == 1 else 'nights'}" for word, count in found if count)

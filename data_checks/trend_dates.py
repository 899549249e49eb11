"""Dates of a range in words, and where its axis has ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Up to so many nights the axis has a tick a night, then one a week, then one a month.
DAILY = 10
_WEEKLY = 45
#: Ticks that have room.
_MOST_TICKS = 7
_MOST_MONDAYS = 6
#: Spans of dates that a sentence lists.
_LISTED = 6


def day_and_month(day: str) -> str:
    """`27 Nov` of `2013-11-27`."""
    parsed = date.fromisoformat(day)
    return f"{parsed.day} {_MONTHS[parsed.month - 1]}"


def month_name(month: str) -> str:
    """`Jul 2013` of `2013-07`."""
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def date_words(days: Iterable[str]) -> str:
    """`2013-10-12 to 2013-10-13, 2013-12-25`: neighbours as a span, and no more than six spans, the first ones.

    >>> date_words(["2013-12-25", "2013-10-13", "2013-10-12"])
    '2013-10-12 to 2013-10-13, 2013-12-25'
    """
    spans: list[list[str]] = []
    for day in sorted(days):
        if spans and date.fromisoformat(day) - date.fromisoformat(spans[-1][-1]) == timedelta(days=1):
            spans[-1].append(day)
        else:
            spans.append([day])
    words = ", ".join(span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in spans[:_LISTED])
    rest = sum(len(span) for span in spans[_LISTED:])
    return f"{words} and {rest} more" if rest else words


def axis_ticks(days: Sequence[str]) -> list[tuple[int, str]]:
    """(place among the nights, label) of each tick, in order.

    Every night of up to ten, with the month where it begins; Mondays, or every second one, of some weeks; otherwise the
    first of each month, of fewer of them in a longer range, where January is named by its year.
    """
    parsed = [date.fromisoformat(day) for day in days]
    if len(parsed) <= DAILY:
        begins = [place == 0 or day.day == 1 for place, day in enumerate(parsed)]
        return [
            (place, day_and_month(days[place]) if begins[place] else str(parsed[place].day))
            for place in range(len(days))
        ]
    if len(parsed) <= _WEEKLY:
        mondays = [place for place, day in enumerate(parsed) if day.weekday() == 0]
        return [(place, day_and_month(days[place])) for place in mondays[:: 1 + len(mondays) // _MOST_MONDAYS]]
    firsts = [(place, day) for place, day in enumerate(parsed) if day.day == 1]
    step = next((step for step in (1, 2, 3, 6, 12) if len(firsts) <= _MOST_TICKS * step), 12)
    return [
        (place, str(day.year) if day.month == 1 else _MONTHS[day.month - 1])
        for place, day in firsts
        if (day.month - 1) % step == 0
    ]

"""Lines over the nights as static SVG, drawn by Vega: one panel a measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data_checks.axis_ticks import round_ticks, tick_labels
from data_checks.drift_bins import number, percent
from data_checks.trend_dates import DAILY, axis_ticks, day_and_month
from data_checks.trend_facts import Values
from data_checks.vega_svg import SCHEMA, Spec, vega_svg

#: The style sheet gives these their colours, light or dark, by the `fill` and `stroke` attributes.
LINE = "#2f6fde"
SECOND = "#0a6b52"
QUIET = "#b8c2cf"
TEXT = "#5b6675"
GRID = "#dfe4ea"
WARN = "#8a5a00"
DRIFT = "#a8261c"

#: Pixels of a panel without its scale: three of the one, or four of the other, fill the page.
WIDE, NARROW = 292, 202

#: Dates written beside peaks, and how near to each other, as a share of the width.
_LABELS = 4
_LABEL_ROOM = 0.17
_FONT = {"fontSize": {"value": 10.5}, "font": {"value": "system-ui"}, "fill": {"value": TEXT}}


@dataclass(frozen=True)
class Level:
    """A horizontal line: a threshold, or what training had."""

    value: float
    colour: str
    dashed: bool = True


@dataclass(frozen=True)
class Panel:
    """One chart; every series has a value for each date, or None."""

    #: What it shows, for those who do not see it.
    title: str
    dates: Sequence[str]
    values: Values
    #: Shares of rows: the axis is in percent.
    percent: bool = False
    levels: tuple[Level, ...] = ()
    #: What chance alone reaches, as an area.
    chance: Values = ()
    #: A second line, dashed.
    second: Values = ()
    #: Nights to mark, and of which the highest are labelled with their dates.
    peaks: tuple[int, ...] = ()
    #: Whether the axis begins at zero.
    from_zero: bool = True
    width: int = WIDE
    height: int = 96


def panel_chart(panel: Panel) -> str | None:
    """SVG of the panel; None where there is no number to draw."""
    if not any(value is not None for value in (*panel.values, *panel.second)):
        return None
    return vega_svg(_spec(panel), panel.title)


def psi_panel(dates: Sequence[str], values: Values, chance: Values, thresholds: tuple[float | None, float]) -> Panel:
    """PSI with its thresholds (warn, drift), above what chance reaches."""
    warn, drift = thresholds
    levels = (*([] if warn is None else [Level(warn, WARN)]), Level(drift, DRIFT, dashed=False))
    return Panel(_said("PSI", values, dates, number), dates, values, levels=levels, chance=chance)


def rate_panel(name: str, dates: Sequence[str], values: Values, reference: float | None) -> Panel:
    """A share of rows, with what it was in training."""
    levels = (Level(reference, TEXT),) if reference is not None else ()
    return Panel(_said(name, values, dates, percent), dates, values, percent=True, levels=levels)


def number_panel(name: str, dates: Sequence[str], values: Values, reference: float | None) -> Panel:
    """A number in its own unit, with what it was in training."""
    levels = (Level(reference, TEXT),) if reference is not None else ()
    said = _said(name, values, dates, lambda value: number(value, 4))
    return Panel(said, dates, values, levels=levels, from_zero=False)


def _said(name: str, values: Values, dates: Sequence[str], shown: Any) -> str:
    """`PSI by night: 0.1 to 9.2, highest on 2013-10-06`."""
    known = [(value, date) for value, date in zip(values, dates, strict=bool(values)) if value is not None]
    if not known:
        return f"{name} by night: no values"
    low, high = min(known), max(known)
    return f"{name} by night: {shown(low[0])} to {shown(high[0])}, highest on {high[1]}"


def labelled_peaks(panel: Panel) -> list[int]:
    """The nights whose dates are written: the highest first, none too near to one that is written already."""
    room = _LABEL_ROOM * max(len(panel.dates) - 1, 1)
    written: list[int] = []
    for place in sorted(panel.peaks, key=lambda place: (-(panel.values[place] or 0.0), place)):
        if len(written) < _LABELS and all(abs(place - other) >= room for other in written):
            written.append(place)
    return written


def _spec(panel: Panel) -> Spec:
    ticks = round_ticks(*_domain(panel))
    rows = zip(ticks, tick_labels(ticks, percent=panel.percent), strict=True)
    data = [{"name": "nights", "values": _nights(panel, ticks[-1])}, {"name": "dates", "values": _dates(panel)}]
    data.append({"name": "ticks", "values": [{"y": value, "label": label} for value, label in rows]})
    data.append({"name": "levels", "values": [{"y": level.value} for level in panel.levels]})
    peaks = [{"x": place, "y": panel.values[place]} for place in panel.peaks]
    return {
        "$schema": SCHEMA,
        "width": panel.width,
        "height": panel.height,
        "padding": {"left": 40, "right": 8, "top": 14, "bottom": 18},
        "autosize": "none",
        "background": None,
        "data": [*data, {"name": "peaks", "values": peaks}, {"name": "labels", "values": _labels(panel)}],
        "scales": [
            {"name": "x", "type": "linear", "range": "width", "domain": [0, max(len(panel.dates) - 1, 1)]},
            {"name": "y", "type": "linear", "range": "height", "domain": [ticks[0], ticks[-1]], "zero": False},
        ],
        "marks": [*_ground(panel), *_lines(panel), *_peaks()],
    }


def _domain(panel: Panel) -> tuple[float, float]:
    known = [value for value in (*panel.values, *panel.second) if value is not None]
    known += [level.value for level in panel.levels]
    low, high = min(known), max(known)
    return (0.0, high or 1.0) if panel.from_zero else (low, high)


def _nights(panel: Panel, top: float) -> list[dict[str, Any]]:
    # A night of few values has a chance beyond any PSI: the area ends where the axis does.
    chance = tuple(value if value is None else min(value, top) for value in panel.chance)
    named = {"y": panel.values, "chance": chance, "second": panel.second}
    series = {name: values for name, values in named.items() if values}
    return [
        {"x": place} | {name: values[place] for name, values in series.items()} for place in range(len(panel.dates))
    ]


def _dates(panel: Panel) -> list[dict[str, Any]]:
    # Where every night has a label, the first is the longest, and has room on its left alone.
    shift = -4 if len(panel.dates) <= DAILY else 0
    return [{"x": place, "label": label, "dx": 0 if place else shift} for place, label in axis_ticks(panel.dates)]


def _labels(panel: Panel) -> list[dict[str, Any]]:
    last = max(len(panel.dates) - 1, 1)
    found = []
    for place in labelled_peaks(panel):
        edge = "left" if place < 0.1 * last else "right" if place > 0.9 * last else "center"
        text = day_and_month(panel.dates[place])
        found.append({"x": place, "y": panel.values[place], "text": text, "align": edge})
    return found


def _at(field: str) -> Spec:
    return {"scale": "x", "field": "x"} if field == "x" else {"scale": "y", "field": field}


def _ground(panel: Panel) -> list[Spec]:
    """Ticks of both axes, what chance reaches, and the levels, behind the lines."""
    grid = {"x": {"value": 0}, "x2": {"signal": "width"}, "y": _at("y"), "stroke": {"value": GRID}}
    scale = {"x": {"value": -5}, "y": _at("y"), "align": {"value": "right"}, "baseline": {"value": "middle"}}
    below = {"x": _at("x"), "y": {"value": panel.height}, "y2": {"value": panel.height + 4}, "stroke": {"value": GRID}}
    words = {"x": _at("x"), "y": {"value": panel.height + 14}, "text": {"field": "label"}, **_FONT}
    words |= {"dx": {"field": "dx"}, "align": {"value": "center"}}
    marks = [
        _mark("rule", "ticks", grid),
        _mark("text", "ticks", scale | {"text": {"field": "label"}, **_FONT}),
        _mark("rule", "dates", below),
        _mark("text", "dates", words),
    ]
    if panel.chance:
        area = {"x": _at("x"), "y": _at("chance"), "y2": {"scale": "y", "value": 0}, "fill": {"value": QUIET}}
        shown = {"opacity": {"value": 0.45}, "defined": {"signal": "isValid(datum.chance)"}}
        marks.append(_mark("area", "nights", area | shown))
    return [*marks, *(_level(level) for level in panel.levels)]


def _level(level: Level) -> Spec:
    across = {"x": {"value": 0}, "x2": {"signal": "width"}, "y": {"scale": "y", "value": level.value}}
    look = {"stroke": {"value": level.colour}, "strokeDash": {"value": [4, 3] if level.dashed else []}}
    return {"type": "rule", "aria": False, "encode": {"enter": across | look}}


def _lines(panel: Panel) -> list[Spec]:
    marks = []
    for field, colour, dash in (("second", SECOND, [5, 3]), ("y", LINE, [])):
        if field == "y" or panel.second:
            # A night alone between gaps is a line of no length: only a round cap shows it.
            look = {"strokeWidth": {"value": 1.6}, "strokeCap": {"value": "round"}, "strokeJoin": {"value": "round"}}
            place = {"x": _at("x"), "y": _at(field), "defined": {"signal": f"isValid(datum.{field})"}}
            colours = {"stroke": {"value": colour}, "strokeDash": {"value": dash}}
            marks.append(_mark("line", "nights", place | colours | look))
    return marks


def _peaks() -> list[Spec]:
    dots = {"x": _at("x"), "y": _at("y"), "size": {"value": 22}, "fill": {"value": DRIFT}}
    words = {"x": _at("x"), "y": _at("y"), "dy": {"value": -6}, "text": {"field": "text"}, **_FONT}
    return [_mark("symbol", "peaks", dots), _mark("text", "labels", words | {"align": {"field": "align"}})]


def _mark(kind: str, data: str, enter: Spec) -> Spec:
    return {"type": kind, "aria": False, "from": {"data": data}, "encode": {"enter": enter}}

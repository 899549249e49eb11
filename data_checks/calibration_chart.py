"""The reliability diagram as static SVG, drawn by Vega."""

from __future__ import annotations

from typing import Any

from data_checks.calibration_result import CalibrationResult, ReliabilityBin
from data_checks.drift_bins import percent
from data_checks.trend_charts import GRID, LINE, QUIET, TEXT
from data_checks.vega_svg import SCHEMA, Spec, vega_svg

#: Pixels: the square, the gap below it, and the bars with the rows of each bin.
_SIDE, _GAP, _BARS = 340, 26, 56
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def reliability_chart(result: CalibrationResult) -> str:
    """SVG: for each bin of probabilities the share that happened, with its 95 % interval; below, the rows of each bin.

    Right probabilities lie on the diagonal.
    """
    return vega_svg(_spec(result), _title(result))


def _title(result: CalibrationResult) -> str:
    said, happened = percent(result.mean_probability), percent(result.positives / result.rows)
    return f"share that happened by predicted probability; {said} predicted and {happened} happened overall"


def _spec(result: CalibrationResult) -> Spec:
    most = max(item.rows for item in result.bins)
    height = _SIDE + _GAP + _BARS
    data = [
        {"name": "bins", "values": [_row(item) for item in result.bins]},
        {"name": "ticks", "values": [{"t": tick, "label": f"{100 * tick:.0f} %"} for tick in _TICKS]},
    ]
    scales = [
        {"name": "x", "type": "linear", "range": [0, _SIDE], "domain": [0, 1]},
        {"name": "y", "type": "linear", "range": [_SIDE, 0], "domain": [0, 1]},
        {"name": "rows", "type": "linear", "range": [height, _SIDE + _GAP], "domain": [0, most]},
    ]
    return {
        "$schema": SCHEMA,
        "width": _SIDE,
        "height": height,
        "padding": {"left": 44, "right": 22, "top": 10, "bottom": 34},
        "autosize": "none",
        "background": None,
        "data": data,
        "scales": scales,
        "marks": [*_ground(height), *_points(), *_counts(height, most)],
    }


def _row(item: ReliabilityBin) -> dict[str, Any]:
    happened = item.happened
    text = (
        f"{percent(item.low)} to {percent(item.high)}: {item.positives:,} of {item.rows:,} happened, "
        f"{percent(happened.value or 0.0)}; {percent(item.mean_probability)} were predicted"
    )
    ends = {"low": happened.low, "high": happened.high, "share": happened.value}
    return {"x": item.mean_probability, "from": item.low, "to": item.high, "rows": item.rows, "text": text} | ends


def _font(size: float = 11) -> Spec:
    return {"fontSize": {"value": size}, "font": {"value": "system-ui"}, "fill": {"value": TEXT}}


def _place(scale: str, field: str) -> Spec:
    return {"scale": scale, "field": field}


def _mark(kind: str, data: str | None, enter: Spec, *, aria: bool = False) -> Spec:
    source = {"from": {"data": data}} if data else {}
    return {"type": kind, **({} if aria else {"aria": False}), **source, "encode": {"enter": enter}}


def _ground(height: int) -> list[Spec]:
    line = {"stroke": {"value": GRID}}
    across = {"x": {"value": 0}, "x2": {"value": _SIDE}, "y": _place("y", "t")}
    upward = {"x": _place("x", "t"), "y": {"value": 0}, "y2": {"value": _SIDE}}
    beside = {"x": {"value": -6}, "y": _place("y", "t"), "align": {"value": "right"}, "baseline": {"value": "middle"}}
    below = {"x": _place("x", "t"), "y": {"value": _SIDE + 15}, "align": {"value": "center"}}
    diagonal = {"x": {"value": 0}, "y": {"value": _SIDE}, "x2": {"value": _SIDE}, "y2": {"value": 0}}
    words = {"x": {"value": _SIDE / 2}, "y": {"value": height + 26}, "align": {"value": "center"}, **_font(12)}
    label = {"text": {"field": "label"}, **_font()}
    return [
        _mark("rule", "ticks", across | line),
        _mark("rule", "ticks", upward | line),
        _mark("text", "ticks", beside | label),
        _mark("text", "ticks", below | label),
        _mark("rule", None, diagonal | {"stroke": {"value": TEXT}, "strokeDash": {"value": [5, 4]}}),
        _mark("text", None, words | {"text": {"value": "predicted probability, and rows at it"}}),
    ]


def _points() -> list[Spec]:
    blue, width = {"stroke": {"value": LINE}}, {"strokeWidth": {"value": 1.6}}
    span = {"x": _place("x", "x"), "y": _place("y", "low"), "y2": _place("y", "high")}
    line = {"x": _place("x", "x"), "y": _place("y", "share"), "strokeOpacity": {"value": 0.45}}
    dot = {"x": _place("x", "x"), "y": _place("y", "share"), "size": {"value": 52}, "fill": {"value": LINE}}
    return [
        _mark("line", "bins", line | blue | width),
        _mark("rule", "bins", span | blue | width),
        _mark("symbol", "bins", dot),
        _hover(0, _SIDE),
    ]


def _counts(height: int, most: int) -> list[Spec]:
    wide = {"x": _place("x", "from") | {"offset": 0.8}, "x2": _place("x", "to") | {"offset": -0.8}}
    tall = {"y": _place("rows", "rows"), "y2": {"value": height}, "fill": {"value": QUIET}}
    end = {"x": {"value": -6}, "y": {"value": _SIDE + _GAP + 4}, "align": {"value": "right"}}
    words = end | {"text": {"value": f"{most:,}"}, **_font(10.5)}
    return [_mark("rect", "bins", wide | tall), _mark("text", None, words), _hover(_SIDE + _GAP, height)]


def _hover(top: float, bottom: float) -> Spec:
    """Unseen bars that carry each bin's text."""
    area = {"x": _place("x", "from"), "x2": _place("x", "to"), "y": {"value": top}, "y2": {"value": bottom}}
    told = {"description": {"field": "text"}, "fill": {"value": "transparent"}}
    return _mark("rect", "bins", area | told, aria=True)

"""Small charts of both histograms as static SVG: drawn by Vega, without a script in the page.

vl-convert's first chart costs 0.8 s of CPU, each further small one 6 ms (Matplotlib 40). Vega rather than Vega-Lite,
since compiling a specification costs twice its drawing. The bars' texts are written by us: as marks they would double
the cost, and so no text from the data goes through Vega.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data_checks.drift_bins import percent
from data_checks.vega_svg import drawn, titled
from data_checks.visible_text import visible
from schemas.verdicts import Bin

#: The style sheet gives these two their colours, light or dark, by the `fill` attribute.
REFERENCE_COLOUR = "#b8c2cf"
CURRENT_COLOUR = "#2f6fde"
TEXT_COLOUR = "#5b6675"
GRID_COLOUR = "#dfe4ea"
#: More bars than this are not told apart at this size; the last one then stands for the rest.
MAX_BARS = 40

#: A column of two bins would otherwise be two slabs.
WIDEST_BAR = 40

Spec = dict[str, Any]


@dataclass(frozen=True)
class ChartSize:
    """Pixels."""

    width: int
    height: int


SMALL = ChartSize(208, 46)
LARGE = ChartSize(680, 180)


def column_chart(bins: Sequence[Bin], title: str) -> str:
    """SVG of a column's bins: the reference's shares as wide bars, tonight's as narrow ones before them."""
    rows = _rows(bins)
    size = ChartSize(chart_width(len(rows)), SMALL.height)
    return _svg(_spec(rows, size), title, _hover(rows, size))


def score_chart(bins: Sequence[Bin], title: str, *, unit: bool) -> str:
    """SVG of a score's bins, with axes; `unit`: the bins are equal parts of [0, 1]."""
    rows = _rows(bins)
    spec = _spec(rows, LARGE)
    ticks = {
        "scale": "share",
        "orient": "left",
        "format": ".0%",
        "tickCount": 4,
        "grid": True,
        "domain": False,
        "ticks": False,
    }
    colours = {
        "labelColor": TEXT_COLOUR,
        "gridColor": GRID_COLOUR,
        "labelFontSize": 11,
        "labelFont": "system-ui",
        "labelPadding": 6,
    }
    spec["axes"] = [ticks | colours]
    if unit:
        spec["scales"].append({"name": "unit", "type": "linear", "range": "width", "domain": [0, 1]})
        across = {
            "scale": "unit",
            "orient": "bottom",
            "tickCount": 10,
            "domain": False,
            "ticks": False,
            "format": ".1f",
        }
        spec["axes"].append(across | colours)
    spec["autosize"] = "none"
    spec["padding"] = {"left": 38, "right": 14, "top": 8, "bottom": 20 if unit else 4}
    return _svg(spec, title, _hover(rows, LARGE, (spec["padding"]["left"], spec["padding"]["top"])))


def shown_bins(bins: Sequence[Bin]) -> list[Bin]:
    """The bins that a chart has room for; the last one stands for the rest."""
    if len(bins) <= MAX_BARS:
        return list(bins)
    rest = bins[MAX_BARS - 1 :]
    together = Bin(f"{len(rest)} more", sum(item.reference for item in rest), sum(item.current for item in rest))
    return [*bins[: MAX_BARS - 1], together]


def chart_width(bars: int) -> int:
    """Pixels of a column's chart."""
    return min(SMALL.width, WIDEST_BAR * bars)


def _rows(bins: Sequence[Bin]) -> list[dict[str, Any]]:
    before, now = (
        max(1, sum(counts)) for counts in zip(*((item.reference, item.current) for item in bins), strict=True)
    )
    shown = shown_bins(bins)
    return [_row(place, item, item.reference / before, item.current / now) for place, item in enumerate(shown)]


def _row(place: int, item: Bin, before: float, now: float) -> dict[str, Any]:
    text = f"{item.label}: {percent(now)} tonight, {percent(before)} in training"
    return {"place": place, "before": before, "now": now, "text": text}


#: Half a gap at either end: then the bars of n bins begin at exactly the n-th parts of the width.
_GAPS = {"paddingInner": 0.1, "paddingOuter": 0.05}


def _spec(rows: list[dict[str, Any]], size: ChartSize) -> Spec:
    top = max(max(row["before"], row["now"]) for row in rows) or 1.0
    return {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "width": size.width,
        "height": size.height,
        "padding": 0,
        "background": None,
        "data": [{"name": "bins", "values": rows}],
        "scales": [
            {"name": "bin", "type": "band", "range": "width", "domain": {"data": "bins", "field": "place"}} | _GAPS,
            {"name": "share", "type": "linear", "range": "height", "domain": [0, top]},
        ],
        "marks": [_bars("before", REFERENCE_COLOUR, 0.0), _bars("now", CURRENT_COLOUR, 0.24)],
    }


def _bars(field: str, colour: str, inset: float) -> Spec:
    across = {"x": {"scale": "bin", "field": "place", "band": inset}, "width": {"scale": "bin", "band": 1 - 2 * inset}}
    upright = {"y": {"scale": "share", "field": field}, "y2": {"scale": "share", "value": 0}}
    return {
        "type": "rect",
        "aria": False,
        "from": {"data": "bins"},
        "encode": {"enter": across | upright | {"fill": {"value": colour}}},
    }


def _hover(rows: list[dict[str, Any]], size: ChartSize, origin: tuple[int, int] = (0, 0)) -> str:
    """Unseen bars of full height whose tooltips are the bins' texts."""
    width = size.width / len(rows)
    shape = f"h{width:.1f}v{size.height}h-{width:.1f}Z"
    bars = "".join(
        f'<path d="M{place * width:.1f},0{shape}"><title>{_text(row["text"])}</title></path>'
        for place, row in enumerate(rows)
    )
    moved = f' transform="translate({origin[0]},{origin[1]})"' if any(origin) else ""
    return f'<g class="hover"{moved}>{bars}</g>'


_DECIMALS = re.compile(r"(\d\.\d)\d+")
_PATH = re.compile(r'd="(M[-0-9.,MLHVZhvlz]*)"')
#: What the page has no use for: the whole picture has one role and one label.
_NEEDLESS = re.compile(r' (?:class|role|aria-roledescription|aria-hidden)="[^"]*"')
#: Bars of one colour, one after the other.
_BARS = re.compile(r'(?:<path d="[^"]*" fill="(#\w+)"/>)(?:<path d="[^"]*" fill="\1"/>)+')
_OF_BAR = re.compile(r'd="([^"]*)"')


def _svg(spec: Spec, title: str, hover: str) -> str:
    body = _NEEDLESS.sub("", drawn(spec))
    body = _PATH.sub(lambda match: f'd="{_short(match[1])}"', body)
    body = _BARS.sub(lambda match: f'<path d="{"".join(_OF_BAR.findall(match[0]))}" fill="{match[1]}"/>', body)
    return titled(body, title).removesuffix("</svg>") + hover + "</svg>"


def _short(path: str) -> str:
    """The path with tenths of a pixel."""
    return _DECIMALS.sub(r"\1", path)


def _text(text: str) -> str:
    from markupsafe import escape  # noqa: PLC0415  # comes with Jinja, which only a report needs

    return escape(visible(text))

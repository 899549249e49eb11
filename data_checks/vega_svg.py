"""Vega specifications drawn as static SVG, fit to stand in a page: no script, short, with an accessible name."""

from __future__ import annotations

import re
from typing import Any

from data_checks.visible_text import visible

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega/v6.json"

_LABELLED = re.compile(r'<path aria-label="([^"]*)"[^>]*? d="([^"]*)"[^>]*?/>')
_DECIMALS = re.compile(r"(\d\.\d)\d+")
_PATH = re.compile(r' d="([^"]*)"')
_STRAIGHT = re.compile(r"([ML])(-?[0-9.e-]+),(-?[0-9.e-]+)")
_TRANSLATE = re.compile(r"translate\([-0-9.,e]*\)")
_HEAD = re.compile(r"<svg [^>]*?width=\"(\d+)\" height=\"(\d+)\"[^>]*>")
#: What elements say by default, and groups' parts that draw nothing.
_NOISE = re.compile(
    r' class="(?:mark-|root|background|role-)[^"]*"| role="graphics-(?:object|symbol)"| aria-roledescription="[^"]*"'
    r'| fill-opacity="1"| stroke-miterlimit="10"| aria-hidden="true"| opacity="1"| stroke-dasharray=""'
    r'|<path class="(?:background|foreground)"[^>]*?/>'
)


def vega_svg(spec: Spec, title: str) -> str:
    """The drawing as one `<svg>` element named `title`; descriptions of marks become their tooltips.

    Coordinates have tenths of a pixel. Texts from the data must be in descriptions or the title: both are escaped.
    """
    # Vega has escaped the description for an attribute, which serves for an element as well.
    body = _LABELLED.sub(
        lambda match: f'<path d="{match[2]}" fill="transparent"><title>{match[1]}</title></path>', drawn(spec)
    )
    body = _PATH.sub(lambda match: f' d="{short_path(match[1])}"', _NOISE.sub("", body))
    body = _TRANSLATE.sub(lambda match: _DECIMALS.sub(r"\1", match[0]), body)
    return titled(body, title)


def drawn(spec: Spec) -> str:
    """The drawing as Vega writes it."""
    import vl_convert  # noqa: PLC0415  # it carries a JavaScript engine: only the driver that writes a report loads it

    svg: str = vl_convert.vega_to_svg(spec)
    return svg


def titled(svg: str, title: str) -> str:
    """The drawing with that accessible name in its first tag, which then has nothing else but its size."""
    return _HEAD.sub(lambda match: _head(title, match[1], match[2]), svg, count=1)


def short_path(path: str) -> str:
    """The path with tenths of a pixel. One of straight lines only is told by its steps, a level stretch in one.

    >>> short_path("M0,96L1.79,40.72L3.6,40.7L5.4,40.7L7,96Z")
    'M0 96l1.8-55.3 3.6 0 1.6 55.3Z'
    """
    closed = "Z" if path.endswith("Z") else ""
    points = _STRAIGHT.findall(path)
    if not points or "".join(f"{kind}{x},{y}" for kind, x, y in points) + closed != path:
        return _DECIMALS.sub(r"\1", path)
    written: list[str] = []
    steps: list[tuple[int, int]] = []
    last = (0, 0)
    # Steps between rounded points, in whole tenths: the error does not add up along a line.
    for kind, x, y in points:
        place = round(float(x) * 10), round(float(y) * 10)
        if kind == "M":
            written += [_steps(steps), f"M{place[0] / 10:g} {place[1] / 10:g}"]
            steps = []
        else:
            _join(steps, (place[0] - last[0], place[1] - last[1]))
        last = place
    return "".join([*written, _steps(steps), closed])


def _join(steps: list[tuple[int, int]], step: tuple[int, int]) -> None:
    """Add a step; one that goes on level in the same direction lengthens the one before."""
    if steps and steps[-1][1] == step[1] == 0 and steps[-1][0] * step[0] > 0:
        steps[-1] = steps[-1][0] + step[0], 0
    else:
        steps.append(step)


def _steps(steps: list[tuple[int, int]]) -> str:
    words = [f"{across / 10:g}{'' if down < 0 else ' '}{down / 10:g}" for across, down in steps]
    return re.sub(r"(?<!\d)0\.", ".", f"l{' '.join(words).replace(' -', '-')}") if steps else ""


def _head(title: str, width: str, height: str) -> str:
    from markupsafe import escape  # noqa: PLC0415  # comes with Jinja, which only a report needs

    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg role="img" aria-label="{escape(visible(title))}" {size}>'

"""Counts, limits and shares in the words of the messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: From here on thousands are separated: not in years and clock times.
_LARGE = 10_000
_HUGE = 10**15
#: Percentages nearer to none or all are not told from it.
_LEAST = 0.001
_ALMOST_ALL = 99.99


def count_words(count: int, noun: str) -> str:
    """`1 row`, `12,345 rows`."""
    return f"{count:,} {noun.removesuffix('s') if count == 1 else noun}"


def number_words(value: Any) -> str:
    """A number as people write it, `12,345.68` or `0.00012`; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == value // 1 and abs(value) < _HUGE:
        return f"{int(value):,}" if abs(value) >= _LARGE else f"{int(value)}"
    return f"{value:,.2f}" if _LARGE <= abs(value) < _HUGE else f"{value:.6g}"


def percent_words(share: float) -> str:
    """`4.5 %`, `0.05 %`, `100 %`; `<0.001 %` and `>99.99 %` rather than a 0 or 100 that it is not."""
    value = 100 * share
    if 0 < value < _LEAST:
        return f"<{_LEAST} %"
    if _ALMOST_ALL < value < 100:  # noqa: PLR2004
        return f">{_ALMOST_ALL} %"
    if value < 1:
        return f"{value:.2g} %"
    return f"{value:.2f}".rstrip("0").rstrip(".") + " %" if value > 99 else f"{value:.1f}".removesuffix(".0") + " %"  # noqa: PLR2004


def range_words(limits: Mapping[str, Any]) -> str:
    """`0 to 5`, `at least 3`, `above 0`, `above 0, at most 5`: what min_value and max_value allow."""
    low, high = (number_words(limits[key]) if key in limits else None for key in ("min_value", "max_value"))
    low_open, high_open = limits.get("strict_min", False), limits.get("strict_max", False)
    if low is not None and high is not None and not low_open and not high_open:
        return low if low == high else f"{low} to {high}"
    parts = [f"above {low}" if low_open else f"at least {low}"] if low is not None else []
    parts += [f"below {high}" if high_open else f"at most {high}"] if high is not None else []
    return ", ".join(parts)


def outside_words(limits: Mapping[str, Any]) -> str:
    """`outside 0 to 5`, `not at least 3`: what is said of values beyond the limits."""
    words = range_words(limits)
    return f"outside {words}" if words[:1].isdigit() or words[:1] == "-" else f"not {words}"


def allowance_words(mostly: float) -> str:
    """`none may be`, `at most 10 % may be`: how many exceptions `mostly` allows."""
    exceptions = round(1 - mostly, 12)  # 1 - 0.9 is 0.09999999999999998
    return f"at most {percent_words(exceptions)} may be" if exceptions else "none may be"

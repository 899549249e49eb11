"""Round numbers for the ticks of an axis."""

from __future__ import annotations

import math

from data_checks.drift_bins import number

#: Steps between ticks, times a power of ten.
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Ascending multiples of 1, 2, 2.5 or 5 times a power of ten from at or below `low` to at or above `high`.

    As few as `most` ticks where that can be, so the axis reaches from the first to the last. Both numbers finite.

    >>> round_ticks(0.0, 0.69)
    [0.0, 0.25, 0.5, 0.75]
    """
    if not high > low:
        low, high = low - (abs(low) * 0.1 or 0.5), low + (abs(low) * 0.1 or 0.5)
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    steps = [power * step for step in (*_STEPS, *(10 * step for step in _STEPS))]
    for step in steps:
        first, last = math.floor(low / step * (1 + 1e-12)), math.ceil(high / step * (1 - 1e-12))
        if last - first < most:
            # A multiple rounded to its own digits: 3 * 0.1 is 0.3 on an axis.
            return [float(f"{place * step:.12g}") for place in range(first, last + 1)]
    return [low, high]


def tick_labels(ticks: list[float], *, percent: bool) -> list[str]:
    """The ticks in words: `25 %`, or numbers with so many digits as it takes to tell them apart."""
    values = [100 * tick for tick in ticks] if percent else ticks
    for digits in range(4, 17):
        words = [number(float(f"{value:.12g}"), digits) for value in values]
        if len(set(words)) == len(ticks):
            return [f"{word} %" for word in words] if percent else words
    return [repr(value) for value in values]

"""Counts and numbers as a file has them: whoever can write the file can write anything in their place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

#: No table has more rows; and thousands of such counts still add up within int64.
LARGEST_COUNT = 1 << 50


def stored_count(value: Any) -> int:
    """The count. Raises ValueError unless it is a whole number from 0 to 2**50."""
    if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
        message = f"not a count: {_shown(value)}"
        raise ValueError(message)
    return value


def stored_counts(values: Any) -> npt.NDArray[np.int64]:
    """The counts, in the shape of the lists. Raises ValueError unless each is a whole number from 0 to 2**50."""
    try:
        found = np.asarray(values)
    except OverflowError:
        found = np.zeros(1)
    whole = not found.size or (found.dtype.kind == "i" and found.min() >= 0 and found.max() <= LARGEST_COUNT)
    if not isinstance(values, list) or not whole:
        message = f"not counts: {_shown(values)}"
        raise ValueError(message)
    return found.astype(np.int64)


def stored_number(value: Any) -> float | None:
    """The number, or None for null. Raises ValueError unless it is one or the other, and finite."""
    if value is None:
        return None
    try:
        found = float(value) if type(value) in (int, float) else math.nan
    except OverflowError:
        found = math.nan
    if not math.isfinite(found):
        message = f"not a finite number: {_shown(value)}"
        raise ValueError(message)
    return found


def _shown(value: Any) -> str:
    return "a number of many digits" if type(value) is int and abs(value) > 1 << 70 else f"{value!r:.40}"

"""Finite floats as whole numbers, so that sums of them are exact, and such sums as text."""

from __future__ import annotations

import re
from typing import Any

#: Every finite float64 is an integer times 2**-1074, every product of two an integer times 2**-2148.
SCALE = 1074
_DYADIC = re.compile(r"(-?)([0-9a-f]{1,1200})p(-?[0-9]{1,4})")


def float_as_integer(value: float) -> int:
    """The finite float times 2**1074, exactly. Raises OverflowError for infinity."""
    numerator, denominator = float(value).as_integer_ratio()
    return numerator << (SCALE + 1 - denominator.bit_length())


def dyadic_text(value: int, scale: int) -> str:
    """Value times 2**-scale as `mantissa p exponent` with an odd mantissa, so that equal sums have equal text."""
    zeros = (value & -value).bit_length() - 1 if value else scale
    return f"{value >> zeros:x}p{zeros - scale}"


def from_dyadic_text(text: Any, scale: int, longest: int) -> int:
    """The value that `dyadic_text` wrote; the mantissa's last bit may stand at up to `longest`. Raises ValueError."""
    match = _DYADIC.fullmatch(text) if isinstance(text, str) else None
    shift = int(match[3]) + scale if match else -1
    if match is None or not 0 <= shift <= longest:
        message = f"not an exact sum: {text!r:.60}"
        raise ValueError(message)
    return int(match[1] + match[2], 16) << shift

"""Numbers as people write them in job.yaml."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _share(value: Any) -> Any:
    """Accept `1%` for 0.01."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:  # noqa: PLR2004
        message = f"a share is at most 1: write {value:g}% for {value:g} percent"
        raise ValueError(message)
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d+)?%", value):
        return float(Fraction(value[:-1]) / 100)
    return _as_float(value)


def _as_float(value: Any) -> Any:
    """Accept `2` for 2.0. Raises ValueError for a whole number that no float64 comes near."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    try:
        return float(value)
    except OverflowError:
        message = "a number of more than 308 digits is too large"
        raise ValueError(message) from None


Share = Annotated[float, BeforeValidator(_share), Field(ge=0.0, le=1.0)]
Number = Annotated[float, BeforeValidator(_as_float)]
NumberOrText = Annotated[float | str, BeforeValidator(_as_float)]

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
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Share = Annotated[float, BeforeValidator(_share), Field(ge=0.0, le=1.0)]
Number = Annotated[float, BeforeValidator(lambda v: float(v) if isinstance(v, int) and not isinstance(v, bool) else v)]

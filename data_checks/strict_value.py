"""Values as strict JSON has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def strict(value: Any) -> Any:
    """Dicts, lists and Python's own scalars; NaN is None, infinite numbers are text."""
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return None if math.isnan(plain) else ("Infinity" if plain > 0 else "-Infinity")
    return plain

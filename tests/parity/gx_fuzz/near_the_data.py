"""Values for the arguments of expectations, at and near those of a column."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
from gx_fuzz.random_tables import BASE, TYPES, WORDS, Rng

from schemas.argument_checks import read_bound

_WHERE_NONE = {"string": "ab", "bool": True, "date": BASE.date(), "timestamp": BASE.replace(tzinfo=None)}


def pick(rng: Rng, choices: Any) -> Any:
    """One of them as it is, where Generator.choice would make it NumPy's."""
    return choices[int(rng.integers(0, len(choices)))]


def chance(rng: Rng, share: float) -> bool:
    """True as often as that."""
    return bool(rng.random() < share)


def near(rng: Rng, table: pa.Table, column: str) -> Any:
    """A JSON value that is one of the column's, or is near one."""
    values = [value for value in table[column].to_pylist() if value is not None and _finite(value)]
    value = pick(rng, values) if values else _some(column)
    step = int(rng.integers(-1, 2))
    if isinstance(value, bool):
        return value if chance(rng, 0.7) else not value
    if isinstance(value, str):
        return value if chance(rng, 0.7) else pick(rng, WORDS)
    if isinstance(value, int):
        return value + step + (0.5 if chance(rng, 0.1) else 0)
    if isinstance(value, float):
        return value + step / 4
    if isinstance(value, Decimal):
        return float(value) + step * 0.005
    moved = value + (dt.timedelta(microseconds=step) if isinstance(value, dt.datetime) else dt.timedelta(days=step))
    return moved.astimezone(dt.UTC).isoformat() if getattr(moved, "tzinfo", None) else moved.isoformat()


def limits(rng: Rng, values: list[Any]) -> dict[str, Any]:
    """One or both limits out of these values, some of them strict."""
    low, high = sorted((pick(rng, values), pick(rng, values)), key=read_bound)
    chosen = {"min_value": low, "max_value": high}
    if chance(rng, 0.4):
        chosen.pop(pick(rng, ["min_value", "max_value"]))
    return chosen | {name: True for name in ("strict_min", "strict_max") if chance(rng, 0.3)}


def near_limits(rng: Rng, table: pa.Table, column: str) -> dict[str, Any]:
    """Limits in the neighbourhood of the column's values."""
    values = [near(rng, table, column) for _ in range(4)]
    return limits(rng, [int(value) if isinstance(value, bool) else value for value in values])


def near_set(rng: Rng, table: pa.Table, column: str) -> list[Any]:
    """Some of the column's values and some others."""
    found = [near(rng, table, column) for _ in range(int(pick(rng, [1, 4, 40])))]
    whole = [int(value) if isinstance(value, float) and "int" in TYPES[column] else value for value in found]
    return [*whole, None] if chance(rng, 0.1) else whole


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _some(column: str) -> Any:
    kind = TYPES[column]
    if kind.startswith("timestamp["):
        return BASE
    if kind.startswith("decimal"):
        return Decimal("0.01")
    return _WHERE_NONE.get(kind, 1.5 if kind.startswith("float") else 2)

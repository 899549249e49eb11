"""Random row conditions, as Great Expectations' objects and as text for pandas."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from gx_fuzz.near_the_data import chance, near, near_set, pick
from gx_fuzz.random_tables import Rng

_COLUMNS = ("i8", "i64", "i64n", "u64", "up", "f64", "f32", "plain", "s", "large", "key", "b")
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")


def random_condition(rng: Rng, table: pa.Table) -> dict[str, Any]:
    """The arguments row_condition and condition_parser."""
    parts = [_part(rng, table) for _ in range(int(pick(rng, [1, 1, 2])))]
    group = pick(rng, ["and", "or"])
    text = f" {group} ".join(map(_as_text, parts))
    if "\n" not in text and chance(rng, 0.4):  # pandas reads one line
        return {"row_condition": text, "condition_parser": "pandas"}
    condition = parts[0] if len(parts) == 1 else {"type": group, "conditions": parts}
    return {"row_condition": condition}


def _part(rng: Rng, table: pa.Table) -> dict[str, Any]:
    column = pick(rng, _COLUMNS)
    named = {"column": {"name": column}}
    if chance(rng, 0.2):
        return {"type": "nullity", **named, "is_null": chance(rng, 0.3)}
    if column != "b" and chance(rng, 0.2):  # GX refuses lists of booleans
        members = [value for value in near_set(rng, table, column) if value is not None]
        operator, value = pick(rng, ["IN", "NOT_IN"]), members
    else:
        operator, value = pick(rng, _OPERATORS if column != "b" else ("==", "!=")), near(rng, table, column)
        value = int(value) if isinstance(value, float) and operator in ("==", "!=") and "i" in column else value
    return {"type": "comparison", **named, "operator": operator, "parameter": value}


def _as_text(part: dict[str, Any]) -> str:
    column = part["column"]["name"]
    if part["type"] == "nullity":
        return f"{column}.{'isnull' if part['is_null'] else 'notnull'}()"
    words = {"IN": "in", "NOT_IN": "not in"}.get(part["operator"], part["operator"])
    return f"{column} {words} {_written(part['parameter'])}"


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)

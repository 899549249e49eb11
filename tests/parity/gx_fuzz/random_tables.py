"""Random tables of every kind of column that the contract knows, with what is awkward in each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.contract import Column, TableContract
from transforms.arrow_types import arrow_type

Rng = np.random.Generator

TYPES = {
    **dict.fromkeys(("i64", "i64n", "big", "up", "id"), "int64"),
    **dict.fromkeys(("s", "cat", "large", "key", "json", "when"), "string"),
    **dict.fromkeys(("f64", "down", "plain"), "float64"),
    **dict.fromkeys(("b", "bn"), "bool"),
    "i8": "int8",
    "u16": "uint16",
    "i32": "int32",
    "u64": "uint64",
    "f32": "float32",
    "day": "date",
    "day2": "date",
    "ts": "timestamp",
    "tz": "timestamp[UTC]",
    "zone": "timestamp[Europe/Berlin]",
    "dec": "decimal(12,2)",
    "wide": "decimal(38,4)",
}
#: Columns of the same type and role are judged alike, so text is once a feature (a dictionary) and once a key (plain).
_PLAIN_TEXT = ("key", "large")
ALWAYS_THERE = ("i8", "i32", "i64", "big", "u64", "u16", "b", "up", "id")
INTEGERS = ("i8", "u16", "i32", "i64", "i64n", "u64", "up", "id")
FLOATS = ("f64", "f32", "down", "plain")
DECIMALS = ("dec", "wide")
TEXTS = ("s", "cat", "large", "key", "json", "when")
TIMES = ("ts", "tz", "zone")
DATES = ("day", "day2")
CONTRACT = TableContract(
    columns=tuple(
        Column(name=name, type=kind, role="key" if name in _PLAIN_TEXT else "feature") for name, kind in TYPES.items()
    )
)
#: How the file has them, where that is not as the contract has them.
_IN_THE_FILE = {"s": pa.string(), "large": pa.large_string(), "json": pa.string(), "when": pa.string()}

WORDS = ["", "a", "A1", "ab", "abc", "été", "日本", "e\u0301", "😀x", "zz top", "line\nbreak", "N123AB"]
JSONS = ["{}", '{"a": 1}', '{"a": "x"}', "[1, 2]", "1", "null", "NaN", '{"a": 1, "b": [true]}']
NO_JSONS = ["{", "", "'a'"]
MOMENTS = ["2024-01-31", "2024-02-30", "31.01.2024", "12:30", "2024-01-31T06:00:00Z", "Jan 31 2024", "soon", "20240131"]
BASE = dt.datetime(2024, 2, 28, 23, tzinfo=dt.UTC)


def random_table(rng: Rng, rows: int, nulls: float | None = None) -> pa.Table:
    """A table of the contract, as a file might have it, with that share of nulls in the columns that may have some."""
    share = float(rng.choice([0.0, 0.1, 0.5, 1.0], p=[0.3, 0.4, 0.2, 0.1])) if nulls is None else nulls
    columns = {}
    for column in CONTRACT:
        gone = rng.random(rows) < (0.0 if column.name in ALWAYS_THERE else share)
        values = [None if g else v for g, v in zip(gone, random_values(rng, column.name, rows), strict=True)]
        columns[column.name] = pa.array(values, _IN_THE_FILE.get(column.name, arrow_type(column)))
    return pa.table(columns)


def conformed(table: pa.Table) -> pa.RecordBatch:
    """The table with the types that the contract gives it."""
    schema = pa.schema([pa.field(column.name, arrow_type(column)) for column in CONTRACT])
    return table.cast(schema).combine_chunks()


def random_values(rng: Rng, name: str, rows: int) -> list[Any]:
    """Values without nulls; NaN is among those of f64 and f32."""
    whole = rng.integers(-5, 6, rows).tolist()
    jsons = JSONS if rng.random() < 0.7 else [*JSONS, *NO_JSONS]
    if name in ("up", "down"):
        return _nearly_sorted(rng, rows, name)
    if name == "id":
        return rng.permutation(rows).tolist()
    makers: dict[str, Callable[[int], Any]] = {
        **dict.fromkeys(("u64", "u16"), abs),
        **dict.fromkeys(("b", "bn"), lambda w: w > 0),
        **dict.fromkeys(("day", "day2"), lambda w: BASE.date() + dt.timedelta(days=w // 2)),
        **dict.fromkeys(("tz", "zone"), lambda w: BASE + dt.timedelta(hours=w, microseconds=w)),
        **dict.fromkeys(("s", "cat", "large"), lambda _: _one(rng, WORDS)),
        "big": lambda w: 2**53 + w,
        "f64": lambda w: [float(w), -0.0, float("nan"), w / 10, 1e100, float("inf")][
            rng.choice(6, p=[0.4] + [0.12] * 5)
        ],
        "f32": lambda w: float("nan") if w == 5 else w / 10,
        "plain": lambda w: w + float(rng.normal()),
        "key": lambda _: f"k{rng.integers(0, 4 * rows)}",
        "json": lambda _: _one(rng, jsons),
        "when": lambda _: _one(rng, MOMENTS),
        "ts": lambda w: (BASE + dt.timedelta(seconds=w, microseconds=w)).replace(tzinfo=None),
        "dec": lambda w: Decimal(w) / 100,
        "wide": lambda w: Decimal(w * 10**30).scaleb(-4),
    }
    return [makers.get(name, int)(w) for w in whole]


def _one(rng: Rng, words: list[str]) -> str:
    return words[int(rng.integers(0, len(words)))]


def _nearly_sorted(rng: Rng, rows: int, name: str) -> list[Any]:
    """Going up (down), with repeats, and at times one value out of order."""
    values = np.sort(rng.integers(-rows, rows + 1, rows))
    if rows > 2 and rng.random() < 0.5:
        first, second = rng.integers(0, rows, 2)
        values[[first, second]] = values[[second, first]]
    return values.tolist() if name == "up" else (-values / 4).tolist()

"""The rows that a condition selects, against Great Expectations' own filter on pandas and against plain Python."""

from __future__ import annotations

import datetime as dt
import math
import operator
import pickle
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.misfit import Misfit
from data_checks.row_filter import RowFilter, compile_filter
from schemas.condition_reading import parse_row_condition
from schemas.contract import Column, TableContract
from transforms.arrow_types import arrow_type, value_type

#: Column to logical type; the strings that are features are dictionaries in a batch.
TYPES = {
    "i": "int16",
    "u": "uint64",
    "f": "float64",
    "g": "float32",
    "b": "bool",
    "c": "bool",
    "s": "string",
    "key": "string",
    "net amount": "decimal(6,2)",
    "m": "decimal(38,4)",
    "d": "date",
    "t": "timestamp",
    "z": "timestamp[Europe/Berlin]",
    "raw": "binary",
}
CONTRACT = TableContract(
    columns=tuple(
        Column(name=name, type=kind, role="key" if name == "key" else "feature") for name, kind in TYPES.items()
    )
)
#: Few values, so that conditions hit them: what orders differently by bytes, code points and locale; ends of types.
POOLS: Mapping[str, list[Any]] = {
    "i": [-(2**15), -1, 0, 1, 5, 2**15 - 1],
    "u": [0, 1, 2**53, 2**53 + 1, 2**64 - 1],
    "f": [-math.inf, -1.5, -0.0, 0.0, 0.1, 5.0, 2.0**53, math.inf, math.nan],
    "g": [float(np.float32(value)) for value in (-1.5, -0.0, 0.1, 0.3, 5.0, math.inf, math.nan)],
    "b": [True, False],
    "c": [True, False],
    "s": ["", "A", "a", "ab", "z", "é", "\ufb00", "\U00010437", "it's", 'say "a"'],
    "key": ["", "k1", "k2", "K2", "日本"],
    "net amount": [Decimal(text) for text in ("-0.01", "0.00", "1.10", "1.50", "9999.99")],
    "m": [Decimal(text) for text in ("-12345678901234567890.1234", "0", "1.5", "12345678901234567890.1235")],
    "d": [dt.date(1969, 12, 31), dt.date(2024, 2, 29), dt.date(2024, 3, 1)],
    "t": [dt.datetime.fromisoformat(text) for text in ("1969-12-31", "2024-02-29", "2024-02-29T12:00:00.000001")],
    "z": [dt.datetime.fromisoformat(f"{text}+00:00") for text in ("2024-02-29T00:00", "2024-03-31T01:30:00.000001")],
    "raw": [b"", b"a"],
}
#: Without nulls, since pandas refuses to order a null Decimal or bool, or rounds whole numbers beside nulls.
FULL = ("u", "b", "net amount", "m")
ORDERED = ("<", "<=", ">", ">=")
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    **dict(zip(ORDERED, (operator.lt, operator.le, operator.gt, operator.ge), strict=True)),
}


def table_of(rows: int, rng: np.random.Generator) -> pa.Table:
    """Plain columns, a fifth of the values null."""
    columns = {}
    for name, kind in TYPES.items():
        picked = [POOLS[name][place] for place in rng.integers(0, len(POOLS[name]), rows)]
        gone = rng.random(rows) < (0 if name in FULL else 0.2)
        values = [None if null else value for value, null in zip(picked, gone, strict=True)]
        columns[name] = pa.array(values, value_type(kind))
    return pa.table(columns)


def batch_of(table: pa.Table) -> pa.RecordBatch:
    """As a conformed batch is: text features as dictionaries."""
    columns = {column.name: table[column.name].combine_chunks().cast(arrow_type(column)) for column in CONTRACT}
    return pa.record_batch(columns)


def compiled(raw: Any) -> RowFilter:
    return compile_filter(parse_row_condition(raw, None), CONTRACT)


def mask(raw: Any, batch: pa.RecordBatch) -> list[bool]:
    found = compiled(raw).mask(BatchValues(BatchColumns(batch)))
    assert found.dtype == np.bool_
    assert found.shape == (batch.num_rows,)
    return [bool(value) for value in found]


def one_column(kind: str, values: list[Any], text: str) -> list[bool]:
    """The mask of a condition on a column `x`."""
    contract = TableContract(columns=(Column(name="x", type=kind, role="key"),))
    batch = pa.record_batch({"x": pa.array(values, value_type(kind))})
    found = compile_filter(parse_row_condition(text, None), contract)
    return [bool(value) for value in found.mask(BatchValues(BatchColumns(batch)))]


# --------------------------------------------------------------------------------------------------- random conditions


def constant(name: str, rng: np.random.Generator, *, ordered: bool) -> Any:
    """A value of JSON for a condition: mostly one that occurs; for an order also one between and beyond them."""
    value = POOLS[name][rng.integers(len(POOLS[name]))]
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if ordered else float(int(value * 2)) / 2  # floats that decimals can equal
    if isinstance(value, float) and not math.isfinite(value):
        return 0.1
    if ordered and name in ("i", "u", "f", "g") and rng.random() < 0.3:
        return [2.5, -(2**40), 2**70, 0.3][rng.integers(4)]
    return value


def leaf(names: list[str], rng: np.random.Generator, may_equal: Callable[[str], bool]) -> dict[str, Any]:
    name = names[rng.integers(len(names))]
    column, kind = {"name": name}, rng.integers(5)
    if kind == 0 or (name == "raw"):
        return {"type": "nullity", "column": column, "is_null": bool(rng.integers(2))}
    if kind == 1 and may_equal(name):
        values = [constant(name, rng, ordered=False) for _ in range(rng.integers(0, 25))]
        if TYPES[name] == "bool":
            values = [int(value) for value in values]  # Great Expectations takes no booleans in lists
        word = "IN" if rng.integers(2) else "NOT_IN"
        return {"type": "comparison", "column": column, "operator": word, "parameter": values}
    operators = [*(("==", "!=") if may_equal(name) else ()), *(() if name == "c" else ORDERED)]
    word = operators[rng.integers(len(operators))]
    value = constant(name, rng, ordered=word in ORDERED)
    return {"type": "comparison", "column": column, "operator": word, "parameter": value}


def tree(
    names: list[str], rng: np.random.Generator, may_equal: Callable[[str], bool], depth: int = 3
) -> dict[str, Any]:
    if depth == 0 or rng.random() < 0.4:
        return leaf(names, rng, may_equal)
    parts = [tree(names, rng, may_equal, depth - 1) for _ in range(rng.integers(1, 4))]
    return {"type": "and" if rng.integers(2) else "or", "conditions": parts}


def anything(name: str) -> bool:
    return True


def as_text(raw: Mapping[str, Any]) -> str:
    """The same condition in the language of texts."""
    if raw["type"] in ("and", "or"):
        joint = f" {raw['type']} "
        return "(" + joint.join(as_text(part) for part in raw["conditions"]) + ")"
    name = f"`{raw['column']['name']}`"
    if raw["type"] == "nullity":
        return f"{name}.{'isnull' if raw['is_null'] else 'notnull'}()"
    word = {"IN": "in", "NOT_IN": "not in"}.get(raw["operator"], raw["operator"])
    return f"{name} {word} {raw['parameter']!r}"


# ----------------------------------------------------------------------------------------- oracles on the whole table


def of_gx(raw: Mapping[str, Any], frame: pd.DataFrame) -> list[bool]:
    """Which rows Great Expectations' pandas engine keeps."""
    from great_expectations.execution_engine import PandasExecutionEngine

    kept = PandasExecutionEngine()._apply_row_condition_filter(frame, dict(raw), {})
    return frame.index.isin(kept.index).tolist()


def of_python(raw: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether one row of Python values is selected."""
    if raw["type"] in ("and", "or"):
        return (all if raw["type"] == "and" else any)(of_python(part, row) for part in raw["conditions"])
    name = raw["column"]["name"]
    value = row[name]
    null = value is None or value != value  # noqa: PLR0124  # NaN
    if raw["type"] == "nullity":
        return null == raw["is_null"]
    if raw["operator"] in ("IN", "NOT_IN"):
        found = not null and value in [python(name, item) for item in raw["parameter"]]
        return found == (raw["operator"] == "IN")
    limit = python(name, raw["parameter"])
    if TYPES[name] == "float32" and math.isfinite(rounded := float(np.float32(limit))):
        limit = rounded
    return raw["operator"] == "!=" if null else OPERATORS[raw["operator"]](value, limit)


def python(name: str, value: Any) -> Any:
    if TYPES[name] == "date":
        return dt.date.fromisoformat(value)
    return dt.datetime.fromisoformat(value) if TYPES[name].startswith("timestamp") else value


@pytest.mark.parametrize(("rows", "conditions"), [(0, 50), (1, 100), (60, 400)])
def test_random_conditions_select_what_great_expectations_selects(
    rng: np.random.Generator, rows: int, conditions: int
) -> None:
    # Not dates, which pandas holds as objects that equal no text; not u and m, whose whole numbers it rounds or
    # compares with rounded ones. A time equals no text in pandas 3, so times are only ordered here.
    names = ["i", "f", "g", "b", "c", "s", "key", "net amount", "t", "z"]
    table = table_of(rows, rng)
    frame, batch = table.to_pandas(), batch_of(table)
    for _ in range(conditions):
        raw = tree(names, rng, lambda name: name not in ("t", "z"))
        assert mask(raw, batch) == of_gx(raw, frame), raw


@pytest.mark.parametrize(("rows", "conditions"), [(0, 50), (1, 100), (60, 400)])
def test_random_conditions_select_what_plain_python_selects(
    rng: np.random.Generator, rows: int, conditions: int
) -> None:
    table = table_of(rows, rng)
    batch, listed = batch_of(table), table.to_pylist()
    for _ in range(conditions):
        raw = tree(list(TYPES), rng, anything)
        assert mask(raw, batch) == [of_python(raw, row) for row in listed], raw


def test_a_condition_selects_the_same_as_text_and_as_object(rng: np.random.Generator) -> None:
    batch = batch_of(table_of(40, rng))
    for _ in range(200):
        raw = tree(list(TYPES), rng, anything)
        text = as_text(raw)
        if len(text) <= 1000:
            assert parse_row_condition(text, "pandas") == parse_row_condition(raw, None)
            assert mask(text, batch) == mask(raw, batch)


def test_a_batch_split_anywhere_gives_the_parts_of_the_mask(rng: np.random.Generator) -> None:
    batch = batch_of(table_of(50, rng))
    for _ in range(50):
        raw, cut = tree(list(TYPES), rng, anything), int(rng.integers(0, 51))
        assert mask(raw, batch.slice(0, cut)) + mask(raw, batch.slice(cut)) == mask(raw, batch)


@pytest.mark.parametrize(
    "text",
    [
        "i > 1",
        "i > 1 and f <= 0.1 or s == 'a'",
        "i > 1 & f <= 0.1 | s == 'a'",
        "i > 1 | f <= 0.1 & s == 'a'",
        "(i > 1 | f <= 0.1) & s == 'a'",
        "s in ['a', 'z'] and key not in ['k1']",
        "s not in [] and i in [1, 5] or key in []",
        "`net amount` >= 1.5 and s.isnull()",
        "b == True and c != False",
        "s < 'b' or s >= '\ufb00'",
        "s > '\uffff'",
        "f.notnull() and g != 0.1",
        "t >= '2024-02-29' and t < '2024-02-29T12:00:00.000001'",
        "z > '2024-02-29T00:00:00+00:00'",
        "i != -1 and f == -0.0 or f == 1e3",
    ],
)
def test_texts_mean_what_pandas_query_says(rng: np.random.Generator, text: str) -> None:
    table = table_of(80, rng)
    frame = table.to_pandas()
    found = mask(text, batch_of(table))
    assert found == frame.index.isin(frame.query(text).index).tolist()
    assert any(found)
    assert not all(found)


# ----------------------------------------------------------------------------------------- what is easily got wrong


NAN = float("nan")


@pytest.mark.parametrize(
    ("kind", "values", "text", "expected"),
    [
        ("int8", [1, None, 5, 6], "x > 5", "...x"),
        ("int8", [1, None, 5, 6], "x >= 5", "..xx"),
        ("int8", [1, None, 5, 6], "x < 5", "x..."),
        ("int8", [1, None, 5, 6], "x <= 5", "x.x."),
        ("int8", [1, None, 5, 6], "x == 5", "..x."),
        ("int8", [1, None, 5, 6], "x != 5", "xx.x"),
        ("int8", [1, None, 5, 6], "x in [5, 6, 1000]", "..xx"),
        ("int8", [1, None, 5, 6], "x not in [5, 6, 1000]", "xx.."),
        ("int8", [1, None, 5, 6], "x not in []", "xxxx"),
        ("int8", [1, None, 5, 6], "x > 5.5", "...x"),
        ("int8", [-128, None, 127], "x < 1000", "x.x"),
        ("int8", [-128, None, 127], "x >= 1000", "..."),
        ("int8", [-128, None, 127], "x == 1000", "..."),
        ("int8", [-128, None, 127], "x != 1000", "xxx"),
        ("int8", [-128, None, 127], "x > -128 and x <= 127", "..x"),
        ("int64", [2**53, 2**53 + 1, None], f"x > {2**53}", ".x."),
        ("int64", [2**53, 2**53 + 1, None], f"x == {2**53 + 1}", ".x."),
        ("int64", [2**53, 2**53 + 1, None], f"x in [{2**53 + 1}]", ".x."),
        ("uint64", [2**64 - 1, 2**64 - 2, None], f"x == {2**64 - 1}", "x.."),
        ("uint64", [2**64 - 1, 0], "x < 0 or x == -1", ".."),
        ("float64", [NAN, None, -0.0, 0.0, 1.0], "x == 0", "..xx."),
        ("float64", [NAN, None, -0.0, 0.0, 1.0], "x != 0", "xx..x"),
        ("float64", [NAN, None, -0.0, 0.0, 1.0], "x < 1", "..xx."),
        ("float64", [NAN, None, -0.0, 0.0, 1.0], "x in [0, 1]", "..xxx"),
        ("float64", [NAN, None, -0.0, 0.0, 1.0], "x.isNull()", "xx..."),
        ("float64", [NAN, None, math.inf, -math.inf], "x.notNull() and x < 1e308", "...x"),
        ("float32", [0.1, 0.2], "x == 0.1", "x."),  # pandas compares with the constant as float32
        ("float32", [0.1, 0.2], "x in [0.1]", ".."),  # but does not round its lists
        ("float32", [math.inf, 1.0], "x < 1e300", ".x"),
        ("bool", [True, False, None], "x == true", "x.."),
        ("bool", [True, False, None], "x != true", ".xx"),
        ("bool", [True, False, None], "x in [false]", ".x."),
        ("bool", [True, False, None], "x > 0", "x.."),
        ("string", ["a", "B", "é", None], "x < 'a'", ".x.."),
        ("string", ["a", "B", "é", None], "x >= 'a'", "x.x."),
        ("string", ["\uffff", "\U00010000"], "x > '\uffff'", ".x"),  # UTF-16 would order them the other way
        ("string", ["", None], "x == ''", "x."),
        ("string", ["", None], "x != ''", ".x"),
        ("string", [None, None], "x > 'a' or x in ['a']", ".."),
        ("decimal(4,2)", [Decimal("1.10"), Decimal("1.11"), None], "x == '1.10'", "x.."),
        ("decimal(4,2)", [Decimal("1.10"), Decimal("1.11"), None], "x not in ['1.1']", ".xx"),
        ("decimal(4,2)", [Decimal("1.10"), Decimal("1.11"), None], "x > '1.1'", ".x."),
        ("decimal(4,2)", [Decimal("1.10"), Decimal("1.11"), None], "x < 1.1", "x.."),  # 1.1 is a little more
        ("decimal(38,1)", [Decimal("12345678901234567890.1"), None], "x == '12345678901234567890.1'", "x."),
        ("decimal(38,1)", [Decimal("12345678901234567890.1"), None], "x == '12345678901234567890.2'", ".."),
        ("date", [dt.date(2024, 2, 28), dt.date(2024, 2, 29), None], "x >= '2024-02-29'", ".x."),
        ("date", [dt.date(2024, 2, 28), dt.date(2024, 2, 29), None], "x != '2024-02-29'", "x.x"),
        ("date", [dt.date(2024, 2, 28), dt.date(2024, 2, 29), None], "x in ['2024-02-29']", ".x."),
        ("timestamp", [dt.datetime.fromisoformat("2024-02-29"), None], "x == '2024-02-29'", "x."),
        ("timestamp", [dt.datetime.fromisoformat("2024-02-29T00:00:00.000001"), None], "x > '2024-02-29'", "x."),
        (
            "timestamp[UTC]",
            [dt.datetime.fromisoformat("2024-02-29T00:00Z"), None],
            "x == '2024-02-29T01:00+01:00'",
            "x.",
        ),
        ("binary", [b"a", None], "x.isNull()", ".x"),
    ],
)
def test_values_that_are_easily_got_wrong(kind: str, values: list[Any], text: str, expected: str) -> None:
    assert one_column(kind, values, text) == [letter == "x" for letter in expected]


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("int32", int),
        ("float64", lambda n: n / 4),
        ("string", str),
        ("decimal(38,2)", lambda n: Decimal(f"{n}2345678901234567890.25")),
        ("date", lambda n: dt.date(2024, 1, 1) + dt.timedelta(n)),
        ("timestamp", lambda n: dt.datetime.fromisoformat("2024-01-01T00:00:00.000001") + dt.timedelta(n)),
    ],
)
def test_long_lists_select_what_plain_python_selects(
    rng: np.random.Generator, kind: str, make: Callable[[int], Any]
) -> None:
    members = [make(int(n)) for n in rng.integers(0, 60, 40)]
    values = [None if n % 7 == 0 else make(n) for n in range(60)]
    found = [value in members for value in values]
    plain = [value if isinstance(value, int | float) else str(value) for value in members]
    raw = {"type": "comparison", "column": {"name": "x"}, "operator": "IN", "parameter": plain}
    contract = TableContract(columns=(Column(name="x", type=kind, role="key"),))
    whole = BatchValues(BatchColumns(pa.record_batch({"x": pa.array(values, value_type(kind))})))
    for word, expected in (("IN", found), ("NOT_IN", [not hit for hit in found])):
        item = compile_filter(parse_row_condition({**raw, "operator": word}, None), contract)
        assert item.mask(whole).tolist() == expected


def test_a_large_dictionary_is_compared_by_the_words_that_occur() -> None:
    words = pa.array([f"w{n:06}" for n in range(100_000)])
    codes = pa.array([5, 99_999, None, 5], pa.int32())
    batch = pa.record_batch({"s": pa.DictionaryArray.from_arrays(codes, words)})
    assert mask("s <= 'w000005'", batch) == [True, False, False, True]
    assert mask("s != 'w000005'", batch) == [False, True, True, False]


def test_a_filter_pickles_and_changes_nothing_that_it_looks_at(rng: np.random.Generator) -> None:
    table = table_of(30, rng)
    values = BatchValues(BatchColumns(batch_of(table)))
    filters = [compiled(tree(list(TYPES), rng, anything)) for _ in range(100)]
    first = [item.mask(values).tolist() for item in filters]
    copies = [pickle.loads(pickle.dumps(item)) for item in filters]  # noqa: S301  # our own bytes
    assert copies == filters
    assert [item.mask(values).tolist() for item in reversed(copies)] == first[::-1]


def test_equal_conditions_make_one_filter_however_they_are_written() -> None:
    texts = ("i > 5 and t == '2024-02-29'", '(col("i") > 5.0) & (t == "2024-02-29T00:00:00")')
    filters = {compiled(text) for text in texts}
    assert len(filters) == 1
    assert compiled("i > 5") != compiled("i >= 5")
    assert compiled("s.isNull() or i > 5").columns == ("s", "i")


# ------------------------------------------------------------------------------------------------- what does not fit


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nett > 5", r"row_condition \(nett is above 5\): column 'nett' is not in the table contract"),
        ("`net amuont` > 5", "did you mean 'net amount'"),
        ("i > 1 and q.isNull()", "column 'q' is not in the table contract; known: "),
        ("i > 'a'", "'a' does not fit column 'i' of type int16: give a number without quotes"),
        ("i == '5'", "'5' does not fit column 'i' of type int16: give a number without quotes"),
        ("f in ['a']", "'a' does not fit column 'f' of type float64: give a number"),
        ("b == 'true'", "'true' does not fit column 'b' of type bool: give a number without quotes"),
        ("s == 5", "5 does not fit column 's' of type string: give a text in quotes"),
        ("s > true", "True does not fit column 's' of type string: give a text"),
        ("key in [5]", "5 does not fit column 'key' of type string"),
        ("d > 5", "5 does not fit column 'd' of type date: give a date such as '2024-01-31'"),
        ("d > true", "True does not fit column 'd' of type date"),
        ("d > '2024-02-29T00:00'", "'2024-02-29T00:00' does not fit column 'd' of type date"),
        ("d == '2023-02-29'", "'2023-02-29' does not fit column 'd' of type date"),
        ("t > 'yesterday'", "'yesterday' does not fit column 't' of type timestamp: give a time such as '2024-01-31T0"),
        ("t > '2024-02-30'", "'2024-02-30T00:00' does not fit column 't'"),
        ("t > '2024-02-29T00:00Z'", "'2024-02-29T00:00Z' does not fit column 't' of type timestamp: give a time such"),
        ("z > '2024-02-29T00:00'", r"does not fit column 'z' of type timestamp\[.*: give a time such as '.*\+00:00'"),
        ("z > '2024-02-29'", r"'2024-02-29' does not fit column 'z' of type timestamp"),
        ("m > 'a'", "'a' does not fit column 'm' of type decimal.*: give a number, or text such as '1.10'"),
        ("raw == 'a'", "column 'raw' of type binary can only be tested for null"),
        ("raw in []", "column 'raw' of type binary can only be tested for null"),
        ("i == 2.5", "2.5 can never be a value of column 'i' of type int16"),
        ("b in [2]", "2 can never be a value of column 'b' of type bool"),
        ("`net amount` == 1.1", "1.1 can never be .* decimal.*; write decimals as text, such as '1.10'"),
        ("`net amount` in ['1.105']", "'1.105' can never be a value of column 'net amount' of type decimal"),
    ],
)
def test_a_condition_that_does_not_fit_the_table_is_refused(text: str, why: str) -> None:
    with pytest.raises(Misfit, match=why) as caught:
        compiled(text)
    assert str(caught.value).startswith("row_condition (")

"""Rules about several columns of a row, against answers worked out by hand and against Great Expectations on pandas."""

from __future__ import annotations

import datetime as dt
import logging
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.columns import BatchColumns
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.multicolumn_equal import values_equal
from data_checks.expectations.multicolumn_sum import sum_equal
from data_checks.expectations.pair_equal import pair_equal
from data_checks.expectations.pair_set import pair_in_set
from data_checks.expectations.share import RowShare
from data_checks.expectations.unique_within_record import unique_within_record
from schemas.contract import Column, TableContract
from schemas.suite import Expectation
from transforms.arrow_types import arrow_type, value_type

# What pandas and NumPy warn of while GX works: infinite values, and zones that it drops for its examples.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops timezone"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]

PAIR_EQUAL = "expect_column_pair_values_to_be_equal"
PAIR_SET = "expect_column_pair_values_to_be_in_set"
SUM = "expect_multicolumn_sum_to_equal"
ALL_EQUAL = "expect_multicolumn_values_to_be_equal"
DIFFERENT = "expect_select_column_values_to_be_unique_within_record"
BUILDERS: dict[str, Callable[[Expectation, TableContract], RowShare]] = {
    PAIR_EQUAL: pair_equal,
    PAIR_SET: pair_in_set,
    SUM: sum_equal,
    ALL_EQUAL: values_equal,
    DIFFERENT: unique_within_record,
}
Columns = dict[str, tuple[str, list[Any]]]
NAN, INF = float("nan"), float("inf")
DAY = dt.date(2024, 2, 29)
NOON = dt.datetime.fromisoformat("2024-02-29T12:00:00.000001")


def built(kind: str, types: dict[str, str], **kwargs: Any) -> RowShare:
    contract = TableContract(columns=tuple(Column(name=name, type=type_) for name, type_ in types.items()))
    share = BUILDERS[kind](Expectation(kind, kwargs, "critical", "r", "fail"), contract)
    return pickle.loads(pickle.dumps(share))  # type: ignore[no-any-return]  # noqa: S301


def conformed(columns: Columns, *, plain: bool = False) -> pa.RecordBatch:
    """As the conform step hands it over: text in dictionaries unless the column is a key."""
    arrays = {}
    for name, (kind, values) in columns.items():
        array = pa.array(values, value_type(kind))
        arrays[name] = array if plain else array.cast(arrow_type(Column(name=name, type=kind)))
    return pa.record_batch(arrays)


def broken(kind: str, columns: Columns, *, plain: bool = False, **kwargs: Any) -> list[bool]:
    """Which rows break the rule, whose counts agree with it."""
    share = built(kind, {name: type_ for name, (type_, _) in columns.items()}, **kwargs)
    values = BatchValues(BatchColumns(conformed(columns, plain=plain)))
    mask = share.rule.broken(values)
    assert share.rule.unexpected(values) == np.count_nonzero(mask)
    assert mask.dtype == np.bool_
    return list(mask.tolist())


def pair(kind: str, a: tuple[str, list[Any]], b: tuple[str, list[Any]], **kwargs: Any) -> list[bool]:
    return broken(kind, {"a": a, "b": b}, column_A="a", column_B="b", **kwargs)


def listed(kind: str, *columns: tuple[str, list[Any]], **kwargs: Any) -> list[bool]:
    named = dict(zip("abcdefghij", columns, strict=False))
    return broken(kind, named, column_list=list(named), **kwargs)


def test_a_rule_names_its_columns_in_great_expectations_order() -> None:
    types = {"a": "int8", "b": "int8", "c": "int8"}
    assert built(PAIR_EQUAL, types, column_A="c", column_B="a").rule.columns == ("c", "a")
    assert built(SUM, types, column_list=["b", "c", "a"], sum_total=1).rule.columns == ("b", "c", "a")


def test_equal_expectations_have_equal_rules_whatever_the_order_of_their_pairs() -> None:
    types = {"a": "int8", "b": "string"}
    one = built(PAIR_SET, types, column_A="a", column_B="b", value_pairs_set=[[1, "x"], [None, "y"]])
    other = built(PAIR_SET, types, column_A="a", column_B="b", value_pairs_set=[[None, "y"], [1.0, "x"], [1, "x"]])
    assert (one.rule, hash(one.rule)) == (other.rule, hash(other.rule))


# ------------------------------------------------------------------------------------------------------- missing values


@pytest.mark.parametrize(
    ("ignore", "evaluated", "expected"),
    [
        ("both_values_are_missing", 4, [False, True, True, True, False]),
        ("either_value_is_missing", 2, [False, True, False, False, False]),
        ("neither", 5, [False, True, True, True, True]),
    ],
)
def test_in_pairs_a_missing_value_equals_nothing_not_even_a_missing_one(
    ignore: str, evaluated: int, expected: list[bool]
) -> None:
    columns = {"a": ("float64", [1.0, 1.0, NAN, 2.0, None]), "b": ("int8", [1, 2, 3, None, None])}
    assert broken(PAIR_EQUAL, columns, column_A="a", column_B="b", ignore_row_if=ignore) == expected
    rule = built(PAIR_EQUAL, {"a": "float64", "b": "int8"}, column_A="a", column_B="b", ignore_row_if=ignore).rule
    assert rule.evaluated(BatchValues(BatchColumns(conformed(columns)))) == evaluated


@pytest.mark.parametrize(
    ("ignore", "expected"),
    [
        ("all_values_are_missing", [False, True, True, False]),
        ("any_value_is_missing", [False, True, False, False]),
        ("never", [False, True, True, False]),
    ],
)
def test_in_lists_all_missing_values_are_equal(ignore: str, expected: list[bool]) -> None:
    columns = ("int8", [1, 1, None, None]), ("int8", [1, 2, 3, None]), ("float64", [1.0, 1.0, NAN, NAN])
    assert listed(ALL_EQUAL, *columns, ignore_row_if=ignore) == expected


def test_two_missing_values_of_a_record_are_the_same_and_one_is_a_value_of_its_own() -> None:
    columns = ("int8", [1, None, None, None]), ("int8", [2, 2, None, None]), ("float64", [3.0, 3.0, 3.0, NAN])
    assert listed(DIFFERENT, *columns) == [False, False, True, False]
    assert listed(DIFFERENT, *columns, ignore_row_if="never") == [False, False, True, True]
    assert listed(DIFFERENT, *columns, ignore_row_if="any_value_is_missing") == [False, False, False, False]


def test_a_sum_with_a_missing_value_is_no_number() -> None:
    columns = ("int8", [1, 0, None]), ("int8", [2, None, None])
    assert listed(SUM, *columns, sum_total=3) == [False, True, False]
    assert listed(SUM, *columns, sum_total=0, ignore_row_if="never") == [True, True, True]
    assert listed(SUM, *columns, sum_total=3, ignore_row_if="any_value_is_missing") == [False, False, False]


# ------------------------------------------------------------------------------------------------- values of all types


def test_whole_numbers_of_any_width_are_compared_exactly() -> None:
    a = ("uint64", [2**64 - 1, 2**63, 2**53 + 1, 5])
    assert pair(PAIR_EQUAL, a, ("int64", [-1, -(2**63), 2**53 + 1, 5])) == [True, True, False, False]
    assert pair(PAIR_EQUAL, ("int64", [2**53 + 1]), ("int64", [2**53])) == [True]


def test_beside_floats_whole_numbers_are_floats_as_in_pandas() -> None:
    assert pair(PAIR_EQUAL, ("int64", [2**53 + 1, 3, 0]), ("float64", [2.0**53, 3.5, -0.0])) == [False, True, False]


def test_decimals_are_compared_by_value_whatever_their_scale() -> None:
    a = ("decimal(38,4)", [Decimal("12345678901234567890.1000"), Decimal("-0.0100"), Decimal("7.0000")])
    b = ("decimal(24,2)", [Decimal("12345678901234567890.10"), Decimal("0.01"), Decimal("7.00")])
    assert pair(PAIR_EQUAL, a, b) == [False, True, False]
    assert pair(PAIR_EQUAL, ("int64", [2**62, 7, 7]), ("decimal(6,3)", [Decimal(1), Decimal(7), None])) == [
        True,
        False,
        True,
    ]


def test_times_are_compared_as_moments_whatever_their_zone() -> None:
    aware = NOON.replace(tzinfo=dt.UTC)
    utc, paris = (
        ("timestamp[UTC]", [aware, aware]),
        ("timestamp[Europe/Paris]", [aware, aware + dt.timedelta.resolution]),
    )
    assert pair(PAIR_EQUAL, utc, paris) == [False, True]


@pytest.mark.parametrize("plain", [True, False])
def test_text_is_compared_by_word_in_whatever_order_the_dictionaries_are(*, plain: bool) -> None:
    columns = {"a": ("string", ["x", "é", "", None, "z"]), "b": ("string", ["é", "é", "", "x", "x"])}
    assert broken(PAIR_EQUAL, columns, plain=plain, column_A="a", column_B="b") == [True, False, False, True, True]
    assert broken(DIFFERENT, columns, plain=plain, column_list=["a", "b"]) == [False, True, True, False, False]


def test_words_that_stand_twice_in_a_dictionary_are_one() -> None:
    a = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["x", "x", "y"]))
    batch = pa.record_batch({"a": a, "b": a.take(pa.array([1, 0, 0]))})
    rule = built(PAIR_EQUAL, {"a": "string", "b": "string"}, column_A="a", column_B="b").rule
    assert rule.broken(BatchValues(BatchColumns(batch))).tolist() == [False, False, True]


def test_dates_bools_and_bytes_are_compared_too() -> None:
    assert pair(PAIR_EQUAL, ("date", [DAY, DAY]), ("date", [DAY, None])) == [False, True]
    assert pair(PAIR_EQUAL, ("bool", [True, False]), ("bool", [True, True])) == [False, True]
    assert pair(PAIR_EQUAL, ("binary", [b"\x00", b"a"]), ("binary", [b"\x00", b"b"])) == [False, True]


@pytest.mark.parametrize("kind", [ALL_EQUAL, DIFFERENT])
@pytest.mark.parametrize("other", ["string", "date", "decimal(4,2)", "timestamp[UTC]", "bool"])
def test_types_that_cannot_be_compared_are_refused(kind: str, other: str) -> None:
    first = {"timestamp[UTC]": "timestamp"}.get(other, "float64")
    with pytest.raises(Misfit, match=f"columns of the types {first}, .* cannot be compared"):
        built(kind, {"a": first, "b": other}, column_list=["a", "b"])
    with pytest.raises(Misfit, match="cannot be compared"):
        built(PAIR_EQUAL, {"a": first, "b": other}, column_A="a", column_B="b")


def test_a_list_of_one_column_is_refused_and_so_is_a_column_that_is_not_there() -> None:
    with pytest.raises(Misfit, match="column_list must name at least two different columns"):
        built(ALL_EQUAL, {"a": "int8"}, column_list=["a", "a"])
    with pytest.raises(Misfit, match="column 'aa' is not in the table contract; did you mean 'a'"):
        built(ALL_EQUAL, {"a": "int8"}, column_list=["a", "aa"])


# ----------------------------------------------------------------------------------------------------------------- sums


def test_sums_of_whole_numbers_do_not_overflow() -> None:
    big = ("int64", [2**62, -(2**63), 1])
    assert listed(SUM, big, big, sum_total=2**63) == [False, True, True]
    assert listed(SUM, ("uint64", [2**64 - 1]), ("int64", [1]), sum_total=2**64) == [False]
    assert listed(SUM, ("int8", [127]), ("int8", [127]), ("bool", [True]), sum_total=255) == [False]


def test_sums_of_whole_numbers_beyond_2_to_the_53_are_exact() -> None:
    assert listed(SUM, ("int64", [2**53, 2**53]), ("int64", [1, 0]), sum_total=2**53 + 1) == [False, True]


def test_decimals_are_added_exactly_at_their_finest_digit() -> None:
    wide = ("decimal(38,4)", [Decimal("10000000000000000000000000000000.2500"), Decimal("0.2500"), None])
    narrow = ("decimal(4,1)", [Decimal("0.5"), Decimal("0.5"), Decimal("0.5")])
    assert listed(SUM, wide, narrow, ("int8", [1, 1, 1]), sum_total=1.75) == [True, False, True]


def test_a_total_that_no_row_could_have_is_refused() -> None:
    with pytest.raises(Misfit, match=r"sum_total 2.5 can never be a sum of values of the types int8, int16"):
        built(SUM, {"a": "int8", "b": "int16"}, column_list=["a", "b"], sum_total=2.5)
    decimals = {"a": "decimal(4,2)", "b": "decimal(4,2)"}
    with pytest.raises(Misfit, match=r"sum_total 0.3 can never be"):  # as a float, it is a little less than 0.30
        built(SUM, decimals, column_list=["a", "b"], sum_total=0.3)
    with pytest.raises(Misfit, match=r"sum_total inf can never be"):
        built(SUM, decimals, column_list=["a", "b"], sum_total=INF)
    with pytest.raises(Misfit, match="can never be a sum of values of the types float64"):
        built(SUM, {"a": "float64", "b": "float64"}, column_list=["a", "b"], sum_total=10**400)


def test_what_is_no_number_cannot_be_added_up_nor_can_decimals_and_floats() -> None:
    with pytest.raises(Misfit, match="column 'b' of type string cannot be added up"):
        built(SUM, {"a": "int8", "b": "string"}, column_list=["a", "b"], sum_total=1)
    with pytest.raises(Misfit, match="decimals and floats cannot be added up exactly"):
        built(SUM, {"a": "float32", "b": "decimal(4,2)"}, column_list=["a", "b"], sum_total=1)


def test_floats_are_added_from_the_first_column_to_the_last() -> None:
    a, b, c = ("float64", [0.1, INF]), ("float64", [0.2, -INF]), ("float64", [0.3, 1.0])
    assert listed(SUM, a, b, c, sum_total=0.1 + 0.2 + 0.3) == [False, True]
    assert listed(SUM, c, b, a, sum_total=0.1 + 0.2 + 0.3) == [True, True]  # 0.3 + 0.2 + 0.1 is 0.6


@pytest.mark.parametrize(("columns", "rows"), [(2, 1), (7, 1), (8, 2), (10, 300)])
def test_floats_are_added_in_pandas_own_order(rng: np.random.Generator, columns: int, rows: int) -> None:
    numbers = {name: rng.normal(size=rows) for name in "abcdefghij"[:columns]}
    totals = pa.table(numbers).to_pandas().sum(axis=1, skipna=False)
    drawn = [("float64", values.tolist()) for values in numbers.values()]
    for row in range(0, rows, 30):
        assert not listed(SUM, *drawn, sum_total=float(totals[row]))[row]


def test_a_batch_is_not_changed_by_adding_it_up() -> None:
    batch = conformed({"a": ("float64", [1.0]), "b": ("float64", [2.0])})
    values = BatchValues(BatchColumns(batch))
    rule = built(SUM, {"a": "float64", "b": "float64"}, column_list=["a", "b"], sum_total=3).rule
    assert [rule.unexpected(values) for _ in range(3)] == [0, 0, 0]
    assert values.values("a").tolist() == [1.0]


# ---------------------------------------------------------------------------------------------------------------- pairs


def test_null_in_a_pair_stands_for_a_missing_value() -> None:
    a, b = ("float64", [1.0, NAN, None, 1.0, 2.0]), ("string", ["x", "x", None, None, "x"])
    pairs = [[1, "x"], [None, "x"]]
    assert pair(PAIR_SET, a, b, value_pairs_set=pairs) == [False, False, False, True, True]
    assert pair(PAIR_SET, a, b, value_pairs_set=[*pairs, [None, None]], ignore_row_if="neither") == [
        *(False, False, False),
        *(True, True),
    ]
    assert pair(PAIR_SET, a, b, value_pairs_set=pairs, ignore_row_if="neither")[2]


def test_pairs_hold_what_the_column_can_hold_and_the_rest_matches_nothing() -> None:
    a, b = ("int8", [-128, 0, 127]), ("uint64", [0, 2**64 - 1, 5])
    pairs = [[-(10**30), 0], [-128, 0], [0, 2**64 - 1], [10**30, 5], [300, 5]]
    assert pair(PAIR_SET, a, b, value_pairs_set=pairs) == [False, False, True]
    assert pair(
        PAIR_SET, ("bool", [True, False]), ("decimal(38,2)", [Decimal("1.50")] * 2), value_pairs_set=[[1, 1.5]]
    ) == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("int8", 1.5, "1.5 in value_pairs_set can never be a value of a column of type int8"),
        ("int8", "1", "'1' in value_pairs_set can never be"),
        ("string", 1, "1 in value_pairs_set can never be"),
        ("decimal(4,2)", 0.3, "0.3 in value_pairs_set can never be"),
        ("bool", 2, "2 in value_pairs_set can never be"),
        ("float64", 10**400, "in value_pairs_set can never be"),
        ("date", "2024-02-29", "sets of values of type date are not supported yet"),
    ],
)
def test_a_pair_that_no_row_could_have_is_refused(kind: str, value: Any, words: str) -> None:
    with pytest.raises(Misfit, match=words):
        built(PAIR_SET, {"a": kind, "b": "int8"}, column_A="a", column_B="b", value_pairs_set=[[value, 1]])


# ----------------------------------------------------------------------------------- against Great Expectations itself

WORDS = ["", "a", "b", "é", "日本", "e\u0301"]
TYPES = {
    "i8": "int8",
    "i64": "int64",
    "u64": "uint64",
    "i64n": "int64",
    "f64": "float64",
    "g64": "float64",
    "f32": "float32",
    "b": "bool",
    "c": "bool",
    "s": "string",
    "t": "string",
    "day": "date",
    "day2": "date",
    "ts": "timestamp",
    "ts2": "timestamp",
    "tz": "timestamp[UTC]",
    "tz2": "timestamp[Europe/Paris]",
    "dec": "decimal(12,2)",
    "dec2": "decimal(20,3)",
}
NEVER_NULL = ("i8", "i64", "u64")
GROUPS = [
    ("i8", "i64", "u64"),
    ("i8", "i64", "i64n"),
    ("i64", "f64", "g64"),
    ("i64n", "f64", "f32", "i8"),
    ("f64", "g64"),
    ("b", "c"),
    ("s", "t"),
    ("day", "day2"),
    ("ts", "ts2"),
    ("tz", "tz2"),
    ("dec", "dec2", "i64"),
]
PAIRS_OF_SETS = [("i8", "s"), ("s", "t"), ("i64n", "f64"), ("b", "i64"), ("dec", "s"), ("u64", "g64"), ("t", "b")]


def random_values(rng: np.random.Generator, name: str, rows: int) -> list[Any]:
    makers: dict[str, Callable[[int], Any]] = {
        "int": lambda w: w,
        "uint64": abs,
        "float64": lambda w: [float(w), -0.0, NAN, w / 2, INF][rng.choice(5, p=[0.6, 0.1, 0.1, 0.1, 0.1])],
        "float32": lambda w: w / 2,
        "bool": lambda w: w > 0,
        "string": lambda w: WORDS[abs(w)],
        "date": lambda w: DAY + dt.timedelta(days=w),
        "timestamp": lambda w: NOON + dt.timedelta(microseconds=w),
        "timestamp[UTC]": lambda w: NOON.replace(tzinfo=dt.UTC) + dt.timedelta(hours=w),
        "timestamp[Europe/Paris]": lambda w: NOON.replace(tzinfo=dt.UTC) + dt.timedelta(hours=w),
        "decimal(12,2)": lambda w: Decimal(w) / 4,
        "decimal(20,3)": lambda w: Decimal(w) / 2,
    }
    make = makers.get(TYPES[name], makers["int"])
    return [make(w) for w in rng.integers(-2, 3, rows).tolist()]


def random_columns(rng: np.random.Generator, rows: int) -> Columns:
    share = float(rng.choice([0.0, 0.2, 0.6]))
    columns: Columns = {}
    for name, kind in TYPES.items():
        gone = rng.random(rows) < (0.0 if name in NEVER_NULL else share)
        values = [None if g else v for g, v in zip(gone, random_values(rng, name, rows), strict=True)]
        columns[name] = (kind, values)
    return columns


def random_case(rng: np.random.Generator, kind: str, columns: Columns) -> dict[str, Any]:
    ignore_pair = str(rng.choice(["both_values_are_missing", "either_value_is_missing", "neither"]))
    ignore_list = str(rng.choice(["all_values_are_missing", "any_value_is_missing", "never"]))
    group = [str(name) for name in rng.permutation(GROUPS[rng.integers(0, len(GROUPS))])]
    if kind == PAIR_SET:
        a, b = PAIRS_OF_SETS[rng.integers(0, len(PAIRS_OF_SETS))]
        pairs = zip(*(random_values(rng, name, 6) for name in (a, b)), strict=True)
        plain = [[plain_member(x), plain_member(y)] for x, y in pairs]
        plain[0][rng.integers(0, 2)] = None
        return {"column_A": a, "column_B": b, "value_pairs_set": plain, "ignore_row_if": ignore_pair}
    if kind == PAIR_EQUAL:
        return {"column_A": group[0], "column_B": group[1], "ignore_row_if": ignore_pair}
    if kind == SUM:
        group = [str(name) for name in rng.permutation(GROUPS[rng.choice([0, 1, 2, 3, 4, 5, 10])])]
        return {"column_list": group, "sum_total": int(rng.integers(-2, 4)), "ignore_row_if": ignore_list}
    return {"column_list": group, "ignore_row_if": ignore_list}


def plain_member(value: Any) -> Any:
    number = float(value) if isinstance(value, Decimal) else value
    return None if isinstance(number, float) and not np.isfinite(number) else number


def ours(rng: np.random.Generator, share: RowShare, batch: pa.RecordBatch) -> tuple[int, int]:
    """Evaluated and unexpected rows, counted in random batches."""
    evaluated = unexpected = 0
    cuts = sorted(rng.integers(0, batch.num_rows + 1, 3).tolist())
    for start, stop in pairwise([0, *cuts, batch.num_rows]):
        values = BatchValues(BatchColumns(batch.slice(start, stop - start)))
        evaluated += share.rule.evaluated(values)
        unexpected += share.rule.unexpected(values)
    return evaluated, unexpected


def by_great_expectations(cases: list[tuple[str, dict[str, Any]]], table: pa.Table) -> Iterator[tuple[int, int] | None]:
    """Evaluated and unexpected rows as GX counts them on pandas; None where it raises."""
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validator import Validator

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    engine = PandasExecutionEngine(batch_data_dict={"table": table.to_pandas()})
    validator = Validator(execution_engine=engine, batches=[Batch(data=engine.batch_manager.active_batch_data)])
    validator._metrics_calculator = MetricsCalculator(engine, show_progress_bars=False)
    for kind, kwargs in cases:
        configuration = ExpectationConfiguration(type=kind, kwargs=kwargs)
        basic = {"result_format": {"result_format": "BASIC"}}
        found = validator.graph_validate(configurations=[configuration], runtime_configuration=basic)[0]
        if found.exception_info.get("raised_exception", True):
            yield None
        else:
            rows = found.result["element_count"] - found.result["missing_count"] if table.num_rows else 0
            yield rows, found.result["unexpected_count"]


def known(kind: str, kwargs: dict[str, Any], columns: Columns) -> str | None:
    """Why a difference is meant to be."""
    names = kwargs.get("column_list", [])
    kinds = {columns[name][0].split("(")[0] for name in names}
    nulls = any(value is None for name in names for value in columns[name][1])
    if kind == SUM and nulls and kinds & {"decimal", "bool"}:
        return "GX cannot add None to a decimal or a bool: it raises"
    if kind == DIFFERENT and nulls and "decimal" in kinds and "int64" in kinds:
        return "GX tells None, a null decimal, from NaN, a null number"
    return None


@pytest.mark.parametrize("kind", list(BUILDERS))
def test_random_records_get_great_expectations_own_counts(kind: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(45):
        rng = np.random.default_rng(seed)
        columns = random_columns(rng, int(rng.choice([0, 1, 7, 40])))
        cases = [(kind, random_case(rng, kind, columns)) for _ in range(6)]
        table = pa.table({name: pa.array(values, value_type(type_)) for name, (type_, values) in columns.items()})
        batch = conformed(columns)
        for (_, kwargs), theirs in zip(cases, by_great_expectations(cases, table), strict=True):
            found = ours(rng, built(kind, TYPES, **kwargs), batch)
            if found == theirs:
                seen["agree"] += 1
                seen["some unexpected"] += 0 < found[1] < found[0]
            else:
                why = known(kind, kwargs, columns)
                assert why, f"seed {seed}: {kwargs}: {found}, GX {theirs}"
                seen[why] += 1
    assert seen["agree"] >= 200
    assert seen["some unexpected"] >= 40


def test_a_null_decimal_beside_a_null_float_is_two_missing_values_where_pandas_has_none_and_nan() -> None:
    columns: Columns = {"i": ("int64", [None, 1]), "d": ("decimal(4,2)", [None, Decimal(2)])}
    table = pa.table({name: pa.array(values, value_type(type_)) for name, (type_, values) in columns.items()})
    kwargs = {"column_list": ["i", "d"], "ignore_row_if": "never"}
    assert list(by_great_expectations([(DIFFERENT, kwargs)], table)) == [(2, 0)]
    assert broken(DIFFERENT, columns, **kwargs) == [True, False]


def test_float32_is_added_in_float64_where_pandas_adds_in_float32() -> None:
    columns: Columns = {"x": ("float32", [np.float32(0.1)]), "y": ("float32", [np.float32(0.2)])}
    table = pa.table({name: pa.array(values, value_type(type_)) for name, (type_, values) in columns.items()})
    total = float(np.float32(0.1) + np.float32(0.2))
    kwargs = {"column_list": ["x", "y"], "sum_total": total}
    assert list(by_great_expectations([(SUM, kwargs)], table)) == [(1, 0)]
    assert broken(SUM, columns, **kwargs) == [True]


def test_whole_numbers_beyond_2_to_the_53_are_added_exactly_where_great_expectations_rounds_the_total() -> None:
    columns: Columns = {"x": ("int64", [2**53]), "y": ("int64", [1])}
    table = pa.table({name: pa.array(values, value_type(type_)) for name, (type_, values) in columns.items()})
    kwargs = {"column_list": ["x", "y"], "sum_total": 2**53}
    assert list(by_great_expectations([(SUM, kwargs)], table)) == [(1, 0)]
    assert broken(SUM, columns, **kwargs) == [True]

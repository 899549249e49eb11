"""The kernels on values that are easy to get wrong, against answers worked out by hand or by plain Python."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.checks import Checks
from data_checks.columns import BatchColumns
from data_checks.verdicts import TableFacts, judge_suite
from schemas.contract import Column, TableContract
from schemas.job import Checks as CheckSettings
from schemas.suite import Expectation, Suite
from schemas.verdicts import ExpectationVerdict
from transforms.arrow_types import arrow_type, value_type

PREFIX = "expect_column_values_to_"
NOON = dt.datetime.fromisoformat("2024-02-29T12:00:00.000001")


def verdict(kind: str, column_type: str, values: list[Any] | pa.Array, **kwargs: Any) -> ExpectationVerdict:
    """Of one expectation on one column `x`, judged in two batches."""
    contract = TableContract(columns=(Column(name="x", type=column_type),))
    checks = Checks.compile(
        Suite("s", (Expectation(kind, {"column": "x", **kwargs}, "critical", "r", "warn"),)), contract, CheckSettings()
    )
    column = pa.chunked_array([pa.array(values, value_type(column_type))]).cast(arrow_type(contract.columns[0]))
    table = pa.table({"x": column}).combine_chunks()
    state = checks.new_state()
    for part in (table.slice(0, len(values) // 2), table.slice(len(values) // 2)):
        for batch in part.to_batches():
            checks.judge(BatchColumns(batch), state)
    return judge_suite(checks, state, TableFacts(len(values), [("x",)], contract))[0]


def between(column_type: str, values: list[Any], **limits: Any) -> int | None:
    return verdict(PREFIX + "be_between", column_type, values, **limits).unexpected


def test_limits_include_their_ends_unless_strict() -> None:
    values = [1, 2, 3, None]
    assert between("int8", values, min_value=2, max_value=3) == 1
    assert between("int8", values, min_value=1, strict_min=True, max_value=3, strict_max=True) == 2


@pytest.mark.parametrize("kind", ["int8", "uint8", "int64", "uint64"])
def test_limits_beyond_what_the_column_holds_are_no_limits_or_hold_nothing(kind: str) -> None:
    values = [0, 1, 127, None]
    assert between(kind, values, min_value=-(10**30), max_value=10**30) == 0
    assert between(kind, values, min_value=10**30) == 3
    assert between(kind, values, max_value=-(10**30)) == 3


def test_broken_limits_on_whole_numbers_are_not_rounded() -> None:
    assert between("int32", [2, 3], min_value=2.5) == 1
    assert between("int32", [2, 3], max_value=2.5, strict_max=True) == 1
    assert between("int32", [-3, -2], min_value=-2.5) == 1


def test_whole_numbers_beyond_2_to_the_53_are_told_apart() -> None:
    assert between("int64", [2**53, 2**53 + 1, None], max_value=2**53) == 1
    assert between("uint64", [2**64 - 1, 2**64 - 2], min_value=2**64 - 1) == 1


def test_missing_values_are_neither_inside_nor_outside() -> None:
    found = verdict(PREFIX + "be_between", "float64", [float("nan"), None, 5.0, float("inf")], max_value=1e308)
    assert (found.evaluated, found.unexpected, found.missing) == (2, 1, 2)


def test_float32_is_compared_as_the_number_that_it_is() -> None:
    assert between("float32", [np.float32(0.1)], max_value=0.1) == 1  # it is 0.100000001490116
    assert between("float32", [np.float32(0.5)], max_value=0.5) == 0


def test_decimals_are_compared_exactly_at_any_width() -> None:
    assert between("decimal(4,2)", [Decimal("1.10"), Decimal("-0.01"), None], min_value=0, max_value=1.1) == 0 + 1
    big = [Decimal("12345678901234567890.1234"), Decimal("12345678901234567890.1235")]
    assert between("decimal(38,4)", big, max_value=12345678901234567890) == 2
    assert between("decimal(38,4)", [-value for value in big], max_value=-1) == 0


def test_dates_and_times_are_compared_to_the_day_and_the_microsecond() -> None:
    days = [dt.date(2024, 2, 28), dt.date(2024, 2, 29), None]
    assert between("date", days, min_value="2024-02-29") == 1
    assert between("timestamp", [NOON], max_value="2024-02-29T12:00:00") == 1
    aware = NOON.replace(tzinfo=dt.UTC)
    assert between("timestamp[UTC]", [aware], max_value="2024-02-29T13:00:00.000001+01:00") == 0
    assert between("timestamp[UTC]", [aware], max_value="2024-02-29T13:00:00+01:00") == 1


def test_minus_zero_is_zero_and_true_is_one() -> None:
    assert verdict(PREFIX + "be_in_set", "float64", [-0.0, 0.0, 1.0], value_set=[0]).unexpected == 1
    assert verdict(PREFIX + "not_be_in_set", "float64", [-0.0, 0.0, 1.0], value_set=[0]).unexpected == 2
    assert verdict(PREFIX + "be_in_set", "bool", [True, False, None], value_set=[1]).unexpected == 1


@pytest.mark.parametrize("size", [3, 50])
def test_small_and_large_sets_of_numbers_agree_with_python(rng: np.random.Generator, size: int) -> None:
    members = rng.integers(-300, 300, size).tolist()
    values = [
        None if gone else value
        for value, gone in zip(rng.integers(-128, 128, 500).tolist(), rng.random(500) < 0.1, strict=True)
    ]
    expected = sum(value not in members for value in values if value is not None)
    assert verdict(PREFIX + "be_in_set", "int8", values, value_set=members).unexpected == expected


def test_lengths_count_characters_not_bytes() -> None:
    words = ["été", "日本語", "abc", "ab", "", None]
    found = verdict("expect_column_value_lengths_to_equal", "string", words, value=3)
    assert (found.evaluated, found.unexpected) == (5, 2)


def test_text_of_a_large_dictionary_is_judged_on_the_words_that_occur() -> None:
    words = pa.array([f"w{n}" for n in range(100_000)])
    codes = pa.array([5, 99_999, None, 5], pa.int32())
    contract = TableContract(columns=(Column(name="x", type="string"),))
    expectation = Expectation(PREFIX + "match_regex", {"column": "x", "regex": "^w5$"}, "critical", "r", "drop")
    checks = Checks.compile(Suite("s", (expectation,)), contract, CheckSettings())
    state = checks.new_state()
    (breach,) = checks.judge(BatchColumns(pa.record_batch({"x": pa.DictionaryArray.from_arrays(codes, words)})), state)
    assert breach.mask.tolist() == [False, True, False, False]
    assert (state.domains[0].tallies["r"].evaluated, state.domains[0].tallies["r"].unexpected) == (3, 1)


def test_a_slice_of_a_batch_is_judged_from_its_own_first_row() -> None:
    whole = pa.record_batch({"x": pa.array([100, None, 3, 4], pa.int16())})
    contract = TableContract(columns=(Column(name="x", type="int16"),))
    expectation = Expectation(PREFIX + "be_between", {"column": "x", "max_value": 3}, "critical", "r", "drop")
    checks = Checks.compile(Suite("s", (expectation,)), contract, CheckSettings())
    (breach,) = checks.judge(BatchColumns(whole.slice(1)), checks.new_state())
    assert breach.mask.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("measure", "column_type", "values", "observed"),
    [
        ("sum", "int64", [2**62, 2**62, 2**62, None], 3 * 2**62),
        ("sum", "uint64", [2**64 - 1, 2**64 - 1], 2 * (2**64 - 1)),
        ("sum", "decimal(38,2)", [Decimal("1e30"), Decimal("0.25"), Decimal("-1e30")], 0.25),
        ("mean", "int64", [2**53 + 1, 2**53 + 1, 2**53 + 3], (3 * 2**53 + 5) / 3),
        ("mean", "float64", [1e9 + 0.25, None, 1e9 + 0.75], 1e9 + 0.5),
        ("mean", "bool", [True, False, None, True], 2 / 3),
        ("stdev", "int32", [1, 2, 3, 4], 1.2909944487358056),
        ("stdev", "float64", [1e9, 1e9 + 1, 1e9 + 2], 1.0),
        ("min", "float64", [float("nan"), 3.0, -0.0, None], 0.0),
        ("max", "float64", [1.0, float("inf")], "Infinity"),
        ("mean", "float64", [1.0, float("-inf")], "-Infinity"),
        ("mean", "float64", [float("inf"), float("-inf")], "NaN"),
        ("min", "date", [dt.date(2024, 2, 29), None, dt.date(1969, 12, 31)], "1969-12-31"),
        ("max", "timestamp", [NOON, None], "2024-02-29T12:00:00.000001"),
        (
            "max",
            "decimal(38,4)",
            [Decimal("-0.0001"), Decimal("12345678901234567890.1234")],
            "12345678901234567890.1234",
        ),
        ("max", "uint64", [2**64 - 1, 0], 2**64 - 1),
    ],
)
def test_measures_of_a_column_are_exact(measure: str, column_type: str, values: list[Any], observed: Any) -> None:
    limit = {"date": "1900-01-01", "timestamp": "1900-01-01T00:00:00"}.get(column_type, -1e308)
    found = verdict(f"expect_column_{measure}_to_be_between", column_type, values, min_value=limit)
    assert found.observed == observed
    assert found.success is (observed not in ("NaN", "-Infinity"))


def test_one_value_has_no_standard_deviation() -> None:
    found = verdict("expect_column_stdev_to_be_between", "float64", [1.0, None], min_value=0)
    assert (found.success, found.observed, found.evaluated) == (False, None, 1)
    assert found.message == "x: one value has no standard deviation; expected at least 0"


@pytest.mark.parametrize(
    ("ignore", "evaluated", "unexpected"),
    [("both_values_are_missing", 5, 3), ("either_value_is_missing", 3, 1), ("neither", 6, 4)],
)
def test_pairs_with_a_missing_value_are_left_out_or_broken_as_asked(
    ignore: str, evaluated: int, unexpected: int
) -> None:
    contract = TableContract(columns=(Column(name="a", type="uint64"), Column(name="b", type="int8")))
    kwargs = {"column_A": "a", "column_B": "b", "ignore_row_if": ignore}
    expectation = Expectation("expect_column_pair_values_a_to_be_greater_than_b", kwargs, "critical", "r", "drop")
    checks = Checks.compile(Suite("s", (expectation,)), contract, CheckSettings())
    a = pa.array([2**64 - 1, 0, 1, None, 5, None], pa.uint64())
    b = pa.array([127, -1, 1, 3, None, None], pa.int8())
    state = checks.new_state()
    (breach,) = checks.judge(BatchColumns(pa.record_batch({"a": a, "b": b})), state)
    tally = state.domains[0].tallies["r"]
    assert (tally.evaluated, tally.unexpected, int(breach.mask.sum())) == (evaluated, unexpected, unexpected)


@pytest.mark.parametrize(
    ("kind", "kwargs", "files", "fault"),
    [
        ("columns_to_match_set", {"column_set": ["b", "a"]}, [("a", "b")], None),
        ("columns_to_match_set", {"column_set": ["a"]}, [("a", "b")], "not expected: 'b'"),
        ("columns_to_match_set", {"column_set": ["a", "c"], "exact_match": False}, [("a", "b")], "missing: 'c'"),
        ("columns_to_match_set", {"column_set": ["a"], "exact_match": False}, [("a", "b")], None),
        ("columns_to_match_set", {"column_set": ["a"]}, [("a",), ("a", "b")], "'b' in some files, since they differ"),
        (
            "columns_to_match_ordered_list",
            {"column_list": ["b", "a"]},
            [("a", "b")],
            "column 1 should be 'b' and is 'a'",
        ),
        (
            "columns_to_match_ordered_list",
            {"column_list": ["a"]},
            [("a", "b")],
            "column 2 should be no column and is 'b'",
        ),
        ("column_count_to_equal", {"value": 3}, [("a", "b")], "2 columns, expected 3"),
        ("column_count_to_be_between", {"min_value": 1, "max_value": 2}, [("a", "b")], None),
    ],
)
def test_columns_of_the_files_are_held_against_the_suite(
    kind: str, kwargs: dict[str, Any], files: list[tuple[str, ...]], fault: str | None
) -> None:
    contract = TableContract(columns=(Column(name="a", type="int8"),))
    expectation = Expectation(f"expect_table_{kind}", kwargs, "critical", "r", "fail")
    checks = Checks.compile(Suite("s", (expectation,)), contract, CheckSettings())
    (found,) = judge_suite(checks, checks.new_state(), TableFacts(0, files, contract))
    assert found.success is (fault is None)
    assert (fault or "as expected in every file") in found.message


def test_a_column_may_be_expected_that_is_not_in_the_contract() -> None:
    found = verdict("expect_column_to_exist", "int8", [1], column="y")
    assert (found.success, found.message) == (False, "columns: there is no column 'y'")
    at = verdict("expect_column_to_exist", "int8", [1], column_index=2)
    assert at.message == "columns: column 'x' is at place 0, expected at 2"

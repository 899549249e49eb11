"""Where Nightscore's result is meant to differ from that of Great Expectations on pandas, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gx_fuzz.comparing import Case, messages, same
from gx_fuzz.random_tables import TYPES

_INDEXES = {"unexpected_index_list", "unexpected_index_query"}
_UNORDERED = {"partial_missing_list", "partial_unexpected_list", "missing_list", "unexpected_list"}
_ONE_RAISED = (False, True)


@dataclass(frozen=True)
class Known:
    """A difference that is meant to be."""

    why: str
    covers: Callable[[Case], bool]
    #: Where it occurs in a table of 300 rows, of which a tenth of each column that may have nulls are.
    type: str
    kwargs: Mapping[str, Any]
    result_format: str = "COMPLETE"
    rows: int = 300
    #: Other values of a column.
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def _of(case: Case, *types: str) -> bool:
    return case.type in types


def _only(case: Case, keys: set[str]) -> bool:
    return case.differences.keys() <= keys


def _raised_there(case: Case) -> bool:
    return case.raised == _ONE_RAISED


def _indexes_cut(case: Case) -> bool:
    if not _only(case, _INDEXES) or "unexpected_index_list" not in case.differences:
        return False
    ours, theirs = case.differences["unexpected_index_list"]
    return len(ours) == 200 and bool(ours == theirs[:200])


def _another_type_in_pandas(case: Case) -> bool:
    (column,) = case.expectation.columns
    kind, nulls = TYPES[column], case.table[column].null_count
    return column == "cat" or kind.startswith(("date", "decimal")) or (nulls > 0 and ("int" in kind or kind == "bool"))


def _no_json(case: Case) -> bool:
    texts = [text for text in case.table[case.expectation.kwargs["column"]].to_pylist() if text is not None]
    return _raised_there(case) and not all(map(_parses, texts))


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _same_set(case: Case) -> bool:
    """The lists hold the same, or as much where GX cuts them."""
    for ours, theirs in case.differences.values():
        if len(ours) != len(theirs) or (len(ours) < 20 and not same(sorted(ours, key=str), sorted(theirs, key=str))):
            return False
    return True


def _in_float32(case: Case) -> bool:
    """Only the number differs, and by no more than the last digits of float32 do."""
    if not _only(case, {"observed_value"}):
        return False
    ours, theirs = case.differences["observed_value"]
    (column,) = case.expectation.columns
    size = sum(abs(value) for value in case.table[column].to_pylist() if value is not None and value == value)  # noqa: PLR0124  # no NaN
    return isinstance(ours, float) and isinstance(theirs, float) and abs(ours - theirs) <= 1e-6 * size


def _of_a_categorical(case: Case) -> bool:
    if case.expectation.columns != ("cat",):
        return False
    if case.raised == _ONE_RAISED:
        return any("Categorical" in message for message in messages(case.theirs))
    if _of(case, "column_most_common_value_to_be_in_set"):
        return all(sorted(ours) == sorted(theirs) for ours, theirs in case.differences.values())
    return _of(case, "column_kl_divergence_to_be_less_than") and _only(case, {"details"})


def _no_time(case: Case) -> bool:
    return _only(case, {"observed_value"}) and list(map(str, case.differences["observed_value"])) == ["None", "NaT"]


KNOWN = (
    Known(
        "Places of unexpected rows are listed up to 200, as their values are; GX lists all of them.",
        _indexes_cut,
        "expect_column_values_to_be_null",
        {"column": "i8"},
    ),
    Known(
        "A column's type is the contract's. GX looks at pandas: a null makes whole numbers floats there, and dates and "
        "decimals are judged value by value, so that one of nulls is of every type; a dictionary is a type of its own.",
        lambda case: (
            _of(case, "column_values_to_be_of_type", "column_values_to_be_in_type_list", "column_type_to_be")
            and _another_type_in_pandas(case)
        ),
        "expect_column_values_to_be_of_type",
        {"column": "i64n", "type_": "int64"},
    ),
    Known(
        "Text that is no JSON does not match a JSON schema; GX raises, and so judges no row.",
        lambda case: _of(case, "column_values_to_match_json_schema") and _no_json(case),
        "expect_column_values_to_match_json_schema",
        {"column": "json", "json_schema": {"type": "object"}},
    ),
    Known(
        "GX lists the values of a Python set in the set's order, which differs from one process to the next; "
        "here they are sorted.",
        lambda case: case.type.startswith("column_distinct_values") and _only(case, _UNORDERED) and _same_set(case),
        "expect_column_distinct_values_to_contain_set",
        {"column": "i8", "value_set": list(range(100, 140))},
    ),
    Known(
        "The least and greatest of no times are null here, and NaT, which is no JSON, in GX.",
        lambda case: _of(case, "column_min_to_be_between", "column_max_to_be_between") and _no_time(case),
        "expect_column_min_to_be_between",
        {"column": "tz", "min_value": "2024-01-01T00:00:00+00:00"},
        rows=0,
    ),
    Known(
        "pandas adds float32 in float32; here everything is added in float64, and rounded once.",
        lambda case: case.kinds == {"float32"} and _in_float32(case),
        "expect_column_sum_to_be_between",
        {"column": "f32", "min_value": 0},
        values={"f32": [1e4, 0.1, -1e4] * 100},
    ),
    Known(
        "GX cannot add up decimals where one is null: it raises. With a row_condition it adds up others than those "
        "that it selects.",
        lambda case: (
            _of(case, "column_mean_to_be_between", "column_sum_to_be_between", "column_stdev_to_be_between")
            and case.kinds == {"decimal(12,2)"}
            and (_raised_there(case) or case.expectation.condition is not None)
        ),
        "expect_column_mean_to_be_between",
        {"column": "dec", "min_value": 0},
    ),
    Known(
        "GX forgets the row_condition of expect_column_pair_values_to_be_in_set in parts, and raises or miscounts.",
        lambda case: _of(case, "column_pair_values_to_be_in_set") and case.expectation.condition is not None,
        "expect_column_pair_values_to_be_in_set",
        {
            "column_A": "i8",
            "column_B": "u16",
            "value_pairs_set": [[1, 1]],
            "row_condition": "i64 > 0",
            "condition_parser": "pandas",
        },
    ),
    Known(
        "Whole numbers beyond 2**53 are compared exactly; GX makes floats of the limits, and rounds.",
        lambda case: "big" in case.expectation.columns and "between" in case.type,
        "expect_column_values_to_be_between",
        {"column": "big", "max_value": 2**53},
    ),
    Known(
        "A dictionary column of the file is text here; pandas makes a Categorical of it, whose values GX lists in the "
        "order of the dictionary, also such as do not occur, and which it cannot negate.",
        _of_a_categorical,
        "expect_column_kl_divergence_to_be_less_than",
        {"column": "cat", "threshold": 0.5, "partition_object": {"values": ["a", "ab"], "weights": [0.5, 0.5]}},
    ),
    Known(
        "GX subtracts a value from the next to see which is greater; where they are unsigned, that wraps around.",
        lambda case: (
            _of(case, "column_values_to_be_increasing", "column_values_to_be_decreasing")
            and case.kinds <= {"uint16", "uint64"}
        ),
        "expect_column_values_to_be_decreasing",
        {"column": "u16"},
    ),
    Known(
        "Place 0 of a column is checked; GX passes over it.",
        lambda case: _of(case, "column_to_exist") and case.expectation.kwargs.get("column_index") == 0,
        "expect_column_to_exist",
        {"column": "day", "column_index": 0},
    ),
)


def explanation(case: Case) -> str | None:
    """Why the two sides differ, where that is known."""
    return next((known.why for known in KNOWN if known.covers(case)), None)

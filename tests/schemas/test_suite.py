from __future__ import annotations

import json
import pickle
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas.condition_reading import parse_row_condition
from schemas.errors import ConfigError
from schemas.suite import CountCondition, Suite, read_suite
from schemas.suite_mistakes import read_count_condition

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"


def read(folder: Path, *expectations: Any, **keys: Any) -> Suite:
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "night", "expectations": list(expectations), **keys}))
    return read_suite(path)


def item(kind: str, kwargs: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs or {}, **keys}


def mistakes(folder: Path, *expectations: Any, **keys: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, *expectations, **keys)
    found: list[str] = caught.value.facts["mistakes"]
    assert all(line in caught.value.message for line in found)
    return found


def test_a_suite_keeps_what_great_expectations_wrote(tmp_path: Path) -> None:
    source = item(BETWEEN, {"column": "x", "min_value": 0, "max_value": None, "batch_id": "b"}, notes="why", id="u")
    suite = read(tmp_path, source, meta={"great_expectations_version": "1.24.1"})
    (expectation,) = suite.expectations
    assert (suite.name, suite.meta) == ("night", {"great_expectations_version": "1.24.1"})
    assert (expectation.kwargs, expectation.source) == ({"column": "x", "min_value": 0}, source)
    assert (expectation.columns, expectation.mostly) == (("x",), 1.0)


@pytest.mark.parametrize(
    ("severity", "meta", "policy"),
    [
        (None, None, "fail"),
        ("critical", {}, "fail"),
        ("warning", {}, "warn"),
        ("info", {}, "warn"),
        ("info", {"on_fail": "quarantine"}, "quarantine"),
        ("critical", {"on_fail": "drop"}, "drop"),
    ],
)
def test_the_policy_is_that_of_meta_or_else_of_the_severity(
    tmp_path: Path, severity: str | None, meta: dict[str, Any] | None, policy: str
) -> None:
    suite = read(tmp_path, item(NOT_NULL, {"column": "x"}, severity=severity, meta=meta))
    assert suite.expectations[0].on_fail == policy


def test_ids_are_the_owners_or_made_of_type_and_column_and_stay_when_a_rule_is_added(tmp_path: Path) -> None:
    first = [
        item(NOT_NULL, {"column": "x"}),
        item(NOT_NULL, {"column": "x", "mostly": 0.5}),
        item(NOT_NULL, {"column": "y"}, meta={"id": "y_there"}),
        item(NOT_NULL, {"column": "y"}, id="short-word"),
        item(NOT_NULL, {"column": "z"}, id="10e8d927-6f7d-57fe-9ee1-67d8530b2cd6"),
        item("expect_table_row_count_to_equal", {"value": 3}),
    ]
    ids = [expectation.rule for expectation in read(tmp_path, *first).expectations]
    assert ids == [
        "column_values_to_not_be_null:x",
        "column_values_to_not_be_null:x#2",
        "y_there",
        "short-word",
        "column_values_to_not_be_null:z",
        "table_row_count_to_equal",
    ]
    more = read(tmp_path, *first, item(NOT_NULL, {"column": "x", "mostly": 0.1}), item(NOT_NULL, {"column": "a"}))
    assert [expectation.rule for expectation in more.expectations][:6] == ids


def test_an_id_made_here_gives_way_to_one_that_the_owner_wrote(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        item("expect_table_row_count_to_equal", {"value": 3}),
        item(NOT_NULL, {"column": "x"}, meta={"id": "table_row_count_to_equal"}),
    )
    assert [e.rule for e in suite.expectations] == ["table_row_count_to_equal#2", "table_row_count_to_equal"]


def test_five_mistakes_are_all_named_in_one_message(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        item("expect_column_values_to_be_betwen", {"column": "a"}),
        item(NOT_NULL, {"column": "a", "mostli": 0.9}),
        item("expect_column_values_to_match_like_pattern", {"column": "a"}),
        item("expect_column_values_to_match_regex", {"column": "a", "regex": "(?=x)"}),
        item(NOT_NULL, {"column": "a", "row_condition": '__import__("os")', "condition_parser": "pandas"}),
    )
    assert [line.split(":")[0] for line in found] == [
        "expectation 1 (expect_column_values_to_be_betwen, column 'a')",
        "expectation 2 (expect_column_values_to_not_be_null, column 'a')",
        "expectation 3 (expect_column_values_to_match_like_pattern, column 'a')",
        "expectation 4 (expect_column_values_to_match_regex, column 'a')",
        "expectation 5 (expect_column_values_to_not_be_null, column 'a')",
    ]
    words = ["did you mean 'expect_column_values_to_be_between'?", "did you mean 'mostly'?"]
    words += ["use expect_column_values_to_match_regex", "RE2, which judges patterns here, has no lookaround"]
    words += ["row_condition, character 1"]
    assert all(word in line for word, line in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        (NOT_NULL, {}, "the argument column is missing"),
        (NOT_NULL, {"column": 3}, "column: 3 is not a text"),
        (NOT_NULL, {"column": "x", "mostly": 1.1}, "mostly: 1.1 is not a share from 0 to 1"),
        (NOT_NULL, {"column": "x", "mostly": True}, "mostly: True is not a share"),
        (NOT_NULL, {"column": "x", "mostly": {"$PARAMETER": "m"}}, "mostly: no value for the parameter 'm'"),
        (BETWEEN, {"column": "x"}, "give min_value, max_value or both"),
        (BETWEEN, {"column": "x", "min_value": "abc"}, "min_value: 'abc' is neither a number nor an ISO date or time"),
        (BETWEEN, {"column": "x", "min_value": "2024-02-30"}, "'2024-02-30' is not a date or time that exists"),
        (BETWEEN, {"column": "x", "min_value": 5, "max_value": 2}, "the lower limit is above the upper"),
        (BETWEEN, {"column": "x", "min_value": 5, "max_value": "2024-01-01"}, "cannot be compared"),
        (BETWEEN, {"column": "x", "min_value": 0, "strict_min": 1}, "strict_min: 1 is not true or false"),
        ("expect_table_row_count_to_equal", {"value": 1.5}, "value: 1.5 is not a whole number from 0"),
        (
            "expect_column_values_to_be_in_set",
            {"column": "x", "value_set": []},
            "value_set: [] is not a list of values",
        ),
        (
            "expect_column_values_to_be_in_set",
            {"column": "x", "value_set": [[1]]},
            "[1] in the list is not a plain value",
        ),
        ("expect_table_columns_to_match_set", {"column_set": ["a", "a"]}, "'a' is listed twice"),
        ("expect_column_values_to_match_regex", {"column": "x", "regex": "("}, "missing )"),
        ("expect_column_values_to_match_regex", {"column": "x", "regex": "x{2000}"}, "is not valid"),
        ("expect_column_values_to_match_regex", {"column": "x", "regex": "x" * 10_001}, "10,001 characters"),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT 1"}, "cannot be judged here: SQL is code"),
        ("expect_nothing", {}, "unknown type; Great Expectations 1.24 has none of that name"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(
    tmp_path: Path, kind: str, kwargs: dict[str, Any], words: str
) -> None:
    (found,) = mistakes(tmp_path, item(kind, kwargs))
    assert words in found


def test_mistakes_beside_the_arguments_are_found_too(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        item(NOT_NULL, {"column": "x"}, severity="high"),
        item(NOT_NULL, {"column": "x"}, meta={"id": "a:b", "on_fail": "stop"}),
        item(NOT_NULL, {"column": "x"}, meta={"id": "same"}),
        item(NOT_NULL, {"column": "y"}, meta={"id": "same"}),
        {"expectation_type": NOT_NULL, "kwargs": {}},
        "no object",
        suite_parameters=["a"],
        data_asset_type="Dataset",
    )
    text = "\n".join(found)
    for words in (
        "severity: 'high' is none of critical, warning, info",
        "meta.id: 'a:b' is not an id",
        "meta.on_fail: 'stop' is none of fail, quarantine, warn, drop",
        "the id 'same' is also that of expectation 3",
        "key 'expectation_type' is of Great Expectations 0.x; since 1.0 it is 'type'",
        "expectation 6: 'no object' is not an object",
        "suite_parameters: ['a'] is not an object",
        "unknown key 'data_asset_type'",
    ):
        assert words in text


def test_a_suite_without_name_or_list_is_refused(tmp_path: Path) -> None:
    assert mistakes(tmp_path, name=None)[0].startswith("suite: name: None is not a text")
    assert mistakes(tmp_path, expectations={"a": 1}) == ["suite: expectations: {'a': 1} is not a list"]


READING = """
import sys, time
from pathlib import Path
from schemas.errors import ConfigError
from schemas.suite import read_suite
started = time.process_time()
try:
    said = read_suite(Path(sys.argv[1])).expectations[-1].rule
except ConfigError as error:
    said = len(error.facts["mistakes"])
print(time.process_time() - started, said)
"""


def read_alone(folder: Path, *expectations: Any) -> tuple[float, str]:
    """(CPU seconds, the last rule or the number of mistakes), read in a process of its own, as `check` would.

    In this one, the garbage collector walks what hundreds of other tests left at every few thousand expectations.
    """
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": "night", "expectations": list(expectations)}))
    command = [sys.executable, "-c", READING, str(path)]
    seconds, said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), said


def test_an_exponential_pattern_is_harmless_and_a_hostile_suite_takes_less_than_a_second(tmp_path: Path) -> None:
    read(tmp_path, item("expect_column_values_to_match_regex", {"column": "x", "regex": "(a+)+$"}))
    hostile = [item(f"expect_something_else_{n}", {"column": "x"}) for n in range(60_000)]
    seconds, found = read_alone(tmp_path, *hostile)
    assert found == "50"
    assert seconds < 1


def test_a_large_suite_of_one_and_the_same_expectation_gets_ids_in_a_second(tmp_path: Path) -> None:
    seconds, rule = read_alone(tmp_path, *[item("expect_column_to_exist", {"column": "x"})] * 50_000)
    assert rule == "column_to_exist:x#50000"
    assert seconds < 2


# --------------------------------------------------------------------------------------------------- conditions on rows

ADULTS = {"type": "comparison", "column": {"name": "age"}, "operator": ">=", "parameter": 18}


def test_a_row_condition_is_parsed_and_stays_among_the_arguments(tmp_path: Path) -> None:
    kwargs = {"column": "x", "row_condition": ADULTS, "condition_parser": None}
    suite = read(tmp_path, item(NOT_NULL, kwargs), item(NOT_NULL, {"column": "y"}))
    first, second = suite.expectations
    assert first.condition == parse_row_condition(ADULTS, None)
    assert (first.kwargs, first.columns) == ({"column": "x", "row_condition": ADULTS}, ("x",))
    assert second.condition is None


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        (NOT_NULL, {"column": "x", "row_condition": 3}, "row_condition: "),
        (NOT_NULL, {"column": "x", "condition_parser": "sql"}, "condition_parser: 'sql' is none of great_expectations"),
        ("expect_column_to_exist", {"column": "x", "row_condition": ADULTS}, "is about the files' columns, not about"),
    ],
)
def test_a_wrong_row_condition_is_a_mistake(tmp_path: Path, kind: str, kwargs: dict[str, Any], words: str) -> None:
    (found,) = mistakes(tmp_path, item(kind, kwargs))
    assert words in found


# ------------------------------------------------------------------------------------------------------ several columns


def test_the_columns_of_a_list_are_the_expectations_but_those_that_the_table_is_to_have_are_not(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        item("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
        item("expect_compound_columns_to_be_unique", {"column_list": list("abcdefgh")}),
        item("expect_table_columns_to_match_ordered_list", {"column_list": ["a", "b"]}),
    )
    assert [expectation.columns for expectation in suite.expectations] == [("a", "b"), tuple("abcdefgh"), ()]
    assert [expectation.rule for expectation in suite.expectations] == [
        "compound_columns_to_be_unique:a,b",
        "compound_columns_to_be_unique:a,b,c,d,e,+3",
        "table_columns_to_match_ordered_list",
    ]


# ------------------------------------------------------------------------------------------------------------- policies


def test_meta_holds_conditions_on_counts_and_what_no_rows_mean(tmp_path: Path) -> None:
    meta = {"warn_if": "> 10", "error_if": ">= 1.5 %", "allow_vacuous": True}
    first, second = read(
        tmp_path, item(NOT_NULL, {"column": "x"}, meta=meta), item(NOT_NULL, {"column": "x"})
    ).expectations
    assert (first.warn_if, first.error_if) == (CountCondition(">", 10), CountCondition(">=", Decimal("1.5"), True))  # noqa: FBT003  # of percent
    assert (str(first.warn_if), str(first.error_if)) == ("> 10", ">= 1.5%")
    assert (first.allow_vacuous, second.allow_vacuous) == (True, None)
    assert (second.warn_if, second.error_if) == (None, None)


@pytest.mark.parametrize(
    ("kind", "kwargs", "meta", "words"),
    [
        (NOT_NULL, {"column": "x"}, {"allow_vacuous": "yes"}, "meta.allow_vacuous: 'yes' is not true or false"),
        (NOT_NULL, {"column": "x"}, {"warn_if": 10}, "meta.warn_if: 10 is not a comparison with a count"),
        (NOT_NULL, {"column": "x"}, {"error_if": "> 1.5"}, "meta.error_if: '> 1.5' is not a comparison"),
        (NOT_NULL, {"column": "x"}, {"error_if": "> 101%"}, "'> 101%': 101 percent is more than all rows"),
        (NOT_NULL, {"column": "x"}, {"error_if": "between 1 and 2"}, "is not a comparison"),
        ("expect_table_row_count_to_equal", {"value": 1}, {"error_if": "> 1"}, "counts no unexpected rows"),
        ("expect_column_values_to_be_of_type", {"column": "x", "type_": "int64"}, {"warn_if": "> 1"}, "counts no"),
        ("expect_column_median_to_be_between", {"column": "x", "min_value": 1}, {"on_fail": "quarantine"}, "no row by"),
        (
            "expect_column_values_to_be_increasing",
            {"column": "x"},
            {"on_fail": "drop"},
            "meta.on_fail: drop sets single",
        ),
    ],
)
def test_a_policy_that_makes_no_sense_is_a_mistake(
    tmp_path: Path, kind: str, kwargs: dict[str, Any], meta: dict[str, Any], words: str
) -> None:
    (found,) = mistakes(tmp_path, item(kind, kwargs, meta=meta))
    assert words in found


@pytest.mark.parametrize(
    ("words", "unexpected", "evaluated", "holds"),
    [
        ("> 10", 10, 10**18, False),
        ("> 10", 11, 11, True),
        (">=3", 3, 3, True),
        ("< 1", 0, 5, True),
        ("= 0", 0, 0, True),
        ("!= 0", 1, 9, True),
        (">= 1%", 1, 100, True),
        ("> 1%", 1, 100, False),
        (">= 0.1%", 10**15 // 1000 - 1, 10**15, False),
        (">= 29%", 29, 100, True),
        (">= 1%", 0, 0, False),
        ("== 100%", 7, 7, True),
    ],
)
def test_a_condition_on_counts_is_exact(words: str, unexpected: int, evaluated: int, holds: bool) -> None:  # noqa: FBT001  # a case
    condition = read_count_condition(words)
    assert condition.holds(unexpected, evaluated) is holds
    assert read_count_condition(str(condition)) == condition
    assert pickle.loads(pickle.dumps(condition)) == condition  # noqa: S301  # our own


# ----------------------------------------------------------------------------------------------------- suite parameters


def test_parameters_are_filled_in_and_the_source_keeps_their_names(tmp_path: Path) -> None:
    source = item(BETWEEN, {"column": "x", "min_value": {"$PARAMETER": "low"}, "max_value": {"$PARAMETER": "high"}})
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"name": "n", "suite_parameters": {"low": 1, "high": 2}, "expectations": [source]}))
    suite = read_suite(path, {"high": 9})
    (expectation,) = suite.expectations
    assert expectation.kwargs == {"column": "x", "min_value": 1, "max_value": 9}
    assert (expectation.source, suite.parameters) == (source, {"low": 1, "high": 9})
    with pytest.raises(ConfigError, match="the lower limit is above the upper"):
        read_suite(path, {"high": 0})


def test_an_argument_without_its_parameter_is_named_once(tmp_path: Path) -> None:
    condition = {**ADULTS, "parameter": {"$PARAMETER": "age"}}
    kwargs = {"column": "x", "min_value": {"$PARAMETER": "m"}, "max_value": "a", "row_condition": condition}
    assert [line.split("): ")[1] for line in mistakes(tmp_path, item(BETWEEN, kwargs))] == [
        "min_value: no value for the parameter 'm'",
        "row_condition: no value for the parameter 'age'",
        "max_value: 'a' is neither a number nor an ISO date or time",
    ]

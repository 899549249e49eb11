from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data_checks.checks import Checks
from data_checks.columns import BatchColumns
from data_checks.expectations.finding import Repeats
from data_checks.verdicts import TableFacts, judge_suite, quality_json
from schemas.contract import Column, TableContract
from schemas.job import Checks as CheckSettings
from schemas.suite import Expectation, Suite
from schemas.verdicts import ExpectationVerdict, Status

GOLDEN = Path(__file__).parents[1] / "golden" / "quality.json"
PREFIX = "expect_column_values_to_"
CONTRACT = TableContract(columns=(Column(name="x", type="float64"), Column(name="c", type="string")))


def rule(kind: str, on_fail: Any = "fail", **kwargs: Any) -> Expectation:
    source = {"type": kind, "kwargs": kwargs, "meta": {"owner": "me"}, "notes": "why"}
    return Expectation(kind, kwargs, "critical", f"{kind[7:]}:{kwargs.get('column', '')}", on_fail, source)


def verdicts(
    suite: Suite, shards: list[pa.RecordBatch], *, duplicates: int = 0, allow_vacuous: bool = False
) -> list[ExpectationVerdict]:
    """The suite over shards that are judged apart and merged."""
    checks = Checks.compile(suite, CONTRACT, CheckSettings(allow_vacuous=allow_vacuous))
    night = checks.new_state()
    for shard in shards:
        state = checks.new_state()
        checks.judge(BatchColumns(shard), state)
        night.merge(state)
    found = dict.fromkeys(checks.files, Repeats(duplicates))
    return judge_suite(checks, night, TableFacts(sum(map(len, shards)), [("x", "c")], CONTRACT, found))


def shard(x: list[float | None], c: list[str | None] | None = None) -> pa.RecordBatch:
    words = pa.array(c or [None] * len(x), pa.string()).dictionary_encode()
    return pa.record_batch({"x": pa.array(x, pa.float64()), "c": words})


@pytest.mark.parametrize("shards", [1, 2, 200])
def test_mostly_is_judged_on_the_whole_and_not_on_each_shard(shards: int) -> None:
    # A pipeline over shards found A (1 null in 100) good and B (8 in 100) bad, though 9 in 200 are allowed: C8.
    rows: list[float | None] = [None, *[1.0] * 99, *[None] * 8, *[1.0] * 92]
    size = 200 // shards
    parts = [shard(rows[start : start + size]) for start in range(0, 200, size)]
    (found,) = verdicts(Suite("s", (rule(PREFIX + "not_be_null", column="x", mostly=0.95),)), parts)
    assert (found.status, found.unexpected, found.evaluated, found.unexpected_share) == (Status.PASSED, 9, 200, 0.045)
    assert found.message == "x: 9 of 200 values are null; at most 5 % may be"


@pytest.mark.parametrize("allow", [False, True])
def test_what_was_evaluated_on_no_row_is_no_success(allow: bool) -> None:  # noqa: FBT001
    # A column of nulls passed every rule on its values, and nobody noticed that the feed had stopped: C10.
    suite = Suite(
        "s",
        (
            rule(PREFIX + "be_between", column="x", min_value=0, max_value=1),
            rule(PREFIX + "be_in_set", column="c", value_set=["a"]),
            rule(PREFIX + "be_unique", column="x"),
            rule("expect_column_mean_to_be_between", column="x", min_value=0),
        ),
    )
    found = verdicts(suite, [shard([None] * 1000)], allow_vacuous=allow)
    assert [(v.status, v.success, v.evaluated, v.missing) for v in found] == [(Status.NO_DATA, allow, 0, 1000)] * 4
    assert found[0].message == "x: evaluated 0 of 1,000 values, since all are null"


def test_a_night_without_rows_passes_nothing_but_what_is_about_the_number_of_rows() -> None:
    suite = Suite(
        "s",
        (
            rule(PREFIX + "not_be_null", column="x"),
            rule("expect_column_proportion_of_non_null_values_to_be_between", column="x", min_value=0.5),
            rule("expect_table_row_count_to_be_between", min_value=1),
            rule("expect_table_row_count_to_equal", value=0),
        ),
    )
    found = verdicts(suite, [])
    assert [v.status for v in found] == [Status.NO_DATA, Status.NO_DATA, Status.FAILED, Status.PASSED]
    assert found[0].message == "x: evaluated 0 of 0 rows, since there are none"
    assert found[2].message == "0 rows; expected at least 1"


def test_the_share_is_compared_in_the_arithmetic_of_great_expectations() -> None:
    rows: list[float | None] = [None] * 100 + [1.0] * 900  # 1 - 100/1000 is 0.9, (1000 - 100) / 1000 is 0.9 too
    (found,) = verdicts(Suite("s", (rule(PREFIX + "not_be_null", column="x", mostly=0.9),)), [shard(rows)])
    assert found.success


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        (
            PREFIX + "be_between",
            {"column": "x", "min_value": 0, "max_value": 2},
            "x: 1 of 3 values are outside 0 to 2; none may be",
        ),
        (
            PREFIX + "be_between",
            {"column": "x", "min_value": 3, "strict_min": True},
            "x: 3 of 3 values are not above 3; none may be",
        ),
        (PREFIX + "be_null", {"column": "x", "mostly": 0.5}, "x: 3 of 4 values are not null; at most 50 % may be"),
        (
            PREFIX + "be_in_set",
            {"column": "c", "value_set": ["a", "b"]},
            "c: 2 of 4 values are none of the 2 expected ones; none may be",
        ),
        (
            PREFIX + "not_be_in_set",
            {"column": "c", "value_set": ["a"]},
            "c: 1 of 4 values are the excluded one; none may be",
        ),
        (
            PREFIX + "match_regex",
            {"column": "c", "regex": "^[ab]$"},
            "c: 2 of 4 values do not match '^[ab]$'; none may be",
        ),
        (
            "expect_column_value_lengths_to_be_between",
            {"column": "c", "max_value": 1},
            "c: 1 of 4 values do not have at most 1 characters; none may be",
        ),
        (
            PREFIX + "be_unique",
            {"column": "c", "mostly": 0.9},
            "c: 2 of 4 values occur more than once; at most 10 % may be",
        ),
        (PREFIX + "be_of_type", {"column": "x", "type_": "int64"}, "x: type is float64; expected int64"),
        ("expect_column_max_to_be_between", {"column": "x", "max_value": 2}, "x: maximum is 3; expected at most 2"),
        (
            "expect_column_mean_to_be_between",
            {"column": "x", "max_value": 1, "strict_max": True},
            "x: mean is 2; expected below 1",
        ),
        (
            "expect_column_proportion_of_non_null_values_to_be_between",
            {"column": "x", "min_value": 0.9},
            "x: 75 % of the values are there; expected a share of at least 0.9",
        ),
    ],
)
def test_messages_say_what_was_found_and_what_is_allowed(kind: str, kwargs: dict[str, Any], message: str) -> None:
    data = shard([1.0, 2.0, 3.0, None], ["a", "b", "c", "dd"])
    (found,) = verdicts(Suite("s", (rule(kind, **kwargs),)), [data], duplicates=2)
    assert found.message == message


def test_a_state_of_other_checks_or_of_other_rows_is_no_basis_for_a_verdict() -> None:
    checks = Checks.compile(Suite("s", (rule(PREFIX + "not_be_null", column="x"),)), CONTRACT, CheckSettings())
    other = Checks.compile(None, CONTRACT, CheckSettings())
    with pytest.raises(ValueError, match="the state counts for other checks"):
        judge_suite(checks, other.new_state(), TableFacts(0, [], CONTRACT))
    with pytest.raises(ValueError, match="0 rows were judged, but 7 conformed"):
        judge_suite(checks, checks.new_state(), TableFacts(7, [], CONTRACT))


def test_quality_json_is_that_of_the_golden_file() -> None:
    # Rewrite the golden file only when its shape is meant to change, and then count its version up.
    suite = Suite(
        "night",
        (
            rule("expect_table_row_count_to_be_between", min_value=1),
            rule(PREFIX + "not_be_null", column="x", mostly=0.5),
            rule(PREFIX + "be_between", "quarantine", column="x", min_value=0, max_value=2),
            rule(PREFIX + "be_in_set", "warn", column="c", value_set=["a"]),
            rule("expect_column_max_to_be_between", column="x", max_value=2),
            rule("expect_column_to_exist", column="x"),
        ),
    )
    found = quality_json(verdicts(suite, [shard([1.0, 3.0, None])]), suite)
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_no_expectations_are_no_failure() -> None:
    found = quality_json([], None)  # a job without a suite
    assert (found["success"], found["results"], found["statistics"]["success_percent"]) == (True, [], None)

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.checks import Checks, CheckState
from data_checks.columns import BatchColumns
from data_checks.expectations.finding import FileRule
from schemas.breach import Breach
from schemas.contract import Column, TableContract
from schemas.errors import ConfigError
from schemas.expectation_types import SUPPORTED
from schemas.job import Checks as CheckSettings
from schemas.suite import Expectation, Suite

CONTRACT = TableContract(
    columns=(
        Column(name="id", type="int64", role="key"),
        Column(name="age", type="int16"),
        Column(name="temp", type="float64"),
        Column(name="city", type="string"),
        Column(name="paid", type="decimal(10,2)"),
        Column(name="day", type="date", role="partition"),
    )
)
PREFIX = "expect_column_values_to_"


def rule(name: str, kind: str, on_fail: Any = "fail", **kwargs: Any) -> Expectation:
    return Expectation(kind, kwargs, "critical", name, on_fail)


def compiled(*expectations: Expectation, **settings: Any) -> Checks:
    return Checks.compile(Suite("night", expectations), CONTRACT, CheckSettings(**settings))


def batch(rows: int = 4, **columns: pa.Array) -> BatchColumns:
    defaults = {"id": pa.array(range(rows), pa.int64())}
    return BatchColumns(pa.record_batch(defaults | columns))


def judged(checks: Checks, view: BatchColumns) -> tuple[CheckState, list[Breach]]:
    state = checks.new_state()
    return state, checks.judge(view, state)


def mistakes(*expectations: Expectation, **settings: Any) -> list[str]:
    with pytest.raises(ConfigError, match="the checks do not fit the table") as caught:
        compiled(*expectations, **settings)
    found: list[str] = caught.value.facts["mistakes"]
    return found


def test_every_supported_type_has_a_builder() -> None:
    from data_checks.compile_expectation import BUILDERS

    assert set(BUILDERS) == set(SUPPORTED)


def test_no_suite_checks_nothing() -> None:
    checks = Checks.compile(None, CONTRACT, CheckSettings())
    state, breaches = judged(checks, batch())
    assert (state.rows, breaches, checks.files, checks.policies) == (4, [], {}, {})


def test_all_that_does_not_fit_the_table_is_named_at_once() -> None:
    found = mistakes(
        rule("a", PREFIX + "not_be_null", column="aeg"),
        rule("b", PREFIX + "match_regex", column="age", regex="x"),
        rule("c", PREFIX + "be_between", column="temp", min_value="2024-01-01"),
        rule("d", PREFIX + "be_increasing", "quarantine", column="id"),
        rule("e", "expect_column_mean_to_be_between", "drop", column="temp", min_value=0),
        rule("f", PREFIX + "be_in_set", column="age", value_set=["old"]),
        on_fail={"temp_mean": "warn"},
    )
    words = [
        "job.yaml: checks.on_fail: no rule has the id 'temp_mean'; known: a, b, c, d, e, f",
        f"a ({PREFIX}not_be_null): column 'aeg' is not in the table contract; did you mean 'age'?",
        f"b ({PREFIX}match_regex): only text is judged so, and the column is of type int16",
        "the limit '2024-01-01' does not fit a column of type float64: give a number",
        "on_fail quarantine is not possible: it is about the table or a whole column",
        "on_fail drop is not possible: it is about the table or a whole column",
        "'old' in value_set can never be a value of a column of type int16",
    ]
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        (PREFIX + "be_between", {"column": "city", "min_value": 3}, "a column of type string has no order"),
        (PREFIX + "be_between", {"column": "day", "min_value": 3}, "give a date such as 2024-01-31"),
        (PREFIX + "be_between", {"column": "day", "min_value": "2024-01-01T00:00"}, "give a date such as"),
        (PREFIX + "be_in_set", {"column": "age", "value_set": [2.5]}, "2.5 in value_set can never be"),
        (PREFIX + "be_in_set", {"column": "city", "value_set": ["a", 1]}, "1 in value_set can never be"),
        (PREFIX + "be_in_set", {"column": "paid", "value_set": [1]}, "sets of values of type decimal(10,2)"),
        (PREFIX + "be_of_type", {"column": "age", "type_": "int17"}, "'int17' is not the name of a type; did you mean"),
        ("expect_column_sum_to_be_between", {"column": "city", "min_value": 0}, "type string has no sum"),
        ("expect_column_value_lengths_to_equal", {"column": "age", "value": 3}, "only text is judged so"),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "age", "column_B": "city"},
            "columns of the types int16 and string cannot be compared",
        ),
    ],
)
def test_an_expectation_that_does_not_fit_its_column_is_refused(kind: str, kwargs: dict[str, Any], words: str) -> None:
    (found,) = mistakes(rule("r", kind, **kwargs))
    assert words in found


def test_types_of_other_systems_may_stand_in_a_type_list_beside_a_known_one() -> None:
    checks = compiled(rule("r", PREFIX + "be_in_type_list", column="age", type_list=["INTEGER", "SMALLINT", "int16"]))
    assert checks.policies == {"r": "fail"}


def test_the_jobs_policy_goes_before_the_suites() -> None:
    checks = compiled(rule("a", PREFIX + "not_be_null", "warn", column="age"), on_fail={"a": "drop"})
    assert (checks.policies, checks.dropping_rules) == ({"a": "drop"}, {"a"})


def test_rows_are_named_for_rules_that_quarantine_or_drop_and_for_no_others() -> None:
    checks = compiled(
        rule("there", PREFIX + "not_be_null", "quarantine", column="age"),
        rule("adult", PREFIX + "be_between", "drop", column="age", min_value=18),
        rule("same", PREFIX + "be_between", "fail", column="age", min_value=18),
        rule("warned", PREFIX + "be_in_set", "warn", column="city", value_set=["X"]),
        rule("broken by none", PREFIX + "be_between", "quarantine", column="age", max_value=200),
    )
    view = batch(age=pa.array([5, None, 40, 17], pa.int16()), city=pa.array(["X", "Y", None, "X"]).dictionary_encode())
    state, breaches = judged(checks, view)
    assert [(b.rule, b.column, b.reason, b.outcome, b.mask.tolist()) for b in breaches] == [
        ("there", "age", "null", "quarantine", [False, True, False, False]),
        ("adult", "age", "unexpected_value", "drop", [True, False, False, True]),
    ]
    assert (state.domains[0].tallies["adult"].evaluated, state.domains[0].tallies["adult"].unexpected) == (3, 2)


def test_mostly_spares_no_row_from_quarantine() -> None:
    checks = compiled(rule("adult", PREFIX + "be_between", "quarantine", column="age", min_value=18, mostly=0.1))
    _, breaches = judged(checks, batch(age=pa.array([5, 40, 40, 40], pa.int16())))
    assert breaches[0].mask.tolist() == [True, False, False, False]


def test_equal_rules_are_counted_once_however_many_expectations_have_them() -> None:
    checks = compiled(
        rule("a", PREFIX + "be_between", column="age", min_value=18),
        rule("b", PREFIX + "be_between", column="age", min_value=18.0, mostly=0.9),
        rule("u", PREFIX + "be_unique", column="id"),
        rule("v", PREFIX + "be_unique", column="id", mostly=0.9),
    )
    assert (list(checks.domains[0].rules), checks.files) == (["a"], {"u": FileRule("keys", ("id",))})


def test_checks_are_small_and_judge_the_same_after_pickling(rng: np.random.Generator) -> None:
    checks = compiled(
        *(rule(f"r{n}", PREFIX + "be_between", column="age", min_value=n) for n in range(40)),
        rule("set", PREFIX + "be_in_set", "drop", column="city", value_set=["a", "b"]),
    )
    view = batch(1000, age=pa.array(rng.integers(0, 50, 1000), pa.int16()), city=pa.array(["a", "c"] * 500))
    before = judged(checks, view)[0]
    data = pickle.dumps(checks)
    again = pickle.loads(data)  # noqa: S301
    assert (len(data) < 20_000, judged(again, view)[0]) == (True, before)


def test_a_state_survives_json_and_refuses_the_state_of_other_checks() -> None:
    checks = compiled(
        rule("m", "expect_column_mean_to_be_between", column="temp", min_value=0),
        rule("x", "expect_column_max_to_be_between", column="temp", min_value=0),
        rule("s", "expect_column_sum_to_be_between", column="age", min_value=0),
    )
    view = batch(age=pa.array([1, None, 3, 4], pa.int16()), temp=pa.array([1.5, float("inf"), None, float("nan")]))
    state, _ = judged(checks, view)
    again = CheckState.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False)))
    assert again == state
    with pytest.raises(ValueError, match="check states of other checks cannot be merged"):
        state.merge(compiled().new_state())
    with pytest.raises(ValueError, match="not a check state of version 2: format None"):
        CheckState.from_json({})

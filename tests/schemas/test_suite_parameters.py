from __future__ import annotations

import datetime as dt
import gc
import json
import time
from typing import Any

import pytest

from schemas.suite_mistakes import UNFILLED
from schemas.suite_parameters import MAX_FILLED, fill_parameters


def suite(*arguments: dict[str, Any], **own: Any) -> dict[str, Any]:
    expectations = [{"type": "expect_x", "kwargs": kwargs} for kwargs in arguments]
    return {"name": "n", "expectations": expectations, **({"suite_parameters": own} if own else {})}


def at(name: Any) -> dict[str, Any]:
    return {"$PARAMETER": name}


def filled(raw: dict[str, Any], **given: Any) -> list[dict[str, Any]]:
    found, mistakes = fill_parameters(raw, given)
    assert mistakes == []
    return [item["kwargs"] for item in found["expectations"]]


def mistakes(raw: dict[str, Any], **given: Any) -> list[str]:
    return fill_parameters(raw, given)[1]


def test_a_name_gets_the_given_value_or_else_the_suites_own() -> None:
    raw = suite({"column": "x", "a": at("low"), "b": at("high")}, low=1, high=2)
    before = json.dumps(raw)
    assert filled(raw, high=[3, None]) == [{"column": "x", "a": 1, "b": [3, None]}]
    assert fill_parameters(raw, {"high": 3})[0]["suite_parameters"] == {"low": 1, "high": 3}
    assert json.dumps(raw) == before


def test_a_name_is_found_in_the_lists_and_objects_of_an_argument() -> None:
    raw = suite({"a": [1, at("n")], "b": {"c": {"d": [at("n"), "$PARAMETER"]}}}, n=7)
    assert filled(raw) == [{"a": [1, 7], "b": {"c": {"d": [7, "$PARAMETER"]}}}]


def test_a_suite_without_parameters_stays_as_it_is() -> None:
    raw = suite({"a": {"b": [1]}})
    assert fill_parameters(raw, {}) == (raw, [])
    for odd in ({}, {"expectations": 3}, {"expectations": [3, {}, {"kwargs": 3}], "suite_parameters": [1]}):
        assert fill_parameters(odd, {}) == (odd, [])


def test_plain_names_get_what_great_expectations_gives_them() -> None:
    from great_expectations.core.suite_parameters import build_suite_parameters

    values = {"n": 3, "Limit_2": 1.5, "s": "n", "l": [1, None], "o": {"a": 1}, "nothing": None, "ex": 1, "pin": 2}
    arguments = {f"argument_{name}": at(name) for name in values}
    theirs, _ = build_suite_parameters(dict(arguments), dict(values))
    assert filled(suite(arguments, **values)) == [theirs]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (at("m"), "no value for the parameter 'm'; known: n, rate"),
        (at("rat"), "no value for the parameter 'rat'; did you mean 'rate'?"),
        (at("n * 1.1"), "'n * 1.1' is not a plain name"),
        (at("now() - timedelta(days=1)"), "expressions are code and never evaluated: give the value itself"),
        (at("n-1"), "'n-1' is not a plain name"),
        (at("1"), "'1' is not a plain name"),
        (at("_n"), "'_n' is not a plain name"),
        (at("n" * 101), "is not a plain name"),
        (at("n\n"), "is not a plain name"),
        (at("PI"), "'PI' is a number in Great Expectations"),
        (at("e"), "'e' is a number in Great Expectations"),
        (
            at("urn:great_expectations:validations:s:e.result.observed_value"),
            "is a result of another run, and no store",
        ),
        (at(3), "3 is not the name of a parameter"),
        ({"$PARAMETER": "n", "$PARAMETER.n": 3}, "has more than the name; give the value in suite_parameters"),
        ([1, {"a": at("m")}], "no value for the parameter 'm'"),
    ],
)
def test_what_is_not_the_name_of_a_value_is_a_mistake_and_the_argument_stays_unfilled(
    reference: Any, words: str
) -> None:
    found, (mistake,) = fill_parameters(suite({"column": "x", "a": reference}, n=1, rate=2), {})
    assert mistake.startswith("expectation 1 (expect_x, column 'x'): a: ")
    assert words in mistake
    assert found["expectations"][0]["kwargs"] == {"column": "x", "a": UNFILLED}


def test_names_that_great_expectations_reads_otherwise_are_refused_here() -> None:
    from great_expectations.core.suite_parameters import build_suite_parameters

    values = {"e": 5, "pi": 5, "n-1": 5, "_n": 5}
    for name in values:
        with pytest.raises(Exception, match=r"No value found|Parse Failure|Error while evaluating"):
            build_suite_parameters({"a": at(name)}, dict(values))
        assert len(mistakes(suite({"a": at(name)}, **values))) == 1


def test_a_given_value_that_is_used_nowhere_is_a_mistake_but_one_of_the_suite_is_not() -> None:
    raw = suite({"a": at("rate")}, rate=1, spare=2)
    assert mistakes(raw) == []
    assert mistakes(raw, rat=3) == ["suite: the parameter 'rat' is given, but not used; did you mean 'rate'?"]
    assert mistakes(suite({}), rate=3) == ["suite: the parameter 'rate' is given, but not used"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x", {"a": at("n")}])
def test_a_value_that_json_could_not_hold_is_a_mistake(value: Any) -> None:
    (mistake,) = mistakes(suite({"a": at("n")}), n=value)
    assert "a: the parameter 'n' is not a JSON value: " in mistake
    assert len(mistake) < 300


def test_a_value_that_holds_itself_or_is_very_deep_or_long_is_a_mistake() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(mistakes(suite({"a": at("n"), "b": at("m"), "c": at("l")}), n=loop, m=deep, l=10**5000)) == 3


def test_dates_out_of_yaml_become_text() -> None:
    raw = suite({"a": at("day"), "b": at("time")})
    time_ = dt.datetime(2024, 1, 31, 6, tzinfo=dt.UTC)
    assert filled(raw, day=dt.date(2024, 1, 31), time=time_) == [{"a": "2024-01-31", "b": "2024-01-31T06:00:00+00:00"}]


def test_a_large_value_in_many_places_is_bounded() -> None:
    gc.freeze()  # what other tests left is not walked by the collector on this one's account
    started = time.process_time()
    raw = suite(*[{"a": at("n")}] * 50_000, n="x" * 1_000_000)
    found = mistakes(raw)
    assert len(found) == 50_000 - 4
    assert found[0] == f"expectation 5 (expect_x): a: the parameters fill in more than {MAX_FILLED:,} characters"
    seconds = time.process_time() - started
    gc.unfreeze()
    assert seconds < 2


def test_thousands_of_wrong_names_take_a_second() -> None:
    gc.freeze()  # what other tests left is not walked by the collector on this one's account
    started = time.process_time()
    names = {f"parameter_{n}": n for n in range(49)}
    found = mistakes(suite(*[{"a": at(f"parameter_x{n}")} for n in range(50_000)], **names))
    assert "did you mean 'parameter_" in found[0]
    assert found[-1].endswith("a: no value for the parameter 'parameter_x49999'")
    seconds = time.process_time() - started
    gc.unfreeze()
    assert seconds < 2

"""Rules about text, against answers worked out by hand and against Great Expectations on pandas."""

from __future__ import annotations

import datetime as dt
import json
import logging
import pickle
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from dateutil.parser import parse  # type: ignore[import-untyped]  # it ships no types

from data_checks.columns import BatchColumns
from data_checks.expectations import json_schema, json_text, text_format
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.regex_list import match_list, not_match_list
from data_checks.expectations.share import RowShare
from schemas.contract import Column, TableContract
from schemas.suite import Expectation

# What pandas warns of while GX works: groups in a pattern.
pytestmark = pytest.mark.filterwarnings("ignore:This pattern is interpreted as a regular expression:UserWarning")

PREFIX = "expect_column_values_to_"
ANY, NONE = PREFIX + "match_regex_list", PREFIX + "not_match_regex_list"
FORMAT, DATEUTIL = PREFIX + "match_strftime_format", PREFIX + "be_dateutil_parseable"
JSON, SCHEMA = PREFIX + "be_json_parseable", PREFIX + "match_json_schema"
BUILDERS: dict[str, Callable[[Expectation, TableContract], RowShare]] = {
    ANY: match_list,
    NONE: not_match_list,
    FORMAT: text_format.strftime_format,
    DATEUTIL: text_format.dateutil_parseable,
    JSON: json_text.json_parseable,
    SCHEMA: json_schema.json_schema,
}
CONTRACT = TableContract(columns=(Column(name="x", type="string"), Column(name="n", type="int64")))


def built(kind: str, **kwargs: Any) -> RowShare:
    expectation = Expectation(kind, {"column": "x", **kwargs}, "critical", "r", "fail")
    share = BUILDERS[kind](expectation, CONTRACT)
    return pickle.loads(pickle.dumps(share))  # type: ignore[no-any-return]  # noqa: S301


def broken(kind: str, words: list[str | None], **kwargs: Any) -> list[bool]:
    """Which rows break the rule, whose counts agree with it."""
    rule = built(kind, **kwargs).rule
    values = BatchValues(BatchColumns(pa.record_batch({"x": pa.array(words, pa.string()).dictionary_encode()})))
    mask = rule.broken(values)
    assert rule.unexpected(values) == np.count_nonzero(mask)
    assert rule.evaluated(values) == sum(word is not None for word in words)
    return list(mask.tolist())


def meets(kind: str, word: str, **kwargs: Any) -> bool:
    return broken(kind, [word], **kwargs) == [False]


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [(ANY, {"regex_list": ["a"]}), (FORMAT, {"strftime_format": "%Y"}), (DATEUTIL, {}), (JSON, {})],
)
def test_only_text_is_judged(kind: str, kwargs: dict[str, Any]) -> None:
    with pytest.raises(Misfit, match="only text is judged so, and the column is of type int64"):
        built(kind, **kwargs, column="n")


# ------------------------------------------------------------------------------------------------------------- patterns


def test_one_pattern_must_occur_or_each_or_none() -> None:
    words, patterns = ["ab", "a", "b", "", None, "é"], ["a", "b$"]
    assert broken(ANY, words, regex_list=patterns) == [False, False, False, True, False, True]
    assert broken(ANY, words, regex_list=patterns, match_on="all") == [False, True, True, True, False, True]
    assert broken(NONE, words, regex_list=patterns) == [True, True, True, False, False, False]


def test_the_order_and_repetition_of_patterns_do_not_matter() -> None:
    assert built(ANY, regex_list=["b", "a", "b"]).rule == built(ANY, regex_list=["a", "b"]).rule


def test_messages_name_a_single_pattern_and_count_several() -> None:
    assert built(ANY, regex_list=["a+"]).words == "do not match 'a+'"
    assert built(ANY, regex_list=["a", "b"]).words == "do not match any of the 2 patterns"
    assert built(ANY, regex_list=["a", "b"], match_on="all").words == "do not match all of the 2 patterns"
    assert built(NONE, regex_list=["a", "b"]).words == "match at least one of the 2 patterns"


# ------------------------------------------------------------------------------------------------------ dates and times


def test_text_is_read_in_its_format() -> None:
    words = ["2024-02-29", "2023-02-29", "2024-2-9", " 2024-02-29", "2024-02-29\n", "", None]
    assert broken(FORMAT, words, strftime_format="%Y-%m-%d") == [False, True, False, True, True, True, False]


@pytest.mark.parametrize(
    "good", ["%Y-%m-%d", "%m-%d", "%d", "%H:%M:%S.%f%z", "%a %d %B %y", "%G-W%V-%u", "%j", "%%", "x"]
)
def test_a_format_that_reads_what_it_writes_is_taken(good: str) -> None:
    assert built(FORMAT, strftime_format=good).column


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ("%Q", "'Q' is a bad directive"),
        ("%d %d", "redefinition of group name 'd'"),
        ("%G-%V", "ISO year directive"),
        ("100%", "stray %"),
        ("%Y %Z", "%Z reads the names of the machine's own time zone"),
    ],
)
def test_a_format_that_cannot_be_read_back_is_refused(bad: str, fault: str) -> None:
    with pytest.raises(Misfit, match=f"strftime_format '{bad}' cannot be used: .*{fault}"):
        built(FORMAT, strftime_format=bad)


def test_a_percent_sign_before_a_z_is_no_zone() -> None:
    assert meets(FORMAT, "%Z 2024", strftime_format="%%Z %Y")


def test_dateutil_reads_what_it_reads_and_no_strange_text_stops_it() -> None:
    words = [
        "2024-02-29",
        "29 Feb",
        "noon",
        "",
        None,
        "1" * 5000,
        ".\u06619919999999999991999999999999h/",
        "9" * 13,
        "EST",
    ]
    assert broken(DATEUTIL, words) == [False, False, True, True, False, True, True, True, True]


@pytest.mark.parametrize("word", ["31", "Feb 29", "Monday"])
def test_an_incomplete_date_is_read_the_same_on_every_day_of_the_year(word: str) -> None:
    assert meets(DATEUTIL, word)
    if word != "Monday":  # GX takes the rest from today's date, and so says no in June and in 2025
        with pytest.raises(ValueError, match="day is out of range"):
            parse(word, default=dt.datetime(2025, 6, 1))  # noqa: DTZ001


@pytest.mark.filterwarnings("error")
def test_names_of_zones_are_read_without_a_warning() -> None:
    assert meets(DATEUTIL, "2024-01-01 10:00 XYZ")


# ----------------------------------------------------------------------------------------------------------------- JSON


def test_json_is_what_python_reads() -> None:
    words = ['{"a": [1, 2.5, null]}', "{'a': 1}", "1", '"a"', "", "NaN", "[1,]", "\ufeff1", None, '"\\ud800"']
    assert broken(JSON, words) == [False, True, False, False, True, False, True, True, False, False]


def test_endless_numbers_and_nesting_are_no_json_and_stop_nothing() -> None:
    assert [meets(JSON, "1" * digits) for digits in (4300, 4301)] == [True, False]
    assert [meets(JSON, "[" * depth + "]" * depth) for depth in (500, 501, 100_000)] == [True, False, False]
    assert meets(JSON, '{"a": 1}')  # the process still works


def test_brackets_in_text_and_beside_each_other_are_no_nesting() -> None:
    assert meets(JSON, json.dumps({"a": "[" * 2000 + '\\"' + "{" * 2000}))
    assert meets(JSON, "[" + ",".join(["[]"] * 2000) + "]")


def test_broken_json_takes_time_in_proportion_to_its_length() -> None:
    start = time.process_time()
    assert not meets(JSON, "[" * 1000 + '\\"' * 1_000_000)
    assert time.process_time() - start < 5


# --------------------------------------------------------------------------------------------------------- JSON Schema


def allowed(schema: dict[str, Any], *values: Any) -> list[bool]:
    return [not fails for fails in broken(SCHEMA, [json.dumps(value) for value in values], json_schema=schema)]


def test_json_is_held_against_the_schema_and_other_text_fails() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0}}, "required": ["a"]}
    words = ['{"a": 1}', '{"a": -1}', "{}", "[]", "no json", "", None, "1" * 5000]
    assert broken(SCHEMA, words, json_schema=schema) == [False, True, True, True, True, True, False, True]


def test_equal_schemas_are_one_rule() -> None:
    one, other = {"type": "array", "minItems": 1}, {"minItems": 1, "type": "array"}
    assert built(SCHEMA, json_schema=one).rule == built(SCHEMA, json_schema=other).rule


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "intger"}, "json_schema is not valid at type: 'intger' is not valid"),
        ({"$schema": "http://example.com/mine"}, "of an unknown draft: its \\$schema is 'http://example.com/mine'"),
        ({"items": {"$ref": "http://example.com/a.json"}}, "'http://example.com/a.json' is another document"),
        ({"$ref": "item.json#/a"}, "'item.json#/a' is another document"),
        ({"items": {"$ref": "#/$defs/a"}}, "'#/\\$defs/a' points to no schema in it"),
        ({"items": {"$ref": "#/const"}, "const": {"$ref": "http://x"}}, "'#/const' points to no schema in it"),
        ({"items": {"$id": "http://example.com/b", "type": "array"}}, "a schema with its own \\$id inside another"),
        ({"items": {"$schema": "http://json-schema.org/draft-04/schema#"}}, "with its own \\$schema inside another"),
        ({"properties": {"default": {"pattern": "(?=a)"}}}, "'\\(\\?=a\\)' is not valid: .*no lookaround"),
        ({"patternProperties": {"(a)\\1": {}}}, "is not valid"),
        ({"unevaluatedProperties": False, "patternProperties": {"a": {}}}, "unevaluatedProperties beside"),
    ],
)
def test_a_schema_that_cannot_be_held_to_is_refused(schema: dict[str, Any], fault: str) -> None:
    with pytest.raises(Misfit, match=fault):
        built(SCHEMA, json_schema=schema)


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(500):
        schema = {"not": schema}
    with pytest.raises(Misfit, match="nested deeper than 64 levels"):
        built(SCHEMA, json_schema=schema)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(Misfit, match="none is fetched"):
        built(SCHEMA, json_schema={"$ref": "https://example.com/schema.json"})
    local = {"$id": "https://example.com/a.json", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "null"}}}
    assert allowed(local, [None], [1]) == [True, False]


@pytest.mark.parametrize("draft", ["draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12"])
def test_patterns_take_no_longer_in_a_recursive_schema_of_any_draft(draft: str) -> None:
    """Python's own patterns would take ages on this text; a $ref to a root with $schema once brought them back."""
    secure = "" if draft.startswith("draft-") else "s"
    schema = {
        "$schema": f"http{secure}://json-schema.org/{draft}/schema{'' if secure else '#'}",
        "properties": {"next": {"$ref": "#"}, "text": {"pattern": "^(a+)+$"}},
        "patternProperties": {"^(b+)+$": {"type": "null"}},
        "additionalProperties": False,
    }
    slow = "a" * 60 + "!"
    start = time.process_time()
    named_slow = {"next": {slow.replace("a", "b"): 1}}
    found = allowed(schema, {"text": "aa"}, {"next": {"text": slow}}, named_slow, {"bb": None}, {"bb": 1})
    assert found == [True, False, False, True, False]
    assert time.process_time() - start < 5


def test_properties_are_additional_if_they_are_neither_named_nor_of_a_pattern() -> None:
    schema = {"properties": {"a": {}}, "patternProperties": {"^b": {}}, "additionalProperties": {"type": "null"}}
    assert allowed(schema, {"a": 1, "bb": 2}, {"c": None}, {"c": 1}, [1]) == [True, True, False, True]
    assert allowed({"additionalProperties": True}, {"c": 1}) == [True]


def test_half_a_character_in_json_fails_no_process() -> None:
    assert broken(SCHEMA, ['"\\ud800"', '"x\\udc00"'], json_schema={"pattern": "^.$"}) == [False, True]


def test_what_the_validator_cannot_reckon_with_or_reach_is_not_allowed() -> None:
    assert broken(SCHEMA, ["1" * 400, "5"], json_schema={"multipleOf": 0.5}) == [True, False]
    deep = ["[" * depth + "]" * depth for depth in (64, 65, 100_000)]
    assert broken(SCHEMA, deep, json_schema={"items": {"$ref": "#"}, "type": "array"}) == [False, True, True]
    assert broken(SCHEMA, ["1"], json_schema={"$ref": "#"}) == [True]


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    schema = {"properties": {"$ref": {"type": "null"}, "id": {"type": "string"}, "pattern": {"type": "integer"}}}
    assert allowed(schema, {"$ref": None, "id": "a", "pattern": 1}, {"id": 1}) == [True, False]


# ------------------------------------------------------------------------------------------------------------ the cache


def test_answers_are_remembered_for_short_words_and_given_for_long_ones() -> None:
    json_text._remembered.cache_clear()
    long = json.dumps("x" * 5000)
    test, words = json_text.Json(), pa.array(["[]", long])
    assert [test.failing(words).tolist() for _ in range(3)] == [[False, False]] * 3
    info = json_text._remembered.cache_info()
    assert (info.misses, info.hits, info.currsize, info.maxsize) == (1, 2, 1, 20_000)


def test_answers_of_one_format_are_not_those_of_another() -> None:
    assert meets(FORMAT, "2024", strftime_format="%Y")
    assert not meets(FORMAT, "2024", strftime_format="%d")


# ------------------------------------------------------------------------------------ against Great Expectations itself

WORDS = [
    *("", "a", "A1", "ab", "été", "日本", "e\u0301", "😀x", "zz top", "12", "3.5", "null", "true", "[1, 2]", "[1, 1]"),
    *('{"a": 1}', '{"a": "x", "b": {}}', '{"a": -1, "c1": null}', '{"a": [{"a": 1}]}', "NaN", '"text"', "-0.0"),
    *("2024-02-29", "2023-02-29", "2024-01-05 10:30", "2024-01-05T10:30:00Z", "05/01/2024", "10:30", "5 Jan 2024"),
    *("2024-13-01", "Jan 5", "20240105", "2024-01-05 10:30:00+01:00", "1999999999999", "1e5", "24:00", "2024-W05-1"),
]
PATTERNS = ["^a", "b$", "^[A-Z0-9]{2,}$", "[0-9]+", ".", "é", "^$", "(?i)A", " ", "^z+ ", "(a+)+$", "^\\{"]
FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%H:%M", "%Y%m%d", "%Y-%m-%d %H:%M", "%d %b %Y", "%Y-%m-%dT%H:%M:%S%z", "%G-W%V-%u"]
SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "object"},
    {"type": ["integer", "array"], "uniqueItems": True},
    {"properties": {"a": {"minimum": 0}}, "required": ["a"]},
    {"type": "object", "properties": {"a": True}, "additionalProperties": False},
    {
        "type": "object",
        "properties": {"a": {}},
        "patternProperties": {"^c": {}},
        "additionalProperties": {"type": "null"},
    },
    {"type": "string", "pattern": "^[a-z]+$"},
    {"$ref": "#/$defs/n", "$defs": {"n": {"anyOf": [{"type": "number"}, {"items": {"$ref": "#/$defs/n"}}]}}},
    {"$schema": "http://json-schema.org/draft-07/schema#", "items": {"$ref": "#"}, "not": {"const": 1}},
    {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 2, "exclusiveMinimum": True},
    {"enum": [12, None, [1, 2], {"a": 1}, 0]},
]


def random_case(rng: np.random.Generator, kind: str) -> dict[str, Any]:
    def some(items: list[Any]) -> list[Any]:
        return [items[index] for index in rng.integers(0, len(items), int(rng.integers(1, 4)))]

    makers: dict[str, Callable[[], dict[str, Any]]] = {
        ANY: lambda: {"regex_list": some(PATTERNS), "match_on": ["any", "all"][rng.integers(0, 2)]},
        NONE: lambda: {"regex_list": some(PATTERNS)},
        FORMAT: lambda: {"strftime_format": some(FORMATS)[0]},
        SCHEMA: lambda: {"json_schema": some(SCHEMAS)[0]},
    }
    return makers.get(kind, dict)()


def is_json(word: str | None) -> bool:
    try:
        json.loads(word or "null")
    except ValueError:
        return False
    return True


def random_words(rng: np.random.Generator, kind: str, rows: int) -> list[str | None]:
    share = float(rng.choice([0.0, 0.2, 1.0], p=[0.45, 0.45, 0.1]))
    # GX's whole expectation is an error as soon as one text is no JSON.
    words = [word for word in WORDS if kind != SCHEMA or (word and is_json(word))]
    return [None if rng.random() < share else words[rng.integers(0, len(words))] for _ in range(rows)]


def ours(rng: np.random.Generator, share: RowShare, words: list[str | None]) -> tuple[int, int]:
    """Evaluated and unexpected rows, counted in random batches, some with plain text and some with dictionaries."""
    evaluated = unexpected = 0
    for start, stop in pairwise([0, *sorted(rng.integers(0, len(words) + 1, 3).tolist()), len(words)]):
        column = pa.array(words[start:stop], pa.string())
        column = column.dictionary_encode() if rng.random() < 0.5 else column
        values = BatchValues(BatchColumns(pa.record_batch({"x": column})))
        evaluated += share.rule.evaluated(values)
        unexpected += share.rule.unexpected(values)
    return evaluated, unexpected


def by_great_expectations(
    cases: list[tuple[str, dict[str, Any]]], words: list[str | None]
) -> Iterator[tuple[int, int] | None]:
    """Evaluated and unexpected rows as GX counts them on pandas; None where it raises."""
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validator import Validator

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    frame = pa.table({"x": pa.array(words, pa.string())}).to_pandas()
    engine = PandasExecutionEngine(batch_data_dict={"table": frame})
    validator = Validator(execution_engine=engine, batches=[Batch(data=engine.batch_manager.active_batch_data)])
    validator._metrics_calculator = MetricsCalculator(engine, show_progress_bars=False)
    for kind, kwargs in cases:
        configuration = ExpectationConfiguration(type=kind, kwargs={"column": "x", **kwargs})
        basic = {"result_format": {"result_format": "BASIC"}}
        found = validator.graph_validate(configurations=[configuration], runtime_configuration=basic)[0]
        if found.exception_info.get("raised_exception", True):
            yield None
        else:
            rows = found.result["element_count"] - found.result["missing_count"] if words else 0
            yield rows, found.result["unexpected_count"]


@pytest.mark.parametrize("kind", list(BUILDERS))
def test_random_text_gets_great_expectations_own_counts(kind: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        words = random_words(rng, kind, int(rng.choice([0, 1, 7, 40])))
        cases = [(kind, random_case(rng, kind)) for _ in range(6 if kind not in (JSON, DATEUTIL) else 1)]
        for (_, kwargs), theirs in zip(cases, by_great_expectations(cases, words), strict=True):
            found = ours(rng, built(kind, **kwargs), words)
            assert found == theirs, f"seed {seed}: {kwargs}: {found}, GX {theirs}"
            seen["agree"] += 1
            seen["some unexpected"] += 0 < found[1] < found[0]
    assert seen["some unexpected"] >= 15


@pytest.mark.parametrize("kind", [JSON, DATEUTIL])
def test_each_word_gets_great_expectations_own_verdict(kind: str) -> None:
    """These rules take no argument: 200 cases are 200 different words."""
    rng = np.random.default_rng(7)
    glue = ["", " ", "-", ":", ",", "[", "]", '"']
    made = ["".join(str(rng.choice([*WORDS, *glue])) for _ in range(3)) for _ in range(400)]
    whole = {word for word in made if parses_alike(word)}  # see test_an_incomplete_date_is_read_the_same_on_every_day
    words: list[str | None] = [*sorted({*WORDS, *(made if kind == JSON else whole)})]
    assert len(words) >= 200
    mask = broken(kind, words)
    theirs = [next(iter(by_great_expectations([(kind, {})], [word]))) for word in words[:60]]
    assert [(1, int(fails)) for fails in mask[:60]] == theirs
    assert next(iter(by_great_expectations([(kind, {})], words))) == (len(words), sum(mask))


def parses_alike(word: str) -> bool:
    """Whether it does not matter for the word which day it is read on."""
    verdicts = set()
    for day in (dt.datetime(2000, 1, 1), dt.datetime(2025, 6, 30), dt.datetime(2025, 2, 1)):  # noqa: DTZ001
        try:
            parse(word, default=day, ignoretz=True)
            verdicts.add("read")
        except Exception as error:  # noqa: BLE001
            verdicts.add("not" if isinstance(error, ValueError | OverflowError) else "raised")
    return len(verdicts) == 1 and "raised" not in verdicts


def test_one_text_that_is_no_json_is_one_failure_where_great_expectations_gives_up() -> None:
    words: list[str | None] = ["1", "no json"]
    assert list(by_great_expectations([(SCHEMA, {"json_schema": {}})], words)) == [None]
    assert broken(SCHEMA, words, json_schema={}) == [False, True]


def test_patterns_are_re2s_where_great_expectations_has_pythons() -> None:
    words: list[str | None] = ['"٣"']  # a digit of Unicode, and of ASCII not
    kwargs = {"json_schema": {"pattern": "^\\d$"}}
    assert list(by_great_expectations([(SCHEMA, kwargs)], words)) == [(1, 0)]
    assert broken(SCHEMA, words, **kwargs) == [True]

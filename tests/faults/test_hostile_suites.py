"""Suites are hostile until checked: nothing of them runs, nothing takes long, and no data is read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.checking import check_job
from schemas.errors import ConfigError

COMMAND = "__import__('pathlib').Path('{}').touch()"
BETWEEN = "expect_column_values_to_be_between"


def between(**kwargs: Any) -> dict[str, Any]:
    return {"type": BETWEEN, "kwargs": {"column": "n", "max_value": 100, **kwargs}}


def check(job: Any, *expectations: Any, **more: Any) -> float:
    """Check the job with that suite; CPU seconds."""
    (job.root / "suite.json").write_text(json.dumps({"name": "s", "expectations": list(expectations), **more}))
    started = time.process_time()
    try:
        check_job(job.root, show_config=False, with_gx=False)
    finally:
        job.seconds = time.process_time() - started
    return float(job.seconds)


@pytest.mark.parametrize(
    "parser", ["pandas", "great_expectations", "great_expectations__experimental__", "spark", None]
)
@pytest.mark.parametrize(
    "text",
    [
        "@" + COMMAND,
        COMMAND,
        "n.__class__.__base__.__subclasses__()",
        'col("n").__class__',
        "n == n.map(print)",
        "(" * 5000 + "n > 1" + ")" * 5000,
        "n > 1" + " or n > 1" * 100_000,
    ],
)
def test_no_condition_runs_as_code(small_job: Any, tmp_path: Path, text: str, parser: str | None) -> None:
    target = tmp_path / "was-here"
    kwargs = {"row_condition": text.format(target), **({"condition_parser": parser} if parser else {})}
    with pytest.raises(ConfigError, match=r"row_condition|condition_parser"):
        check(small_job, between(**kwargs))
    assert small_job.seconds < 1
    assert not target.exists()


def test_a_pandas_condition_inside_an_object_is_refused_too(small_job: Any) -> None:
    condition = {"type": "pass_through", "pass_through_filter": "@print(1)"}
    with pytest.raises(ConfigError, match="pass_through"):
        check(small_job, between(row_condition=condition, condition_parser="great_expectations"))


def test_an_exponential_pattern_is_judged_in_linear_time(small_job: Any) -> None:
    text = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "c", "regex": "(a+)+$"}}
    assert check(small_job, text) < 1


def test_a_suite_of_10_megabytes_is_refused_before_it_is_parsed(small_job: Any) -> None:
    with pytest.raises(ConfigError, match="at most"):
        check(small_job, between(), meta={"filler": "x" * 10_000_000})
    assert small_job.seconds < 1


def test_deep_nesting_is_refused(small_job: Any) -> None:
    path = small_job.root / "suite.json"
    for text in ("[" * 100_000, '{"name": "s", "meta": ' + '{"a": ' * 5000 + "1" + "}" * 5001):
        path.write_text(text)
        started = time.process_time()
        with pytest.raises(ConfigError, match=r"nested|levels"):
            check_job(small_job.root, show_config=False, with_gx=False)
        assert time.process_time() - started < 1


def test_five_mistakes_are_named_in_one_message_and_no_data_is_read(small_job: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        check(
            small_job,
            {"type": "expect_column_values_to_be_betwen", "kwargs": {"column": "n"}},
            between(max_valeu=5),
            between(row_condition="@n", condition_parser="pandas"),
            {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "DROP TABLE x"}},
            {
                "type": "expect_column_median_to_be_between",
                "kwargs": {"column": "n"},
                "meta": {"on_fail": "quarantine"},
            },
        )
    assert caught.value.exit_code == 2
    for number, words in enumerate(("did you mean", "max_valeu", "row_condition", "SQL", "quarantine"), start=1):
        assert f"expectation {number}" in caught.value.message
        assert words in caught.value.message

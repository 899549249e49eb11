"""Where a result is meant to differ from Great Expectations' on pandas: each still does, and nothing else there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from gx_fuzz.comparing import Case, compare
from gx_fuzz.known_differences import KNOWN, Known
from gx_fuzz.random_tables import Rng, random_table

from schemas.verdicts import Status


def one(kind: str, kwargs: dict[str, Any], table: pa.Table, rng: Rng, folder: Path) -> Case:
    """One expectation judged by both sides."""
    (case,) = compare([{"type": kind, "kwargs": kwargs}], table, "COMPLETE", rng, folder)
    return case


def with_values(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    """The table with other values in one of its columns."""
    return table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.type.removeprefix("expect_"))
def test_a_known_difference_still_occurs(known: Known, rng: Rng, tmp_path: Path) -> None:
    table = random_table(rng, known.rows, nulls=0.1)
    for name, values in known.values.items():
        table = with_values(table, name, values)
    case = one(known.type, dict(known.kwargs), table, rng, tmp_path)
    assert case.differences, f"take it off the list: {known.why}"
    assert [other.why for other in KNOWN if other.covers(case)] == [known.why], str(case)


def test_whole_numbers_beyond_2_to_the_53_are_compared_exactly_where_pandas_rounds_them(
    rng: Rng, tmp_path: Path
) -> None:
    table = random_table(rng, 1)
    table = with_values(table, "big", [2**53 + 1])
    limit = {"column": "big", "max_value": 2**53}
    case = one("expect_column_values_to_be_between", limit, table, rng, tmp_path)
    assert (case.verdict.unexpected, case.theirs["result"]["unexpected_count"]) == (1, 0)


def test_an_exception_that_escapes_great_expectations_is_one_verdict_and_not_the_end(rng: Rng, tmp_path: Path) -> None:
    table = with_values(random_table(rng, 2), "f64", [float("inf"), 1.0])
    own_bins = {"column": "f64", "threshold": 0.1}
    case = one("expect_column_kl_divergence_to_be_less_than", own_bins, table, rng, tmp_path)
    assert (case.verdict.status, case.raised) == (Status.ERROR, (True, True))


def test_a_pattern_that_would_take_pandas_years_is_judged_at_once(rng: Rng, tmp_path: Path) -> None:
    table = random_table(rng, 30, nulls=0.0)
    case = one("expect_column_values_to_match_regex", {"column": "s", "regex": "(a+)+$"}, table, rng, tmp_path)
    assert not case.differences, str(case)


def test_a_sum_of_decimals_is_right_where_great_expectations_adds_up_other_rows(rng: Rng, tmp_path: Path) -> None:
    table = random_table(np.random.default_rng(1), 30, nulls=0.0)
    selected = {"row_condition": "i8 > 0", "condition_parser": "pandas"}
    case = one("expect_column_sum_to_be_between", {"column": "dec", "min_value": 0, **selected}, table, rng, tmp_path)
    frame = table.to_pandas().query("i8 > 0")
    assert case.ours["result"]["observed_value"] == float(frame["dec"].sum())

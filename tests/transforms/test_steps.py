"""Every step against NumPy, pandas or Python's calendar on the whole column."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from schemas.errors import ModelError
from schemas.job import Scale, Step
from transforms.column_values import KindError, Text, Times, arrow_of, numbers_of, text_of, values_of
from transforms.steps import (
    bucketize,
    clip,
    date_part,
    fill_numbers,
    fill_text,
    find_custom,
    log1p,
    one_hot,
    ordinal,
    run_custom,
    run_step,
    scale,
)

NAN = float("nan")
NUMBERS = np.array([NAN, -3.0, -1.0, 0.0, 0.5, 2.0, 1e6, np.inf, -np.inf])


def test_fill_replaces_missing_numbers_only() -> None:
    np.testing.assert_array_equal(fill_numbers(np.array([NAN, 0.0, 2.0]), 7.0), [7.0, 0.0, 2.0])


def test_fill_of_text_gives_missing_rows_the_word() -> None:
    text = values_of(pa.array(["a", None, "b", None]).dictionary_encode())
    assert isinstance(text, Text)
    assert arrow_of(fill_text(text, "zz")).to_pylist() == ["a", "zz", "b", "zz"]


def test_clip_agrees_with_pandas_and_takes_infinities() -> None:
    np.testing.assert_array_equal(clip(NUMBERS, -1.0, 2.0), pd.Series(NUMBERS).clip(-1.0, 2.0).to_numpy())


def test_scale_subtracts_the_mean_and_divides_by_the_spread() -> None:
    scaled = scale(NUMBERS, Scale(mean=2.0, sd=4.0))
    np.testing.assert_array_equal(scaled, [(x - 2.0) / 4.0 for x in NUMBERS])


def test_log1p_agrees_with_math_and_is_missing_where_there_is_no_logarithm() -> None:
    result = log1p(NUMBERS)
    expected = [NAN, NAN, -math.inf, 0.0, math.log1p(0.5), math.log1p(2.0), math.log1p(1e6), math.inf, NAN]
    np.testing.assert_allclose(result, expected, rtol=1e-15)


def test_bucketize_counts_the_edges_that_are_not_above() -> None:
    edges = (-1.0, 0.0, 2.0)
    expected = [NAN if math.isnan(x) else float(sum(edge <= x for edge in edges)) for x in NUMBERS]
    np.testing.assert_array_equal(bucketize(NUMBERS, edges), expected)


def test_ordinal_is_the_place_in_the_list_and_missing_without_one() -> None:
    np.testing.assert_array_equal(ordinal(np.array([2, -1, 0], np.int32)), [2.0, NAN, 0.0])


def test_one_hot_is_one_for_its_category_alone() -> None:
    np.testing.assert_array_equal(one_hot(np.array([2, -1, 0], np.int32), 2), [1.0, 0.0, 0.0])


DAYS = [dt.date(1970, 1, 1), None, dt.date(2013, 7, 27), dt.date(2024, 2, 29), dt.date(1000, 12, 31)]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("year", lambda day: day.year),
        ("month", lambda day: day.month),
        ("day", lambda day: day.day),
        ("weekday", lambda day: day.weekday()),
        ("day_of_year", lambda day: day.timetuple().tm_yday),
    ],
)
def test_parts_of_a_date_agree_with_the_calendar(part: Any, expected: Any) -> None:
    result = date_part(Times(pa.array(DAYS, pa.date32())), part)
    np.testing.assert_array_equal(result, [NAN if day is None else float(expected(day)) for day in DAYS])


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("part", ["year", "hour", "minute", "weekday"])
def test_parts_of_a_timestamp_agree_with_the_calendar(part: Any, zone: str | None) -> None:
    moment = dt.datetime(2013, 12, 31, 23, 59, 58, tzinfo=dt.UTC if zone else None)
    result = date_part(Times(pa.array([moment, None], pa.timestamp("us", zone))), part)
    expected = moment.weekday() if part == "weekday" else getattr(moment, part)
    np.testing.assert_array_equal(result, [float(expected), NAN])


@pytest.mark.parametrize(
    "step",
    [
        Step(clip=(0.0, 1.0)),
        Step(scale=Scale(mean=1.0, sd=2.0)),
        Step(log1p=True),
        Step(bucketize=(0.0, 1.0)),
    ],
)
def test_missing_stays_missing_through_every_step_on_numbers(step: Step) -> None:
    result = run_step(step, np.array([NAN, 1.0]))
    assert isinstance(result, np.ndarray)
    assert np.isnan(result).tolist() == [True, False]


def test_steps_do_not_change_what_they_are_given() -> None:
    given = np.array([NAN, 5.0, -5.0])
    given.flags.writeable = False
    for step in (Step(fill=1.0), Step(clip=(0.0, 1.0)), Step(log1p=True), Step(bucketize=(0.0,))):
        run_step(step, given)
    np.testing.assert_array_equal(given, [NAN, 5.0, -5.0])


def test_a_step_refuses_the_wrong_kind() -> None:
    with pytest.raises(KindError, match="step clip cannot take what the step before it gives"):
        run_step(Step(clip=(0.0, 1.0)), values_of(pa.array(["a"])))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, None, 3], pa.int16()),
        pa.array([1.0, None, 3.0], pa.float32()),
        pa.array([1.0, NAN, 3.0]),
        pa.array(["1", None, "3"]).cast(pa.decimal128(5, 2)),
    ],
)
def test_numbers_are_float64_with_nan_for_null(array: pa.Array) -> None:
    np.testing.assert_array_equal(numbers_of(array), [1.0, NAN, 3.0])


def test_a_slice_of_a_column_gives_the_numbers_of_the_slice() -> None:
    array = pa.array([None, 1.0, None, 3.0, 4.0]).slice(1, 3)
    np.testing.assert_array_equal(numbers_of(array), [1.0, NAN, 3.0])


def test_booleans_are_zero_and_one_as_numbers_and_words_as_text() -> None:
    array = pa.array([True, None, False])
    np.testing.assert_array_equal(numbers_of(array), [1.0, NAN, 0.0])
    assert arrow_of(text_of(array)).to_pylist() == ["true", None, "false"]


def test_whole_numbers_become_decimal_text() -> None:
    assert arrow_of(text_of(pa.array([7, None, -1], pa.int64()))).to_pylist() == ["7", None, "-1"]


def test_text_of_a_dictionary_with_a_null_in_it_is_missing_there() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 2], pa.int8()), pa.array(["a", None, "b"]))
    text = values_of(array)
    assert isinstance(text, Text)
    assert text.codes.tolist() == [-1, 0, -1, 2]
    assert arrow_of(text).to_pylist() == [None, "a", None, "b"]


def test_binary_is_no_value_of_any_kind() -> None:
    with pytest.raises(KindError, match="binary is not a number"):
        values_of(pa.array([b"x"]))


def test_a_custom_step_gets_its_columns_and_returns_one() -> None:
    result = run_custom("pyarrow.compute:add", [pa.array([1, 2]), pa.array([10, None])])
    assert result.to_pylist() == [11, None]


def test_a_custom_step_that_returns_too_few_values_is_an_error_with_both_counts() -> None:
    with pytest.raises(ModelError, match=r"'pyarrow.compute:drop_null' returned 1 values for 2 rows"):
        run_custom("pyarrow.compute:drop_null", [pa.array([1, None])])


def test_a_custom_step_that_returns_no_array_is_an_error() -> None:
    with pytest.raises(ModelError, match=r"returned Int64Scalar; it must return a pyarrow.Array"):
        run_custom("pyarrow.compute:sum", [pa.array([1, 2])])


def test_a_custom_step_that_raises_is_an_error_with_its_name() -> None:
    with pytest.raises(ModelError, match=r"custom step 'pyarrow.compute:add' failed: TypeError"):
        run_custom("pyarrow.compute:add", [pa.array([1])])


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        ("no_such_package.x:f", "No module named 'no_such_package'"),
        ("math:no_such_function", "module 'math' has no function 'no_such_function'"),
        ("math:pi", "module 'math' has no function 'pi'"),
    ],
)
def test_a_custom_step_that_cannot_be_imported_says_what_is_missing(reference: str, match: str) -> None:
    with pytest.raises(ImportError, match=match):
        find_custom(reference)

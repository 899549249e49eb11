"""The arguments of every expectation; the oracle is Great Expectations' own classes."""

from __future__ import annotations

import gc
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas import argument_checks as a
from schemas.expectation_types import CONDITIONS, IGNORED_ARGUMENTS, NOT_YET, REFUSED, SUPPORTED
from schemas.suite_mistakes import suite_mistakes

#: Fields of Great Expectations' classes that are no arguments; it makes a field of the gallery's words for two of them.
NO_ARGUMENTS = {"id", "meta", "notes", "description", "severity", "rendered_content", "library_metadata"}
X, LIMIT, SET = {"column": "x"}, {"min_value": 1, "max_value": 2}, {"value_set": ["a", 1, None]}
PAIR, LIST = {"column_A": "x", "column_B": "y"}, {"column_list": ["x", "y"]}

#: Every argument of every type, as a suite may hold it.
SOUND: dict[str, dict[str, Any]] = {
    "expect_table_row_count_to_be_between": {**LIMIT, "strict_min": True, "strict_max": False},
    "expect_table_row_count_to_equal": {"value": 3},
    "expect_table_column_count_to_be_between": LIMIT,
    "expect_table_column_count_to_equal": {"value": 3},
    "expect_table_columns_to_match_set": {"column_set": ["x"], "exact_match": False},
    "expect_table_columns_to_match_ordered_list": {"column_list": ["x"]},
    "expect_column_to_exist": {**X, "column_index": 2},
    "expect_column_type_to_be": {**X, "type_": "int64"},
    "expect_column_values_to_be_between": {**X, "min_value": "2024-01-31", "max_value": "2024-02-01", "mostly": 0.5},
    "expect_column_values_to_be_in_set": {**X, **SET},
    "expect_column_values_to_not_be_in_set": {**X, **SET},
    "expect_column_values_to_match_regex": {**X, "regex": "^a"},
    "expect_column_values_to_not_match_regex": {**X, "regex": "^a"},
    "expect_column_values_to_match_regex_list": {**X, "regex_list": ["^a", "b$"], "match_on": "all"},
    "expect_column_values_to_not_match_regex_list": {**X, "regex_list": ["^a"]},
    "expect_column_values_to_match_strftime_format": {**X, "strftime_format": "%Y-%m-%dT%H:%M:%S.%f%z"},
    "expect_column_values_to_match_json_schema": {**X, "json_schema": {"$ref": "#/$defs/a", "$defs": {"a": {}}}},
    "expect_column_value_lengths_to_be_between": {**X, **LIMIT},
    "expect_column_value_lengths_to_equal": {**X, "value": 3},
    "expect_column_values_to_be_of_type": {**X, "type_": "int64"},
    "expect_column_values_to_be_in_type_list": {**X, "type_list": ["int64", "str"]},
    "expect_column_values_to_be_increasing": {**X, "strictly": True},
    "expect_column_values_to_be_decreasing": {**X, "strictly": False},
    "expect_column_value_z_scores_to_be_less_than": {**X, "threshold": 3, "double_sided": True},
    "expect_column_values_to_not_be_outliers": {**X, "method": "std", "multiplier": 3},
    "expect_column_unique_value_count_to_be_between": {**X, **LIMIT},
    "expect_column_proportion_of_non_null_values_to_be_between": {**X, "min_value": 0.5},
    "expect_column_proportion_of_unique_values_to_be_between": {**X, "min_value": 0.5, "strict_min": True},
    "expect_column_quantile_values_to_be_between": {
        **X,
        "quantile_ranges": {"quantiles": [0.1, 0.5], "value_ranges": [[None, 3], [1, 2.5]]},
        "allow_relative_error": "linear",
    },
    "expect_column_distinct_values_to_be_in_set": {**X, **SET},
    "expect_column_distinct_values_to_contain_set": {**X, **SET},
    "expect_column_distinct_values_to_equal_set": {**X, **SET},
    "expect_column_most_common_value_to_be_in_set": {**X, **SET, "ties_okay": True},
    "expect_column_kl_divergence_to_be_less_than": {
        **X,
        "partition_object": {"bins": [0, 1, 2], "weights": [0.3, 0.5], "tail_weights": [0.1, 0.1]},
        "threshold": 0.1,
        "bucketize_data": True,
        "internal_weight_holdout": 0.1,
    },
    "expect_column_pair_values_a_to_be_greater_than_b": {**PAIR, "or_equal": True, "ignore_row_if": "neither"},
    "expect_column_pair_values_to_be_equal": PAIR,
    "expect_column_pair_values_to_be_in_set": {**PAIR, "value_pairs_set": [[1, "a"], [None, 2]]},
    "expect_compound_columns_to_be_unique": {**LIST, "ignore_row_if": "never"},
    "expect_multicolumn_sum_to_equal": {**LIST, "sum_total": 3.5, "mostly": 0.9},
    "expect_multicolumn_values_to_be_equal": {**LIST, "ignore_row_if": "any_value_is_missing"},
    "expect_select_column_values_to_be_unique_within_record": {**LIST, "ignore_row_if": "all_values_are_missing"},
    **{
        f"expect_column_{name}_to_be_between": {**X, **LIMIT}
        for name in ("mean", "median", "min", "max", "sum", "stdev")
    },
    **{f"expect_column_values_to_{name}": X for name in ("be_null", "not_be_null", "be_unique")},
    **{f"expect_column_values_to_be_{name}_parseable": X for name in ("dateutil", "json")},
}


def classes() -> dict[str, Any]:
    """Great Expectations' classes, by type."""
    import great_expectations.expectations  # noqa: F401  # registers them
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    return {name: get_expectation_impl(name) for name in list_registered_expectation_implementations()}


def mistakes(kind: str, kwargs: dict[str, Any]) -> list[str]:
    suite = {"name": "n", "expectations": [{"type": kind, "kwargs": kwargs}]}
    return [line.split("): ", 1)[-1] for line in suite_mistakes(suite)]


# ---------------------------------------------------------------------------------------------- Great Expectations' own


def test_every_expectation_of_great_expectations_is_judged_or_refused_with_a_reason() -> None:
    assert set(classes()) == {*SUPPORTED, *NOT_YET}
    assert not set(SUPPORTED) & set(REFUSED)
    for name, reason in REFUSED.items():
        assert set(re.findall(r"expect_\w+", reason)) <= set(SUPPORTED), name
        (found,) = mistakes(name, {})
        assert found == f"it cannot be judged here: {reason}"


def test_those_refused_beside_the_registered_ones_are_modules_of_great_expectations_without_code() -> None:
    from great_expectations.expectations import core

    modules = {path.stem for path in Path(core.__file__).parent.glob("*.py")}
    assert {*SUPPORTED, *REFUSED} == {name for name in modules if name.startswith(("expect_", "unexpected_"))}


def test_the_names_of_all_arguments_are_great_expectations_own() -> None:
    for name, known in SUPPORTED.items():
        fields = set(classes()[name].__fields__) - IGNORED_ARGUMENTS - NO_ARGUMENTS
        assert {*known.arguments, *(CONDITIONS if known.conditions else ())} == fields, name


def test_what_great_expectations_wants_is_wanted_here_too() -> None:
    for name, known in SUPPORTED.items():
        fields = classes()[name].__fields__.items()
        assert {key for key, field in fields if field.required} <= set(known.required), name


def test_unexpected_rows_are_counted_for_the_map_expectations_but_not_for_types() -> None:
    from great_expectations.expectations import expectation as gx

    families = (gx.ColumnMapExpectation, gx.ColumnPairMapExpectation, gx.MulticolumnMapExpectation)
    counted = {name for name in SUPPORTED if issubclass(classes()[name], families)}
    of_types = {"expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"}
    assert {name for name, known in SUPPORTED.items() if known.counts} == counted - of_types
    assert {name for name, known in SUPPORTED.items() if known.counts and not known.rows} == {
        "expect_column_values_to_be_increasing",
        "expect_column_values_to_be_decreasing",
        "expect_column_value_z_scores_to_be_less_than",
        "expect_column_values_to_not_be_outliers",
    }
    assert all(known.counts for known in SUPPORTED.values() if known.rows)


@pytest.mark.parametrize("kind", list(SUPPORTED))
def test_sound_arguments_are_sound_to_great_expectations_too(kind: str) -> None:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    assert mistakes(kind, SOUND[kind]) == []
    assert ExpectationConfiguration(type=kind, kwargs=dict(SOUND[kind])).to_domain_obj().expectation_type == kind


def test_a_partition_is_sound_where_great_expectations_finds_it_sound() -> None:
    from great_expectations.execution_engine.util import is_valid_partition_object

    rng = np.random.default_rng(1)
    seen = {True: 0, False: 0}
    for _ in range(500):
        weights = rng.dirichlet(np.ones(rng.integers(1, 4))) * rng.choice([1, 1, 0.9, 1 + 5e-6, 1 + 5e-5])
        edges = np.sort(rng.integers(0, 9, len(weights) + rng.choice([0, 1, 1, 1]))).tolist()
        found = {
            "weights": weights.tolist(),
            **({"bins": edges} if rng.random() < 0.6 else {"values": list(set(edges))}),
        }
        if "bins" in found and rng.random() < 0.5:
            share = float(rng.choice([0.1, 0.2]))
            found |= {"weights": (weights * (1 - 2 * share)).tolist(), "tail_weights": [share, share]}
        sound = edges != [] and bool(is_valid_partition_object(found))
        assert (a.partition(found) is None) == sound, found
        seen[sound] += 1
    assert min(seen.values()) > 50


# ------------------------------------------------------------------------------------------------------ wrong arguments

KL, QUANTILES = "expect_column_kl_divergence_to_be_less_than", "expect_column_quantile_values_to_be_between"
VALUES, BINS = {"values": ["a"], "weights": [1]}, {"bins": [0, 1], "weights": [1]}


def partition(**keys: Any) -> dict[str, Any]:
    return {**X, "partition_object": keys}


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        (KL, partition(values=["a"]), "partition_object: {'values': ['a']} is not an object of values and weights, or"),
        (KL, partition(values=["a"], weights=[0.5]), "the weights add up to 0.5, not to 1"),
        (KL, partition(values=["a", "a"], weights=[0.5, 0.5]), "'a' is listed twice"),
        (KL, partition(values=["a", None], weights=[0.5, 0.5]), "null is no value of a partition"),
        (KL, partition(values=["a"], weights=[0.5, 0.5]), "1 values, but 2 weights"),
        (KL, partition(values=[], weights=[]), "values is not a list with at least one item"),
        (KL, partition(bins=[0, 1], weights=[0.5, 0.5]), "2 edges in bins, but 2 weights"),
        (KL, partition(bins=[0, 2, 1], weights=[0.5, 0.5]), "bins: 1 is not above the edge before it"),
        (KL, partition(bins=[0, "1"], weights=[1]), "bins: '1' is not a number"),
        (KL, partition(bins=[0, 1], weights=[-1]), "weights: -1 is not a number from 0"),
        (KL, partition(bins=[0, 1], weights=[1], tail_weights=[0]), "1 tail_weights; there are two tails"),
        (KL, {**partition(**VALUES), "internal_weight_holdout": 0.1}, "internal_weight_holdout is for bins"),
        (KL, {**X, "bucketize_data": False, "internal_weight_holdout": 0.1}, "internal_weight_holdout is for bins"),
        (KL, {**partition(**BINS), "bucketize_data": False}, "bucketize_data false is for values"),
        (KL, {**X, "tail_weight_holdout": 0.1}, "tail_weight_holdout and tail_weights exclude each other"),
        (KL, {**X, "threshold": -1}, "threshold: -1 is not a number from 0"),
        (KL, {**X, "max_value": 3}, "max_value: 3 has no effect"),
        (QUANTILES, {**X, "quantile_ranges": [0.5]}, "[0.5] is not an object with the keys quantiles and value_ranges"),
        (QUANTILES, {**X, "quantile_ranges": {"quantiles": [], "value_ranges": []}}, "with at least one item each"),
        (
            QUANTILES,
            {**X, "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 2], [3, 4]]}},
            "1 quantiles, but 2",
        ),
        (QUANTILES, {**X, "quantile_ranges": {"quantiles": [5], "value_ranges": [[1, 2]]}}, "5 is not a share"),
        (QUANTILES, {**X, "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[2, 1]]}}, "lower limit is above"),
        (QUANTILES, {**X, "quantile_ranges": {"quantiles": [0.5], "value_ranges": [["a", 1]]}}, "'a' is not a number"),
        (
            QUANTILES,
            {**X, "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1]]}},
            "[1] is not a pair of limits",
        ),
        (QUANTILES, {**SOUND[QUANTILES], "allow_relative_error": True}, "True is none of linear, lower, higher"),
        (QUANTILES, {**SOUND[QUANTILES], "allow_relative_error": "false"}, "'false' is none of linear, lower, higher"),
        (
            "expect_multicolumn_sum_to_equal",
            {"column_list": ["x"], "sum_total": 1},
            "names one column; give at least two",
        ),
        (
            "expect_compound_columns_to_be_unique",
            {**LIST, "ignore_row_if": "neither"},
            "is none of all_values_are_missing",
        ),
        ("expect_column_pair_values_to_be_in_set", {**PAIR, "value_pairs_set": [[1, 2, 3]]}, "is not a pair of plain"),
        ("expect_column_pair_values_to_be_in_set", {**PAIR, "value_pairs_set": [[1, [2]]]}, "is not a pair of plain"),
        ("expect_column_values_to_match_regex_list", {**X, "regex_list": ["a", "("]}, "missing )"),
        (
            "expect_column_values_to_match_regex_list",
            {**X, "regex_list": ["a"], "match_on": "one"},
            "is none of any, all",
        ),
        ("expect_column_values_to_not_be_outliers", {**X, "multiplier": -1}, "multiplier: -1 is not a number from 0"),
        ("expect_column_value_z_scores_to_be_less_than", {**X, "threshold": 3}, "the argument double_sided is missing"),
        ("expect_column_median_to_be_between", X, "give min_value, max_value or both"),
        ("expect_column_type_to_be", {**X, "type_": "int64", "mostly": 0.5}, "unknown argument 'mostly'"),
        ("expect_column_values_to_match_json_schema", {**X, "json_schema": "{}"}, "'{}' is not an object"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(kind: str, kwargs: dict[str, Any], words: str) -> None:
    (found,) = mistakes(kind, kwargs)
    assert words in found


@pytest.mark.parametrize("format_", ["%Q", "%", "%D", "%Y %Y", "%s", "%e", "%Y-%V", "", 3, "x" * 1_001])
def test_a_format_that_no_text_could_have_is_a_mistake(format_: Any) -> None:
    assert a.strftime_format(format_)


@pytest.mark.parametrize(
    "format_", ["%d", "%m-%d", "%b %d, %y", "%I:%M %p", "%G-W%V-%u", "%Y%j", "%z%Z", "%%", "plain"]
)
def test_a_format_that_strptime_reads_is_sound(format_: str) -> None:
    assert a.strftime_format(format_) is None


@pytest.mark.parametrize("reference", ["http://example.com/s.json", "file:///etc/passwd", "other.json", ""])
def test_a_json_schema_fetches_nothing(reference: str) -> None:
    schema = {"properties": {"$ref": {"type": "string"}, "a": {"anyOf": [{"$ref": reference}]}}}
    assert "is another document, and none is fetched" in str(a.json_schema(schema))


def test_large_arguments_take_time_in_proportion_to_their_size() -> None:
    gc.freeze()  # what other tests left is not walked by the collector on this one's account
    started = time.process_time()
    assert a.json_schema({"anyOf": [{"$ref": "#"}] * 200_000}) is None
    assert a.value_pairs([[n, n] for n in range(200_000)]) is None
    assert a.partition({"values": list(range(100_000)), "weights": [1e-5] * 100_000}) is None
    assert a.partition({"bins": list(range(100_001)), "weights": [1e-5] * 100_000}) is None
    seconds = time.process_time() - started
    gc.unfreeze()
    assert seconds < 2

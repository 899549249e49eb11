"""The expectations of Great Expectations 1.x: which are judged here, and what arguments each takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from schemas import argument_checks as a

#: What GX accepts for every expectation and what has no effect on the verdict.
IGNORED_ARGUMENTS = frozenset({"result_format", "catch_exceptions", "batch_id", "windows"})
#: Conditions are code in GX (pandas runs them): they are refused, never evaluated.
CONDITIONS = ("row_condition", "condition_parser")


@dataclass(frozen=True)
class ExpectationType:
    """The arguments of one type: name to check."""

    required: Mapping[str, a.Check] = field(default_factory=dict)
    optional: Mapping[str, a.Check] = field(default_factory=dict)
    #: Checks of the arguments against each other, made once each of them is sound.
    together: tuple[Callable[[Mapping[str, Any]], str | None], ...] = ()

    @cached_property
    def arguments(self) -> dict[str, a.Check]:
        """All of them."""
        return {**self.required, **self.optional}


_STRICT = {"strict_min": a.flag, "strict_max": a.flag}
_RANGE = {"min_value": a.bound, "max_value": a.bound, **_STRICT}
_NUMBERS = {"min_value": a.number, "max_value": a.number, **_STRICT}
_COUNTS = {"min_value": a.count, "max_value": a.count, **_STRICT}
_SHARES = {"min_value": a.share, "max_value": a.share, **_STRICT}
_COLUMN = {"column": a.text}
_MOSTLY = {"mostly": a.share}
_LIMITS = (a.bounded, a.ordered)


def _of_values(required: Mapping[str, a.Check] | None = None) -> ExpectationType:
    return ExpectationType({**_COLUMN, **(required or {})}, _MOSTLY)


SUPPORTED: Mapping[str, ExpectationType] = {
    "expect_table_row_count_to_be_between": ExpectationType({}, _COUNTS, _LIMITS),
    "expect_table_row_count_to_equal": ExpectationType({"value": a.count}),
    "expect_table_column_count_to_be_between": ExpectationType(
        {}, {"min_value": a.count, "max_value": a.count}, _LIMITS
    ),
    "expect_table_column_count_to_equal": ExpectationType({"value": a.count}),
    "expect_table_columns_to_match_set": ExpectationType({"column_set": a.texts}, {"exact_match": a.flag}),
    "expect_table_columns_to_match_ordered_list": ExpectationType({"column_list": a.texts}),
    "expect_column_to_exist": ExpectationType(_COLUMN, {"column_index": a.index}),
    "expect_column_values_to_not_be_null": _of_values(),
    "expect_column_values_to_be_null": _of_values(),
    "expect_column_values_to_be_between": ExpectationType(_COLUMN, {**_MOSTLY, **_RANGE}, _LIMITS),
    "expect_column_values_to_be_in_set": _of_values({"value_set": a.scalars}),
    "expect_column_values_to_not_be_in_set": _of_values({"value_set": a.scalars}),
    "expect_column_values_to_match_regex": _of_values({"regex": a.regex}),
    "expect_column_values_to_not_match_regex": _of_values({"regex": a.regex}),
    "expect_column_value_lengths_to_be_between": ExpectationType(_COLUMN, {**_MOSTLY, **_COUNTS}, _LIMITS),
    "expect_column_value_lengths_to_equal": _of_values({"value": a.count}),
    "expect_column_values_to_be_of_type": _of_values({"type_": a.text}),
    "expect_column_values_to_be_in_type_list": _of_values({"type_list": a.texts}),
    "expect_column_values_to_be_unique": _of_values(),
    "expect_column_mean_to_be_between": ExpectationType(_COLUMN, _NUMBERS, _LIMITS),
    "expect_column_min_to_be_between": ExpectationType(_COLUMN, _RANGE, _LIMITS),
    "expect_column_max_to_be_between": ExpectationType(_COLUMN, _RANGE, _LIMITS),
    "expect_column_sum_to_be_between": ExpectationType(_COLUMN, _NUMBERS, _LIMITS),
    "expect_column_stdev_to_be_between": ExpectationType(_COLUMN, _NUMBERS, _LIMITS),
    "expect_column_proportion_of_non_null_values_to_be_between": ExpectationType(_COLUMN, _SHARES, _LIMITS),
    "expect_column_pair_values_a_to_be_greater_than_b": ExpectationType(
        {"column_A": a.text, "column_B": a.text},
        {
            **_MOSTLY,
            "or_equal": a.flag,
            "ignore_row_if": a.one_of("both_values_are_missing", "either_value_is_missing", "neither"),
        },
    ),
}

#: The other expectations of Great Expectations 1.24: known by name, not judged by this version.
NOT_YET = frozenset(
    {
        "expect_column_distinct_values_to_be_in_set",
        "expect_column_distinct_values_to_contain_set",
        "expect_column_distinct_values_to_equal_set",
        "expect_column_kl_divergence_to_be_less_than",
        "expect_column_median_to_be_between",
        "expect_column_most_common_value_to_be_in_set",
        "expect_column_pair_values_to_be_equal",
        "expect_column_pair_values_to_be_in_set",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_column_quantile_values_to_be_between",
        "expect_column_type_to_be",
        "expect_column_unique_value_count_to_be_between",
        "expect_column_value_z_scores_to_be_less_than",
        "expect_column_values_to_be_dateutil_parseable",
        "expect_column_values_to_be_decreasing",
        "expect_column_values_to_be_increasing",
        "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_match_json_schema",
        "expect_column_values_to_match_like_pattern",
        "expect_column_values_to_match_like_pattern_list",
        "expect_column_values_to_match_regex_list",
        "expect_column_values_to_match_strftime_format",
        "expect_column_values_to_not_be_outliers",
        "expect_column_values_to_not_match_like_pattern",
        "expect_column_values_to_not_match_like_pattern_list",
        "expect_column_values_to_not_match_regex_list",
        "expect_compound_columns_to_be_unique",
        "expect_multicolumn_sum_to_equal",
        "expect_multicolumn_values_to_be_equal",
        "expect_query_results_to_match_comparison",
        "expect_select_column_values_to_be_unique_within_record",
        "expect_table_row_count_to_equal_other_table",
        "unexpected_rows_expectation",
    }
)


def effective(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that decide the verdict: those that are not null and not ignored."""
    return {key: value for key, value in kwargs.items() if value is not None and key not in IGNORED_ARGUMENTS}

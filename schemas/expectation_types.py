"""The expectations of Great Expectations 1.24: which are judged here, and what arguments each takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from schemas import argument_checks as a

#: What GX accepts for every expectation and what has no effect on the verdict.
IGNORED_ARGUMENTS = frozenset({"result_format", "catch_exceptions", "batch_id", "windows"})
#: Which rows it is about. Never evaluated as code, as GX does: schemas.row_condition reads them.
CONDITIONS = ("row_condition", "condition_parser")


@dataclass(frozen=True)
class ExpectationType:
    """The arguments of one type: name to check."""

    required: Mapping[str, a.Check] = field(default_factory=dict)
    optional: Mapping[str, a.Check] = field(default_factory=dict)
    #: Checks of the arguments against each other, made once each of them is sound.
    together: tuple[Callable[[Mapping[str, Any]], str | None], ...] = ()
    #: Whether single rows break it, so that they can be set aside.
    rows: bool = False
    #: Whether unexpected rows are counted, so that warn_if and error_if have a meaning.
    counts: bool = False
    #: Whether it takes a row_condition.
    conditions: bool = True

    @cached_property
    def arguments(self) -> dict[str, a.Check]:
        """All of them but the condition's."""
        return {**self.required, **self.optional}


_Checks = Mapping[str, a.Check]

_STRICT = {"strict_min": a.flag, "strict_max": a.flag}
_RANGE = {"min_value": a.bound, "max_value": a.bound, **_STRICT}
_NUMBERS = {"min_value": a.number, "max_value": a.number, **_STRICT}
_COUNTS = {"min_value": a.count, "max_value": a.count, **_STRICT}
_SHARES = {"min_value": a.share, "max_value": a.share, **_STRICT}
_COLUMN = {"column": a.text}
_MOSTLY = {"mostly": a.share}
_LIMITS = (a.bounded, a.ordered)
_VALUE_SET = {"value_set": a.scalars}
_MATCH_ON = {"match_on": a.one_of("any", "all")}
_STRICTLY = {"strictly": a.flag}
_DIVERGENCE = {
    "partition_object": a.partition,
    "threshold": a.not_negative,
    "bucketize_data": a.flag,
    "tail_weight_holdout": a.share,
    "internal_weight_holdout": a.share,
    "min_value": a.no_effect,
    "max_value": a.no_effect,
}
_PAIR_SKIPS = {"ignore_row_if": a.one_of("both_values_are_missing", "either_value_is_missing", "neither")}
_LIST_SKIPS = {"ignore_row_if": a.one_of("all_values_are_missing", "any_value_is_missing", "never")}


def _shape(required: _Checks, optional: _Checks | None = None, *, limits: bool = False) -> ExpectationType:
    """About the files' columns, whatever the rows."""
    return ExpectationType(required, optional or {}, _LIMITS if limits else (), conditions=False)


def _measure(optional: _Checks, required: _Checks | None = None) -> ExpectationType:
    """One number or set of values of a column, between limits or with what else is required."""
    return ExpectationType({**_COLUMN, **(required or {})}, optional, () if required else _LIMITS)


def _values(required: _Checks | None = None, optional: _Checks | None = None, *, rows: bool = True) -> ExpectationType:
    """Each value of a column by itself; not `rows`: each in the light of the others."""
    return ExpectationType({**_COLUMN, **(required or {})}, {**_MOSTLY, **(optional or {})}, (), rows, counts=True)


def _range(limits: _Checks) -> ExpectationType:
    """Each value of a column, or its length, between limits."""
    return ExpectationType(_COLUMN, {**_MOSTLY, **limits}, _LIMITS, rows=True, counts=True)


def _type(required: _Checks) -> ExpectationType:
    """The column's type, which is the contract's: no row breaks it and none is counted, though GX counts values."""
    return ExpectationType({**_COLUMN, **required}, _MOSTLY)


def _pair(required: _Checks | None = None, optional: _Checks | None = None) -> ExpectationType:
    """Two columns, row by row."""
    names = {"column_A": a.text, "column_B": a.text}
    return ExpectationType(
        {**names, **(required or {})}, {**_MOSTLY, **_PAIR_SKIPS, **(optional or {})}, rows=True, counts=True
    )


def _several(required: _Checks | None = None) -> ExpectationType:
    """Two or more columns, row by row."""
    return ExpectationType(
        {"column_list": a.columns, **(required or {})}, {**_MOSTLY, **_LIST_SKIPS}, rows=True, counts=True
    )


SUPPORTED: Mapping[str, ExpectationType] = {
    "expect_table_row_count_to_be_between": ExpectationType({}, _COUNTS, _LIMITS),
    "expect_table_row_count_to_equal": ExpectationType({"value": a.count}),
    "expect_table_column_count_to_be_between": _shape({}, {"min_value": a.count, "max_value": a.count}, limits=True),
    "expect_table_column_count_to_equal": _shape({"value": a.count}),
    "expect_table_columns_to_match_set": _shape({"column_set": a.texts}, {"exact_match": a.flag}),
    "expect_table_columns_to_match_ordered_list": _shape({"column_list": a.texts}),
    "expect_column_to_exist": _shape(_COLUMN, {"column_index": a.count}),
    "expect_column_type_to_be": _shape({**_COLUMN, "type_": a.text}),
    "expect_column_values_to_not_be_null": _values(),
    "expect_column_values_to_be_null": _values(),
    "expect_column_values_to_be_between": _range(_RANGE),
    "expect_column_values_to_be_in_set": _values(_VALUE_SET),
    "expect_column_values_to_not_be_in_set": _values(_VALUE_SET),
    "expect_column_values_to_match_regex": _values({"regex": a.regex}),
    "expect_column_values_to_not_match_regex": _values({"regex": a.regex}),
    "expect_column_values_to_match_regex_list": _values({"regex_list": a.regexes}, _MATCH_ON),
    "expect_column_values_to_not_match_regex_list": _values({"regex_list": a.regexes}),
    "expect_column_values_to_match_strftime_format": _values({"strftime_format": a.strftime_format}),
    "expect_column_values_to_be_dateutil_parseable": _values(),
    "expect_column_values_to_be_json_parseable": _values(),
    "expect_column_values_to_match_json_schema": _values({"json_schema": a.json_schema}),
    "expect_column_value_lengths_to_be_between": _range(_COUNTS),
    "expect_column_value_lengths_to_equal": _values({"value": a.count}),
    "expect_column_values_to_be_of_type": _type({"type_": a.text}),
    "expect_column_values_to_be_in_type_list": _type({"type_list": a.texts}),
    "expect_column_values_to_be_unique": _values(),
    "expect_column_values_to_be_increasing": _values({}, _STRICTLY, rows=False),
    "expect_column_values_to_be_decreasing": _values({}, _STRICTLY, rows=False),
    "expect_column_value_z_scores_to_be_less_than": _values(
        {"threshold": a.number, "double_sided": a.flag}, rows=False
    ),
    "expect_column_values_to_not_be_outliers": _values(
        {}, {"method": a.one_of("iqr", "std"), "multiplier": a.not_negative}, rows=False
    ),
    "expect_column_mean_to_be_between": _measure(_NUMBERS),
    "expect_column_median_to_be_between": _measure(_RANGE),
    "expect_column_min_to_be_between": _measure(_RANGE),
    "expect_column_max_to_be_between": _measure(_RANGE),
    "expect_column_sum_to_be_between": _measure(_NUMBERS),
    "expect_column_stdev_to_be_between": _measure(_NUMBERS),
    "expect_column_proportion_of_non_null_values_to_be_between": _measure(_SHARES),
    "expect_column_proportion_of_unique_values_to_be_between": _measure(_SHARES),
    "expect_column_unique_value_count_to_be_between": _measure(_COUNTS),
    "expect_column_quantile_values_to_be_between": _measure(
        {"allow_relative_error": a.interpolation}, {"quantile_ranges": a.quantile_ranges}
    ),
    "expect_column_distinct_values_to_be_in_set": _measure({}, _VALUE_SET),
    "expect_column_distinct_values_to_contain_set": _measure({}, _VALUE_SET),
    "expect_column_distinct_values_to_equal_set": _measure({}, _VALUE_SET),
    "expect_column_most_common_value_to_be_in_set": _measure({"ties_okay": a.flag}, _VALUE_SET),
    "expect_column_kl_divergence_to_be_less_than": ExpectationType(
        _COLUMN,
        _DIVERGENCE,
        (a.partition_fits,),
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": _pair(optional={"or_equal": a.flag}),
    "expect_column_pair_values_to_be_equal": _pair(),
    "expect_column_pair_values_to_be_in_set": _pair({"value_pairs_set": a.value_pairs}),
    "expect_compound_columns_to_be_unique": _several(),
    "expect_multicolumn_sum_to_equal": _several({"sum_total": a.number}),
    "expect_multicolumn_values_to_be_equal": _several(),
    "expect_select_column_values_to_be_unique_within_record": _several(),
}

_LIKE = "LIKE patterns are of SQL databases, and Great Expectations judges them nowhere else; use "
_SQL = "SQL is code, and no database is here that would run it; "
_STUB = "Great Expectations 1.24 has no code for it, so no suite with it loads; use "
_DISTRIBUTION = f"{_STUB}expect_column_kl_divergence_to_be_less_than, or drift in job.yaml"
_NOT_ON_PANDAS = {
    "expect_column_values_to_match_like_pattern": f"{_LIKE}expect_column_values_to_match_regex",
    "expect_column_values_to_match_like_pattern_list": f"{_LIKE}expect_column_values_to_match_regex_list",
    "expect_column_values_to_not_match_like_pattern": f"{_LIKE}expect_column_values_to_not_match_regex",
    "expect_column_values_to_not_match_like_pattern_list": f"{_LIKE}expect_column_values_to_not_match_regex_list",
    "unexpected_rows_expectation": f"{_SQL}use an expectation about columns, with a row_condition where needed",
    "expect_query_results_to_match_comparison": f"{_SQL}compare the published tables in the database instead",
    "expect_table_row_count_to_equal_other_table": (
        "it needs another table, and a run sees one; use expect_table_row_count_to_equal with a suite parameter"
    ),
}

#: The other expectations of Great Expectations 1.24, which nobody can judge on these tables: why, and what to do.
REFUSED: Mapping[str, str] = {
    **_NOT_ON_PANDAS,
    "expect_column_bootstrapped_ks_test_p_value_to_be_greater_than": _DISTRIBUTION,
    "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than": _DISTRIBUTION,
    "expect_column_chisquare_test_p_value_to_be_greater_than": _DISTRIBUTION,
    "expect_column_pair_cramers_phi_value_to_be_less_than": f"{_STUB}expect_column_pair_values_to_be_in_set",
    "expect_multicolumn_values_to_be_unique": (
        f"{_STUB}expect_select_column_values_to_be_unique_within_record for values that differ within a row, "
        "or expect_compound_columns_to_be_unique for rows that differ"
    ),
}
#: Those of them that Great Expectations registers.
NOT_YET = frozenset(_NOT_ON_PANDAS)


def effective(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that decide the verdict: those that are not null and not ignored."""
    if None in kwargs.values() or not IGNORED_ARGUMENTS.isdisjoint(kwargs):
        return {key: value for key, value in kwargs.items() if value is not None and key not in IGNORED_ARGUMENTS}
    return dict(kwargs)

"""Which module judges which type of expectation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from data_checks.expectations import (
    aggregates,
    between,
    in_set,
    length,
    null,
    of_type,
    pair,
    proportion,
    regex,
    row_count,
    table_columns,
    unique,
)
from data_checks.expectations.finding import Judge
from schemas.contract import TableContract
from schemas.suite import Expectation

Builder = Callable[[Expectation, TableContract], Judge]

BUILDERS: Mapping[str, Builder] = {
    "expect_table_row_count_to_be_between": row_count.row_count_between,
    "expect_table_row_count_to_equal": row_count.row_count_equal,
    "expect_table_column_count_to_be_between": table_columns.count_between,
    "expect_table_column_count_to_equal": table_columns.count_equal,
    "expect_table_columns_to_match_set": table_columns.match_set,
    "expect_table_columns_to_match_ordered_list": table_columns.match_list,
    "expect_column_to_exist": table_columns.exists,
    "expect_column_values_to_not_be_null": null.not_null,
    "expect_column_values_to_be_null": null.null,
    "expect_column_values_to_be_between": between.between,
    "expect_column_values_to_be_in_set": in_set.in_set,
    "expect_column_values_to_not_be_in_set": in_set.not_in_set,
    "expect_column_values_to_match_regex": regex.match,
    "expect_column_values_to_not_match_regex": regex.not_match,
    "expect_column_value_lengths_to_be_between": length.lengths_between,
    "expect_column_value_lengths_to_equal": length.lengths_equal,
    "expect_column_values_to_be_of_type": of_type.of_type,
    "expect_column_values_to_be_in_type_list": of_type.in_type_list,
    "expect_column_values_to_be_unique": unique.unique,
    "expect_column_mean_to_be_between": aggregates.aggregate,
    "expect_column_min_to_be_between": aggregates.aggregate,
    "expect_column_max_to_be_between": aggregates.aggregate,
    "expect_column_sum_to_be_between": aggregates.aggregate,
    "expect_column_stdev_to_be_between": aggregates.aggregate,
    "expect_column_proportion_of_non_null_values_to_be_between": proportion.proportion,
    "expect_column_pair_values_a_to_be_greater_than_b": pair.pair_greater,
}


def compile_expectation(expectation: Expectation, contract: TableContract) -> Judge:
    """The judge of one expectation. Raises Misfit when it does not fit the table."""
    return BUILDERS[expectation.type](expectation, contract)

"""Which module judges which type of expectation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from data_checks.expectations import (
    aggregates,
    between,
    distinct,
    divergence,
    in_set,
    json_schema,
    json_text,
    length,
    multicolumn_equal,
    multicolumn_sum,
    null,
    of_type,
    order_statistic,
    ordered,
    outliers,
    pair,
    pair_equal,
    pair_set,
    proportion,
    regex,
    regex_list,
    row_count,
    table_columns,
    text_format,
    unique,
    unique_within_record,
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
    "expect_column_values_to_match_regex_list": regex_list.match_list,
    "expect_column_values_to_not_match_regex_list": regex_list.not_match_list,
    "expect_column_values_to_match_strftime_format": text_format.strftime_format,
    "expect_column_values_to_be_dateutil_parseable": text_format.dateutil_parseable,
    "expect_column_values_to_be_json_parseable": json_text.json_parseable,
    "expect_column_values_to_match_json_schema": json_schema.json_schema,
    "expect_column_values_to_be_increasing": ordered.ordered,
    "expect_column_values_to_be_decreasing": ordered.ordered,
    "expect_column_values_to_be_unique": unique.unique,
    "expect_compound_columns_to_be_unique": unique.compound_unique,
    "expect_column_value_z_scores_to_be_less_than": outliers.z_scores,
    "expect_column_values_to_not_be_outliers": outliers.not_outliers,
    "expect_column_type_to_be": of_type.type_to_be,
    "expect_column_distinct_values_to_be_in_set": distinct.distinct_set,
    "expect_column_distinct_values_to_contain_set": distinct.distinct_set,
    "expect_column_distinct_values_to_equal_set": distinct.distinct_set,
    "expect_column_most_common_value_to_be_in_set": distinct.most_common,
    "expect_column_unique_value_count_to_be_between": distinct.unique_value_count,
    "expect_column_proportion_of_unique_values_to_be_between": distinct.unique_proportion,
    "expect_column_median_to_be_between": order_statistic.median_between,
    "expect_column_quantile_values_to_be_between": order_statistic.quantiles_between,
    "expect_column_kl_divergence_to_be_less_than": divergence.kl_divergence,
    "expect_column_mean_to_be_between": aggregates.aggregate,
    "expect_column_min_to_be_between": aggregates.aggregate,
    "expect_column_max_to_be_between": aggregates.aggregate,
    "expect_column_sum_to_be_between": aggregates.aggregate,
    "expect_column_stdev_to_be_between": aggregates.aggregate,
    "expect_column_proportion_of_non_null_values_to_be_between": proportion.proportion,
    "expect_column_pair_values_a_to_be_greater_than_b": pair.pair_greater,
    "expect_column_pair_values_to_be_equal": pair_equal.pair_equal,
    "expect_column_pair_values_to_be_in_set": pair_set.pair_in_set,
    "expect_multicolumn_sum_to_equal": multicolumn_sum.sum_equal,
    "expect_multicolumn_values_to_be_equal": multicolumn_equal.values_equal,
    "expect_select_column_values_to_be_unique_within_record": unique_within_record.unique_within_record,
}


def compile_expectation(expectation: Expectation, contract: TableContract) -> Judge:
    """The judge of one expectation. Raises Misfit when it does not fit the table."""
    return BUILDERS[expectation.type](expectation, contract)

"""Random arguments of the expectations about a table and about several columns of a row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from gx_fuzz.near_the_data import chance, near, pick
from gx_fuzz.random_tables import Rng

Arguments = dict[str, Any]

_PAIRS = [("i8", "i32"), ("i64", "f64"), ("f64", "f32"), ("day", "day2"), ("i64n", "i8"), ("u64", "i64n"), ("up", "id")]
_EQUALS = [*_PAIRS, ("s", "cat"), ("s", "large"), ("b", "bn"), ("dec", "wide"), ("tz", "zone")]
_SETS = [("i8", "u16"), ("i64", "f64"), ("s", "cat"), ("s", "i8"), ("large", "b"), ("plain", "i64n")]
_LISTS = [["i8", "i32"], ["i64", "i64n", "u64"], ["s", "cat", "large"], ["f64", "plain"], ["day", "day2"], ["b", "bn"]]
_SUMS = [["i8", "i32"], ["i64", "i64n", "u64"], ["f64", "plain"], ["i8", "f64", "i64n"], ["dec", "wide"], ["up", "id"]]
_KEYS = [["i8", "s"], ["i64n", "cat"], ["f64", "i8"], ["day", "b", "bn"], ["tz", "dec"], ["id", "s"], ["f32", "large"]]


def table_arguments(rng: Rng, kind: str, table: pa.Table) -> Arguments:
    """Of expect_table_... and expect_column_to_exist."""
    names = list(table.column_names)
    other = [*names[1:], "other"] if chance(rng, 0.5) else names
    near_it = max(0, (len(names) if "column" in kind else table.num_rows) + int(rng.integers(-1, 2)))
    return {
        "expect_column_to_exist": {"column": pick(rng, [*names[:6], "other"]), "column_index": pick(rng, [0, 3])},
        "expect_table_columns_to_match_set": {"column_set": other, "exact_match": chance(rng, 0.5)},
        "expect_table_columns_to_match_ordered_list": {"column_list": other},
        "expect_table_column_count_to_equal": {"value": near_it},
        "expect_table_column_count_to_be_between": {"min_value": near_it, "max_value": near_it + 1},
        "expect_table_row_count_to_equal": {"value": near_it},
        "expect_table_row_count_to_be_between": {"min_value": near_it, "strict_min": chance(rng, 0.5)},
    }[kind]


def pair_arguments(rng: Rng, kind: str, table: pa.Table) -> Arguments:
    """Of expect_column_pair_..."""
    choices = _PAIRS if "greater" in kind else _SETS if "in_set" in kind else _EQUALS
    a, b = pick(rng, choices)
    arguments = {"column_A": a, "column_B": b}
    if chance(rng, 0.6):
        arguments["ignore_row_if"] = pick(rng, ["both_values_are_missing", "either_value_is_missing", "neither"])
    if "greater" in kind:
        return {**arguments, "or_equal": chance(rng, 0.5)}
    if "in_set" in kind:
        pairs = [[near(rng, table, a), near(rng, table, b)] for _ in range(int(pick(rng, [1, 5, 30])))]
        return {**arguments, "value_pairs_set": [*pairs, [None, pairs[0][1]]] if chance(rng, 0.1) else pairs}
    return arguments


def list_arguments(rng: Rng, kind: str, table: pa.Table) -> Arguments:
    """Of those that have a column_list."""
    columns = list(pick(rng, _SUMS if "sum" in kind else _KEYS if "compound" in kind else _LISTS))
    arguments: Arguments = {"column_list": columns}
    if chance(rng, 0.6):
        arguments["ignore_row_if"] = pick(rng, ["all_values_are_missing", "any_value_is_missing", "never"])
    if "sum" in kind:
        arguments["sum_total"] = int(rng.integers(-3, 4))
    return arguments

"""Random arguments of the expectations about one column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from gx_fuzz.near_the_data import chance, limits, near, near_limits, near_set, pick
from gx_fuzz.random_tables import DATES, DECIMALS, FLOATS, INTEGERS, TEXTS, TIMES, TYPES, Rng

Arguments = dict[str, Any]

PATTERNS = ["^a", "b$", "^[A-Z0-9]{2,}$", "\\d+", ".", "é", "^$", "(?i)A", "\\s", "^k\\d*7$", "(a+)+$"]
FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%H:%M", "%Y%m%d", "%b %d %Y", "%Y-%m-%dT%H:%M:%S%z"]
SCHEMAS: list[Arguments] = [
    {"type": "object"},
    {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
    {"type": ["number", "array"], "minimum": 1},
    {"enum": [None, {"a": "x"}, [1, 2]]},
]
NUMBERS = (*INTEGERS, *FLOATS)
SETS = (*NUMBERS, *TEXTS, "b")
KINDS = ["int32", "int64", "float64", "str", "bool", "Decimal", "datetime64[us]", "date", "object", "uint16", "string"]
SHARES = [0.0, 0.5, 0.9, 1.0]


def column_arguments(rng: Rng, kind: str, table: pa.Table) -> Arguments:
    """Arguments for a column that the expectation fits."""
    columns, make = _MAKERS[kind.removeprefix("expect_column_")]
    column = pick(rng, columns)
    return {"column": column, **make(rng, table, column)}


def _nothing(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return {}


def _range(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return near_limits(rng, table, column)


def _inexact_range(rng: Rng, table: pa.Table, column: str) -> Arguments:
    """Off the data by what no sum of them is: pandas adds floats in another order, and may miss an equal limit."""
    found = near_limits(rng, table, column)
    return {key: value if isinstance(value, bool) else float(value) + 0.000321 for key, value in found.items()}


def _sum_range(rng: Rng, table: pa.Table, column: str) -> Arguments:
    total = float(sum(value or 0 for value in table[column].to_pylist()))
    total = total if abs(total) < 1e50 else 0.0
    exact = 0 if column in INTEGERS else 0.000321
    return limits(rng, [total + exact + step for step in (-2, 0, 0, 3)])


def _count_range(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return limits(rng, [0, 1, 2, 5, max(5, table.num_rows // 2)])


def _share_range(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return limits(rng, SHARES)


def _value_set(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return {"value_set": near_set(rng, table, column)}


def _whole_set(rng: Rng, table: pa.Table, column: str) -> Arguments:
    """Half of the time all of the column's values, so that sets are met."""
    values = [value for value in dict.fromkeys(table[column].to_pylist()) if value is not None]
    return {"value_set": values} if values and chance(rng, 0.5) else _value_set(rng, table, column)


def _most_common(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return {**_whole_set(rng, table, column), **({"ties_okay": chance(rng, 0.7)} if chance(rng, 0.5) else {})}


def _regex_list(rng: Rng, table: pa.Table, column: str) -> Arguments:
    patterns = [pick(rng, PATTERNS) for _ in range(3)]
    return {"regex_list": patterns}


def _matching_list(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return {**_regex_list(rng, table, column), "match_on": pick(rng, ["any", "all"])}


def _lengths(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return limits(rng, [0, 1, 2, 3, 5])


def _z_score(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return {"threshold": pick(rng, [0.51, 1, 1.2, 2.3]), "double_sided": chance(rng, 0.5)}


def _outliers(rng: Rng, table: pa.Table, column: str) -> Arguments:
    return {"method": pick(rng, ["iqr", "std"]), "multiplier": pick(rng, [0, 0.47, 1.03, 1.5, 2.9])}


def _quantiles(rng: Rng, table: pa.Table, column: str) -> Arguments:
    asked = [float(pick(rng, [0, 0.05, 0.25, 0.5, 0.731, 1])) for _ in range(2)]
    ranges = [sorted([near(rng, table, column), near(rng, table, column)]) for _ in asked]
    if chance(rng, 0.2):
        ranges[0][0] = None
    relative = {"allow_relative_error": pick(rng, [False, "linear", "lower", "higher", "midpoint", "nearest"])}
    return {"quantile_ranges": {"quantiles": asked, "value_ranges": ranges}, **(relative if chance(rng, 0.5) else {})}


def _divergence(rng: Rng, table: pa.Table, column: str) -> Arguments:
    threshold = {"threshold": pick(rng, [0, 0.1, 0.5, 3])}
    holdout = {"internal_weight_holdout": 0.01} if chance(rng, 0.3) else {}
    if column in TEXTS or column == "b" or (column in INTEGERS and chance(rng, 0.4)):
        values = list(dict.fromkeys(value for value in near_set(rng, table, column) if value is not None))
        weights = [round(1 / len(values), 12)] * len(values)
        tails = {"tail_weight_holdout": 0.01} if chance(rng, 0.5) else {}
        return threshold | {"partition_object": {"values": values, "weights": weights}} | tails
    if chance(rng, 0.3):
        return threshold | holdout
    edges = sorted({float(near(rng, table, column)) for _ in range(5)} | {0.0, 1.25})
    partition: Arguments = {"bins": edges, "weights": [1 / (len(edges) - 1)] * (len(edges) - 1)}
    if chance(rng, 0.4):
        partition["weights"] = [0.8 * weight for weight in partition["weights"]]
        partition["tail_weights"] = [0.1, 0.1]
    elif chance(rng, 0.5):
        holdout["tail_weight_holdout"] = 0.02
    return threshold | {"partition_object": partition} | holdout


_Maker = tuple[tuple[str, ...], Callable[[Rng, pa.Table, str], Arguments]]
_ALL = tuple(TYPES)
_ORDERED: tuple[str, ...] = (*NUMBERS, *DECIMALS, *DATES, *TIMES, "big", "up", "down", "up", "down")
_MAKERS: dict[str, _Maker] = {
    "values_to_not_be_null": (_ALL, _nothing),
    "values_to_be_null": (_ALL, _nothing),
    "values_to_be_between": ((*_ORDERED, "b", "bn"), _range),
    "values_to_be_in_set": (SETS, _value_set),
    "values_to_not_be_in_set": (SETS, _value_set),
    "values_to_match_regex": (TEXTS, lambda rng, *_: {"regex": pick(rng, PATTERNS)}),
    "values_to_not_match_regex": (TEXTS, lambda rng, *_: {"regex": pick(rng, PATTERNS)}),
    "values_to_match_regex_list": (TEXTS, _matching_list),
    "values_to_not_match_regex_list": (TEXTS, _regex_list),
    "value_lengths_to_be_between": (TEXTS, _lengths),
    "value_lengths_to_equal": (TEXTS, lambda rng, *_: {"value": int(rng.integers(0, 5))}),
    "values_to_match_strftime_format": (
        ("when", "when", *TEXTS),
        lambda rng, *_: {"strftime_format": pick(rng, FORMATS)},
    ),
    "values_to_be_dateutil_parseable": (("when", "when", "json"), _nothing),
    "values_to_be_json_parseable": (("json", "json", "when", "key"), _nothing),
    "values_to_match_json_schema": (("json",), lambda rng, *_: {"json_schema": pick(rng, SCHEMAS)}),
    "values_to_be_of_type": (_ALL, lambda rng, *_: {"type_": pick(rng, KINDS)}),
    "type_to_be": (_ALL, lambda rng, *_: {"type_": pick(rng, KINDS)}),
    "values_to_be_in_type_list": (_ALL, lambda rng, *_: {"type_list": [pick(rng, KINDS), "INTEGER", "int64"]}),
    "values_to_be_unique": (_ALL, _nothing),
    "values_to_be_increasing": (_ORDERED, lambda rng, *_: {"strictly": chance(rng, 0.5)}),
    "values_to_be_decreasing": (_ORDERED, lambda rng, *_: {"strictly": chance(rng, 0.5)}),
    "value_z_scores_to_be_less_than": (NUMBERS, _z_score),
    "values_to_not_be_outliers": (NUMBERS, _outliers),
    "mean_to_be_between": ((*NUMBERS, "dec", "b"), _inexact_range),
    "median_to_be_between": (NUMBERS, _range),
    "min_to_be_between": ((*_ORDERED, "b"), _range),
    "max_to_be_between": ((*_ORDERED, "b"), _range),
    "sum_to_be_between": ((*NUMBERS, "dec", "b"), _sum_range),
    "stdev_to_be_between": ((*NUMBERS, "dec"), lambda rng, *_: limits(rng, [0, 0.51, 2.52, 1e3])),
    "proportion_of_non_null_values_to_be_between": (_ALL, _share_range),
    "proportion_of_unique_values_to_be_between": (_ALL, _share_range),
    "unique_value_count_to_be_between": (_ALL, _count_range),
    "quantile_values_to_be_between": (NUMBERS, _quantiles),
    "distinct_values_to_be_in_set": (SETS, _whole_set),
    "distinct_values_to_contain_set": (SETS, _whole_set),
    "distinct_values_to_equal_set": (SETS, _whole_set),
    "most_common_value_to_be_in_set": (SETS, _most_common),
    "kl_divergence_to_be_less_than": ((*NUMBERS, *TEXTS, "b"), _divergence),
}

"""Whether an expectation fits the contract: its column exists, and its values can be compared with the column's."""

from __future__ import annotations

import re

import pyarrow as pa

from data_checks.row_rules import limit_for, set_for
from schemas.contract import Column, TableContract
from schemas.suite import Expectation
from schemas.yaml_source import did_you_mean

_TEXT_TYPES = ("match_regex", "not_match_regex", "value_lengths")
_MOMENTS = ("mean", "sum", "stdev")


def mistakes_of(expectation: Expectation, contract: TableContract) -> list[str]:
    """Every reason why it cannot be judged on tables of the contract."""
    name = expectation.column
    if name is None or expectation.type == "expect_column_to_exist":
        return []
    column = contract.column(name)
    if column is None:
        return [f"there is no column '{name}' in the contract{did_you_mean(name, contract.names())}"]
    return _type_mistakes(expectation, column)


def _type_mistakes(expectation: Expectation, column: Column) -> list[str]:
    kind = expectation.type
    if any(word in kind for word in _TEXT_TYPES):
        good = column.type == "string"
        return [] if good else [f"'{column.name}' is {column.type}, and a pattern or length is of text"]
    if any(f"column_{word}_to" in kind for word in _MOMENTS):
        return [] if _is_number(column) else [f"'{column.name}' is {column.type}, which has no mean or sum"]
    arrow = comparable_type(column)
    if "between" in kind and "proportion" not in kind:
        return _limit_mistakes(expectation, column, arrow)
    if "in_set" in kind and column.type != "string" and not set_for(arrow, expectation.kwargs["value_set"]):
        return [f"no value of value_set can be in '{column.name}', which is {column.type}"]
    return []


def _limit_mistakes(expectation: Expectation, column: Column, arrow: pa.DataType) -> list[str]:
    found = []
    for name in ("min_value", "max_value"):
        try:
            limit_for(arrow, expectation.kwargs.get(name))
        except ValueError:
            value = expectation.kwargs[name]
            found.append(f"{name} {value!r} cannot be compared with '{column.name}', which is {column.type}")
    return found


def _is_number(column: Column) -> bool:
    return re.match(r"u?int|float|decimal|bool", column.type) is not None


def comparable_type(column: Column) -> pa.DataType:
    """The Arrow type that limits are compared in."""
    if column.type.startswith("timestamp"):
        zone = column.type.removeprefix("timestamp").strip("[]")
        return pa.timestamp("us", zone or None)
    if column.type.startswith("decimal"):
        precision, scale = re.findall(r"\d+", column.type)
        return pa.decimal128(int(precision), int(scale))
    return {"date": pa.date32(), "bool": pa.bool_(), "string": pa.string(), "binary": pa.binary()}.get(
        column.type
    ) or pa.type_for_alias(column.type)

"""Expectations that judge each row by itself: which rows of a batch do not meet them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from data_checks.columns import BatchColumns, Mask
from schemas.argument_checks import read_bound
from schemas.suite import Expectation

_EPOCH = date(1970, 1, 1)
_EPOCH_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RowRule:
    """A row-local expectation. Missing values are not judged, except by the null rules."""

    expectation: Expectation

    @property
    def column(self) -> str:
        """The column that is judged."""
        return str(self.expectation.kwargs["column"])

    @property
    def judges_missing(self) -> bool:
        """Whether every row is evaluated, not only those with a value."""
        return self.expectation.type in ("expect_column_values_to_not_be_null", "expect_column_values_to_be_null")

    def unexpected(self, view: BatchColumns) -> Mask | None:
        """Shape (rows,): True where the row does not meet it; None where none is."""
        missing = view.missing(self.column)
        match self.expectation.type:
            case "expect_column_values_to_not_be_null":
                return missing
            case "expect_column_values_to_be_null":
                return np.ones(view.num_rows, np.bool_) if missing is None else ~missing
        bad = self._misses(view)
        if missing is not None:
            bad = bad & ~missing
        return bad if bad.any() else None

    def _misses(self, view: BatchColumns) -> Mask:  # noqa: PLR0911  # one line a type
        """The judgement of the values; anything where missing."""
        kwargs = self.expectation.kwargs
        match self.expectation.type:
            case "expect_column_values_to_be_between":
                return ~between(view, self.column, kwargs)
            case "expect_column_values_to_be_in_set":
                return ~in_set(view, self.column, kwargs["value_set"])
            case "expect_column_values_to_not_be_in_set":
                return in_set(view, self.column, kwargs["value_set"])
            case "expect_column_values_to_match_regex":
                return ~_by_dictionary(view, self.column, lambda d: pc.match_substring_regex(d, kwargs["regex"]))
            case "expect_column_values_to_not_match_regex":
                return _by_dictionary(view, self.column, lambda d: pc.match_substring_regex(d, kwargs["regex"]))
            case "expect_column_value_lengths_to_equal":
                return ~_by_dictionary(view, self.column, lambda d: pc.equal(pc.utf8_length(d), int(kwargs["value"])))
            case "expect_column_value_lengths_to_be_between":
                return ~_by_dictionary(view, self.column, lambda d: _length_between(d, kwargs))
        message = f"{self.expectation.type} judges no rows"
        raise AssertionError(message)


def _by_dictionary(view: BatchColumns, column: str, judge: Any) -> Mask:
    """Judge each distinct text once and look the rows up."""
    codes, dictionary = view.codes(column)
    table = judge(dictionary).fill_null(False).to_numpy(zero_copy_only=False)
    if not len(table):
        return np.zeros(view.num_rows, np.bool_)
    return np.asarray(table[codes], dtype=np.bool_)


def _length_between(texts: pa.Array, kwargs: dict[str, Any]) -> pa.Array:
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return pa.array(_within(lengths, kwargs.get("min_value"), kwargs.get("max_value"), kwargs))


def between(view: BatchColumns, column: str, kwargs: dict[str, Any]) -> Mask:
    """Shape (rows,): True where the value is within the limits, exactly for every type."""
    array = view.array(column)
    low, high = (limit_for(array.type, kwargs.get(name)) for name in ("min_value", "max_value"))
    return _within(comparable(view, column), low, high, kwargs)


def _within(values: npt.NDArray[Any], low: Any, high: Any, kwargs: dict[str, Any]) -> Mask:
    good: Mask | None = None
    if low is not None:
        good = values > low if kwargs.get("strict_min") else values >= low
    if high is not None:
        below = values < high if kwargs.get("strict_max") else values <= high
        good = below if good is None else good & below
    return np.ones(len(values), np.bool_) if good is None else good


def comparable(view: BatchColumns, column: str) -> npt.NDArray[Any]:
    """Values as numbers that compare exactly: float64 for floats, integers for the rest, decimals as objects."""
    array = view.array(column)
    kind = array.type
    if pt.is_floating(kind):
        return view.numbers(column)
    if pt.is_decimal(kind):
        values = array.to_pylist()
        return np.array([Decimal(0) if value is None else value for value in values], dtype=object)
    if pt.is_date32(kind):
        array = array.cast(pa.int32())
    elif pt.is_timestamp(kind):
        array = array.cast(pa.int64())
    elif pt.is_boolean(kind):
        array = array.cast(pa.uint8())
    if array.null_count:
        array = array.fill_null(0)
    return np.asarray(array.to_numpy(zero_copy_only=False))


def limit_for(kind: pa.DataType, value: Any) -> Any:
    """A limit of the suite in the terms of `comparable`; None stays None.

    Raises ValueError when the two do not go together.
    """
    if value is None:
        return None
    bound = read_bound(value)
    if pt.is_timestamp(kind) and isinstance(bound, datetime) and (bound.tzinfo is not None) == (kind.tz is not None):
        moment = bound if bound.tzinfo else bound.replace(tzinfo=UTC)
        return round((moment - _EPOCH_TIME).total_seconds() * 1_000_000)
    if pt.is_date32(kind) and isinstance(bound, date) and not isinstance(bound, datetime):
        return (bound - _EPOCH).days
    if isinstance(bound, int | float) and (pt.is_integer(kind) or pt.is_floating(kind) or pt.is_boolean(kind)):
        return bound
    if isinstance(bound, int | float) and pt.is_decimal(kind):
        return Decimal(bound)
    message = f"{value!r} cannot be compared with a column of type {kind}"
    raise ValueError(message)


def in_set(view: BatchColumns, column: str, wanted: list[Any]) -> Mask:
    """Shape (rows,): True where the value is one of `wanted`; values of another type are in no column of this one."""
    array = view.array(column)
    if pt.is_dictionary(array.type) or pt.is_string(array.type):
        texts = pa.array([value for value in wanted if isinstance(value, str)], pa.string())
        return _by_dictionary(view, column, lambda d: pc.is_in(d, value_set=texts))
    members = set_for(array.type, wanted)
    values = comparable(view, column)
    if pt.is_decimal(array.type):
        return np.array([value in members for value in values], dtype=np.bool_)
    found = np.zeros(len(values), np.bool_)
    for member in members:
        found |= values == member
    return found


def set_for(kind: pa.DataType, wanted: list[Any]) -> list[Any]:
    """The values of a suite's set in the terms of `comparable`; those that no such column can hold are left out."""
    members = []
    for value in wanted:
        if isinstance(value, bool):
            if pt.is_boolean(kind):
                members.append(int(value))
            continue
        try:
            members.append(limit_for(kind, value))
        except ValueError:
            continue
    return [member for member in members if member is not None]

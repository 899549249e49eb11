"""Which rows of a batch a row_condition selects."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.in_set import NumberSet, WordSet
from data_checks.expectations.interval import Interval
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.null import NullRule
from data_checks.expectations.row_rule import RowRule, ValueRule, WordRule
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.row_condition import (
    And,
    Comparison,
    Membership,
    Nullity,
    Operator,
    Or,
    RowCondition,
    Value,
    columns_of,
    condition_words,
)

_DECIMAL = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]{1,38})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class RowTest(Protocol):
    """A test of a batch's rows. Equal tests select the same rows."""

    def mask(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row is selected. Nobody may change it."""


@dataclass(frozen=True)
class RowFilter:
    """The rows that a condition selects. It pickles; equal filters select the same rows.

    As in Great Expectations on pandas: != and `not in` hold for null and NaN, every other comparison does not, and NaN
    is null. A float32 is compared with the constant as float32, but its lists are not rounded. Otherwise than there,
    whole numbers, decimals and times are compared exactly, and dates and times also by == and `in`, where pandas finds
    none.
    """

    #: For messages.
    condition: RowCondition = field(compare=False)
    test: RowTest

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at, each once."""
        return columns_of(self.condition)

    def mask(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row is selected. Nobody may change it."""
        return self.test.mask(values)


@dataclass(frozen=True)
class Breaking:
    """Selects the rows that break a rule, or with `not_breaking` all others."""

    rule: RowRule
    not_breaking: bool = False

    def mask(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row is selected."""
        broken = self.rule.broken(values)
        return ~broken if self.not_breaking else broken


@dataclass(frozen=True)
class Every:
    """Selects the rows that all of the tests select."""

    tests: tuple[RowTest, ...]

    def mask(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row is selected."""
        return reduce(np.logical_and, (test.mask(values) for test in self.tests))


@dataclass(frozen=True)
class Some:
    """Selects the rows that any of the tests selects."""

    tests: tuple[RowTest, ...]

    def mask(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row is selected."""
        return reduce(np.logical_or, (test.mask(values) for test in self.tests))


@dataclass(frozen=True)
class WordOrder:
    """Words fail that are below, or above, a text by their code points, as Python and pandas compare them."""

    operator: Operator
    text: str

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word is below or above, as the operator says."""
        # Arrow compares the bytes of UTF-8, whose order is that of the code points.
        found = pc.fill_null(_ARROW[self.operator](words, pa.scalar(self.text, words.type)), fill_value=False)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)


_ARROW = {"<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def compile_filter(condition: RowCondition, contract: TableContract) -> RowFilter:
    """The filter for the contract's table. Raises Misfit for an unknown column and for values that do not fit it."""
    try:
        return RowFilter(condition, _test(condition, contract))
    except Misfit as misfit:
        message = f"row_condition ({condition_words(condition)}): {misfit}"
        raise Misfit(message) from None


def _test(condition: RowCondition, contract: TableContract) -> RowTest:
    if isinstance(condition, And | Or):
        tests = tuple(_test(part, contract) for part in condition.parts)
        return Every(tests) if isinstance(condition, And) else Some(tests)
    kind = column_type(condition.column, contract)
    if isinstance(condition, Nullity):
        return Breaking(NullRule(condition.column), not condition.is_null)
    if kind.family == "binary":
        message = f"column {shown(condition.column)} of type binary can only be tested for null"
        raise Misfit(message)
    if isinstance(condition, Membership):
        return _members(condition.column, kind, condition.values, negated=condition.negated)
    if condition.operator in ("==", "!="):
        value = _rounded(condition.value, kind)
        return _members(condition.column, kind, (value,), negated=condition.operator == "!=")
    return Breaking(_ordered(condition, kind))


def _members(column: str, kind: LogicalType, values: tuple[Value, ...], *, negated: bool) -> RowTest:
    """The rows whose value is one of these; with `negated` all others, null too."""
    rule: RowRule
    if kind.family == "string":
        words = sorted({_word(column, kind, value) for value in values})
        rule = WordRule(column, WordSet(tuple(words), members_fail=True))
    else:
        numbers = sorted({_member(column, kind, value) for value in values})
        rule = ValueRule(column, NumberSet(tuple(numbers), members_fail=True))
    return Breaking(rule, negated)


def _ordered(condition: Comparison, kind: LogicalType) -> RowRule:
    """The rule that is broken by the values for which the comparison holds: those outside its complement."""
    column, operator = condition.column, condition.operator
    if kind.family == "string":
        return WordRule(column, WordOrder(operator, _word(column, kind, condition.value)))
    limit = _exact(column, kind, _rounded(condition.value, kind))
    if operator in (">", ">="):
        return ValueRule(column, Interval(high=limit, high_open=operator == ">="))
    return ValueRule(column, Interval(low=limit, low_open=operator == "<="))


def _word(column: str, kind: LogicalType, value: Value) -> str:
    if isinstance(value, str):
        return value
    raise _misfit(column, kind, value)


def _member(column: str, kind: LogicalType, value: Value) -> float:
    """The value as such a column would hold it. Raises Misfit where none can."""
    exact = _exact(column, kind, value)
    if kind.family == "float":
        return float(exact)
    if exact.denominator == 1 and (kind.family != "bool" or exact in (0, 1)):
        return int(exact)
    hint = "; write decimals as text, such as '1.10', since 1.1 is a little more" if kind.family == "decimal" else ""
    message = f"{shown(value)} can never be a value of column {shown(column)} of type {kind.name}{hint}"
    raise Misfit(message)


def _exact(column: str, kind: LogicalType, value: Value) -> Fraction:
    """The value in ticks, floats in themselves. Raises Misfit for a value of another kind."""
    if isinstance(value, bool):
        value = int(value) if kind.numeric else value
    elif isinstance(value, str) and kind.family == "decimal" and _DECIMAL.fullmatch(value):
        return Fraction(value) * int(10**kind.scale)
    elif isinstance(value, str) and kind.family == "timestamp" and kind.zone is None and _DATE.fullmatch(value):
        value = f"{value}T00:00"  # as pandas reads a date beside times
    try:
        return kind.limit(value)
    except (Misfit, ValueError):
        raise _misfit(column, kind, value) from None


def _rounded(value: Value, kind: LogicalType) -> Value:
    """The constant as pandas compares it: with float32 as the nearest float32, unless that is infinite."""
    if kind.name != "float32" or isinstance(value, str):
        return value
    with np.errstate(over="ignore"):
        nearest = float(np.float32(value))
    return nearest if math.isfinite(nearest) else value


def _misfit(column: str, kind: LogicalType, value: Value) -> Misfit:
    wanted = {
        "string": "a text in quotes",
        "date": "a date such as '2024-01-31'",
        "timestamp": f"a time such as '2024-01-31T06:00:00{'+00:00' if kind.zone else ''}'",
        "decimal": "a number, or text such as '1.10'",
    }.get(kind.family, "a number without quotes")
    return Misfit(f"{shown(value)} does not fit column {shown(column)} of type {kind.name}: give {wanted}")

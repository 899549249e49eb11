"""The columns of a list add up to a number: expect_multicolumn_sum_to_equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.logical_type import LogicalType
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.record import RecordRule, joined, largest, list_skip, record_columns, scaled_ticks
from data_checks.expectations.share import RowShare
from data_checks.expectations.words import number_words
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class WholeSum:
    """Rows fail whose integers or decimals do not add up to the total, exactly, or of which one is missing."""

    #: In multiples of the finest last digit.
    total: int
    #: Digits after the point by column.
    scales: tuple[int, ...]

    def failing(self, values: BatchValues, columns: Sequence[str]) -> Mask:
        """Shape (rows,): True where the row fails."""
        terms = scaled_ticks([values.values(column) for column in columns], self.scales)
        bound = max(sum(largest(term) for term in terms), abs(self.total))
        dtype = np.int64 if bound <= np.iinfo(np.int64).max else object
        added = terms[0].astype(dtype)
        for term in terms[1:]:
            added += term.astype(dtype, copy=False)
        return _or_missing(np.asarray(added != self.total, np.bool_), values, columns)


@dataclass(frozen=True)
class FloatSum:
    """Rows fail whose numbers, added as float64 from the first column to the last, are not the total.

    A missing value makes the sum NaN, which equals nothing. pandas adds in this order too, except the one row of a
    table of 8 columns or more; and it adds float32 in float32.
    """

    total: float

    def failing(self, values: BatchValues, columns: Sequence[str]) -> Mask:
        """Shape (rows,): True where the row fails."""
        added = values.values(columns[0]).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            for column in columns[1:]:
                added += values.values(column)
        return _or_missing(np.asarray(added != self.total, np.bool_), values, columns)


def _or_missing(bad: Mask, values: BatchValues, columns: Sequence[str]) -> Mask:
    for column in columns:
        missing = values.missing(column)
        if missing is not None:
            bad |= missing
    return bad


def sum_equal(expectation: Expectation, contract: TableContract) -> RowShare:
    """The columns of column_list add up to sum_total in each row.

    Raises Misfit for columns that are no numbers, and for a total that no row could have.
    """
    columns, kinds = record_columns(expectation, contract)
    total = expectation.kwargs["sum_total"]
    for column, kind in zip(columns, kinds, strict=True):
        if not kind.numeric:
            message = f"column {shown(column)} of type {kind.name} cannot be added up"
            raise Misfit(message)
    rule = RecordRule(columns, _sum(total, kinds), list_skip(expectation))
    words = f"have {joined(columns)} not adding up to {number_words(total)}"
    return RowShare(rule, columns[0], expectation.mostly, words, what="rows")


def _sum(total: Any, kinds: Sequence[LogicalType]) -> WholeSum | FloatSum:
    families = {kind.family for kind in kinds}
    if families >= {"float", "decimal"}:
        message = "decimals and floats cannot be added up exactly; give columns of one of the two"
        raise Misfit(message)
    try:
        if "float" in families:
            return FloatSum(float(total))
        # A float total is the number that it is: 0.1 is not 0.10, and GX finds no decimals that add up to it either.
        ticks = Fraction(total) * int(10 ** max(kind.scale for kind in kinds))
    except (OverflowError, ValueError):  # beyond float64; infinite
        ticks = Fraction(1, 2)
    if ticks.denominator != 1:
        names = ", ".join(dict.fromkeys(kind.name for kind in kinds))
        message = f"sum_total {shown(total)} can never be a sum of values of the types {names}"
        raise Misfit(message)
    return WholeSum(int(ticks), tuple(kind.scale for kind in kinds))

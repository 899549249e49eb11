"""One column's value is greater than the other's: expect_column_pair_values_a_to_be_greater_than_b."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues, Values
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.share import RowShare
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class GreaterRule:
    """A row breaks it where a is not greater than b; so does a row with one missing value, unless `ignore` says not."""

    a: str
    b: str
    or_equal: bool = False
    #: Rows that are left out: both_values_are_missing, either_value_is_missing, neither.
    ignore: str = "both_values_are_missing"

    @property
    def columns(self) -> tuple[str, ...]:
        """Both."""
        return self.a, self.b

    def evaluated(self, values: BatchValues) -> int:
        """How many rows are not left out."""
        ignored = self._ignored(values)
        return values.num_rows - (0 if ignored is None else int(np.count_nonzero(ignored)))

    def unexpected(self, values: BatchValues) -> int:
        """How many of them break it."""
        return int(np.count_nonzero(self.broken(values)))

    def broken(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row breaks it."""
        a, b = _common(values.values(self.a), values.values(self.b))
        with np.errstate(invalid="ignore"):
            met = np.asarray(a >= b if self.or_equal else a > b, np.bool_)
        for missing in (values.missing(self.a), values.missing(self.b)):
            met = met if missing is None else met & ~missing
        ignored = self._ignored(values)
        return ~met if ignored is None else ~met & ~ignored

    def _ignored(self, values: BatchValues) -> Mask | None:
        a, b = values.missing(self.a), values.missing(self.b)
        if self.ignore == "neither":
            return None
        if self.ignore == "either_value_is_missing":
            return a if b is None else b if a is None else a | b
        return None if a is None or b is None else a & b


def _common(a: Values, b: Values) -> tuple[Values, Values]:
    """Both in one dtype without rounding where that is possible; uint64 beside signed integers as Python integers."""
    if a.dtype.kind in "iu" and b.dtype.kind in "iu" and np.result_type(a, b).kind == "f":
        return a.astype(object), b.astype(object)
    return a, b


def pair_greater(expectation: Expectation, contract: TableContract) -> RowShare:
    """column_A is greater than column_B. Raises Misfit for columns that cannot be compared."""
    kwargs = expectation.kwargs
    a, b = kwargs["column_A"], kwargs["column_B"]
    kinds = column_type(a, contract), column_type(b, contract)
    if not _comparable(*kinds):
        message = f"columns of the types {kinds[0].name} and {kinds[1].name} cannot be compared"
        raise Misfit(message)
    ignore = kwargs.get("ignore_row_if", "both_values_are_missing")
    rule = GreaterRule(a, b, kwargs.get("or_equal", False), ignore)
    words = f"have {a} not greater than {'or equal to ' if rule.or_equal else ''}{b}"
    return RowShare(rule, a, expectation.mostly, words, what="rows")


def _comparable(a: LogicalType, b: LogicalType) -> bool:
    if a.family in ("integer", "float") and b.family in ("integer", "float"):
        return True
    return (
        a.family == b.family
        and a.family in ("date", "timestamp", "decimal")
        and (a.scale, a.zone)
        == (
            b.scale,
            b.zone,
        )
    )

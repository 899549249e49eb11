"""Values are there, or are not: expect_column_values_to_not_be_null, _to_be_null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.logical_type import column_type
from data_checks.expectations.share import RowShare
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class NullRule:
    """A row breaks it where the value is missing, or with `present_breaks` where it is not. Every row is evaluated."""

    column: str
    present_breaks: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """That column."""
        return (self.column,)

    def evaluated(self, values: BatchValues) -> int:
        """All rows."""
        return values.num_rows

    def unexpected(self, values: BatchValues) -> int:
        """How many rows break it."""
        missing = values.missing_count(self.column)
        return values.num_rows - missing if self.present_breaks else missing

    def broken(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row breaks it."""
        missing = values.missing(self.column)
        missing = np.zeros(values.num_rows, np.bool_) if missing is None else missing
        return ~missing if self.present_breaks else missing


def not_null(expectation: Expectation, contract: TableContract) -> RowShare:
    """Values are not missing."""
    return _judge(expectation, contract, NullRule(expectation.kwargs["column"]), "are null")


def null(expectation: Expectation, contract: TableContract) -> RowShare:
    """Values are missing."""
    return _judge(expectation, contract, NullRule(expectation.kwargs["column"], present_breaks=True), "are not null")


def _judge(expectation: Expectation, contract: TableContract, rule: NullRule, words: str) -> RowShare:
    column_type(rule.column, contract)
    reason = "unexpected_value" if rule.present_breaks else "null"
    return RowShare(rule, rule.column, expectation.mostly, words, reason=reason)

"""Numbers, dates and times lie in an interval: expect_column_values_to_be_between."""

from __future__ import annotations

from data_checks.expectations.interval import Interval
from data_checks.expectations.logical_type import column_type
from data_checks.expectations.row_rule import ValueRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.words import outside_words
from schemas.contract import TableContract
from schemas.suite import Expectation


def between(expectation: Expectation, contract: TableContract) -> RowShare:
    """Values are not below min_value nor above max_value. Raises Misfit for limits that do not fit the column."""
    column = expectation.kwargs["column"]
    interval = Interval.of(expectation.kwargs, column_type(column, contract))
    words = f"are {outside_words(expectation.kwargs)}"
    return RowShare(ValueRule(column, interval), column, expectation.mostly, words)

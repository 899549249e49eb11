"""How many rows the night has: expect_table_row_count_to_be_between, _to_equal."""

from __future__ import annotations

from dataclasses import dataclass

from data_checks.check_state import CheckState
from data_checks.expectations.finding import Finding, Needs, TableFacts
from data_checks.expectations.interval import Interval
from data_checks.expectations.logical_type import LogicalType
from data_checks.expectations.words import count_words, number_words, range_words
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class RowCount:
    """The number of rows lies in the interval. A night without rows is judged like any other."""

    interval: Interval
    words: str

    @property
    def needs(self) -> Needs:
        """Nothing: rows are always counted."""
        return Needs()

    def find(self, state: CheckState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; rows need no facts
        """The number of rows that were read."""
        message = f"{count_words(state.rows, 'rows')}; expected {self.words}"
        return Finding(self.interval.holds(state.rows), message, observed=state.rows)


def row_count_between(expectation: Expectation, contract: TableContract) -> RowCount:  # noqa: ARG001  # as all builders
    """min_value to max_value rows."""
    return RowCount(Interval.of(expectation.kwargs, LogicalType.of("int64")), range_words(expectation.kwargs))


def row_count_equal(expectation: Expectation, contract: TableContract) -> RowCount:  # noqa: ARG001  # as all builders
    """Exactly `value` rows."""
    value = expectation.kwargs["value"]
    return RowCount(Interval.at(value), number_words(value))

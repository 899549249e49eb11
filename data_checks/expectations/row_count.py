"""How many rows the night has: expect_table_row_count_to_be_between, _to_equal."""

from __future__ import annotations

from dataclasses import dataclass

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding, Needs, TableFacts
from data_checks.expectations.words import count_words, number_words, range_words
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class RowCount:
    """The number of rows lies in an interval. A night without rows is judged like any other."""

    words: str

    @property
    def needs(self) -> Needs:
        """Nothing: rows are always counted."""
        return Needs()

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; rows need no facts
        """The number of rows that were read."""
        message = f"{count_words(state.rows, 'rows')}; expected {self.words}"
        return Finding(message, observed=state.rows, metrics={"table.row_count": state.rows})


def row_count_between(expectation: Expectation, contract: TableContract) -> RowCount:  # noqa: ARG001  # as all builders
    """min_value to max_value rows."""
    return RowCount(range_words(expectation.kwargs))


def row_count_equal(expectation: Expectation, contract: TableContract) -> RowCount:  # noqa: ARG001  # as all builders
    """Exactly `value` rows."""
    return RowCount(number_words(expectation.kwargs["value"]))

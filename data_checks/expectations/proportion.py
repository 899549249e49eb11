"""The share of values that are there: expect_column_proportion_of_non_null_values_to_be_between."""

from __future__ import annotations

from dataclasses import dataclass

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding, Needs, TableFacts, nothing_to_judge
from data_checks.expectations.logical_type import column_type
from data_checks.expectations.words import percent_words, range_words
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class Proportion:
    """The share of present values lies in an interval."""

    column: str
    #: What is allowed: `0.9 to 1`.
    words: str

    @property
    def needs(self) -> Needs:
        """Missing values."""
        return Needs(missing=(self.column,))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; counts need no facts
        """The share, and whether it is within the limits."""
        missing = state.missing[self.column]
        metrics = {"column.non_null_proportion": (state.rows - missing) / state.rows if state.rows else 0}
        if not state.rows:
            return Finding(nothing_to_judge(self.column, 0), 0, None, 0, metrics=metrics)
        share = (state.rows - missing) / state.rows
        message = f"{self.column}: {percent_words(share)} of the values are there; expected a share of {self.words}"
        return Finding(message, state.rows, None, missing, share, metrics)


def proportion(expectation: Expectation, contract: TableContract) -> Proportion:
    """The share of non-null values is between min_value and max_value."""
    column = expectation.kwargs["column"]
    column_type(column, contract)
    return Proportion(column, range_words(expectation.kwargs))

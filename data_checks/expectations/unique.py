"""Values occur once, across all files: expect_column_values_to_be_unique."""

from __future__ import annotations

from dataclasses import dataclass

from data_checks.check_state import CheckState
from data_checks.expectations.finding import Finding, Needs, TableFacts, nothing_to_judge, share_met
from data_checks.expectations.logical_type import column_type
from data_checks.expectations.words import allowance_words, count_words
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class Unique:
    """No value occurs twice; all rows of a repeated value are unexpected. Found from key hashes, not from the state."""

    column: str
    mostly: float
    #: Under which the duplicates are counted; given by Checks.compile, where equal columns share one.
    key: str = ""

    @property
    def needs(self) -> Needs:
        """Missing values, which are not evaluated."""
        return Needs(missing=(self.column,))

    def find(self, state: CheckState, facts: TableFacts) -> Finding:
        """Rows of repeated values, and whether their share is within `mostly`."""
        missing = state.missing[self.column]
        evaluated, unexpected = state.rows - missing, facts.duplicates.get(self.key, 0)
        if not evaluated:
            return Finding(None, nothing_to_judge(self.column, state.rows), 0, 0, missing)
        found = f"{unexpected:,} of {count_words(evaluated, 'values')} occur more than once"
        message = f"{self.column}: {found}; {allowance_words(self.mostly)}"
        return Finding(share_met(evaluated, unexpected, self.mostly), message, evaluated, unexpected, missing)


def unique(expectation: Expectation, contract: TableContract) -> Unique:
    """Values of the column are unique."""
    column = expectation.kwargs["column"]
    column_type(column, contract)
    return Unique(column, expectation.mostly)

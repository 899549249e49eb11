"""Keys occur once, across all files: expect_column_values_to_be_unique, expect_compound_columns_to_be_unique."""

from __future__ import annotations

from dataclasses import dataclass

from data_checks.check_state import DomainState
from data_checks.expectations.finding import FileRule, Finding, Needs, Repeats, TableFacts, nothing_to_judge
from data_checks.expectations.logical_type import column_type
from data_checks.expectations.words import allowance_words, count_words
from data_checks.skipped_rows import SKIPS
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class Unique:
    """No key occurs twice; all rows of a repeated key are unexpected. Found from key hashes, not from the state."""

    rule: FileRule
    mostly: float
    #: Under which the keys are kept; given by Checks.compile, where equal rules share one.
    key: str = ""

    @property
    def column(self) -> str:
        """The first column of the key."""
        return self.rule.columns[0]

    @property
    def needs(self) -> Needs:
        """The keys' hashes."""
        return Needs(files=(self.rule,))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """Rows of repeated keys."""
        evaluated, repeats = state.tallies[self.key].evaluated, facts.repeats.get(self.key, Repeats())
        missing, name = state.rows - evaluated, ", ".join(self.rule.columns)
        counts = (evaluated, repeats.rows, missing)
        if not evaluated:
            return Finding(nothing_to_judge(name, state.rows), *counts, examples=repeats.examples)
        what = "values" if len(self.rule.columns) == 1 else "rows"
        found = f"{repeats.rows:,} of {count_words(evaluated, what)} occur more than once"
        return Finding(f"{name}: {found}; {allowance_words(self.mostly)}", *counts, examples=repeats.examples)


def unique(expectation: Expectation, contract: TableContract) -> Unique:
    """Values of the column are unique."""
    column = expectation.kwargs["column"]
    column_type(column, contract)
    return Unique(FileRule("keys", (column,)), expectation.mostly)


def compound_unique(expectation: Expectation, contract: TableContract) -> Unique:
    """Rows of the columns are unique. Nulls are equal to each other, except in rows that ignore_row_if leaves out."""
    columns = tuple(expectation.kwargs["column_list"])
    for column in columns:
        column_type(column, contract)
    skip = SKIPS[expectation.kwargs.get("ignore_row_if", "all_values_are_missing")]
    return Unique(FileRule("keys", columns, skip), expectation.mostly)

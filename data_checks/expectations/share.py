"""What is found of rules that judge each row by itself, with their `mostly`."""

from __future__ import annotations

from dataclasses import dataclass

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding, Needs, TableFacts, nothing_to_judge
from data_checks.expectations.row_rule import RowRule
from data_checks.expectations.words import allowance_words, count_words


@dataclass(frozen=True)
class RowShare:
    """Of the evaluated values, enough are to meet the rule."""

    rule: RowRule
    column: str
    mostly: float
    #: What is said of those that do not: `are null`.
    words: str
    #: What a breach is called: null or unexpected_value.
    reason: str = "unexpected_value"
    #: What is evaluated: values of the column, or rows of which none need be missing.
    what: str = "values"
    #: Under which the state counts the rule; given by Checks.compile, where equal rules share one.
    key: str = ""

    @property
    def needs(self) -> Needs:
        """Missing values of its columns."""
        return Needs(missing=self.rule.columns)

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; rows need no facts
        """Counts, and the first rows that break it."""
        tally = state.tallies[self.key]
        missing = state.missing[self.column] if self.what == "values" else state.rows - tally.evaluated
        counts = (tally.evaluated, tally.unexpected, missing)
        examples = state.examples.get(self.key)
        if not tally.evaluated:
            return Finding(nothing_to_judge(self.column, state.rows), *counts, examples=examples)
        found = f"{tally.unexpected:,} of {count_words(tally.evaluated, self.what)} {self.words}"
        return Finding(f"{self.column}: {found}; {allowance_words(self.mostly)}", *counts, examples=examples)

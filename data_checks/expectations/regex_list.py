"""Text matches patterns of a list, or none: expect_column_values_to_match_regex_list, _to_not_match_regex_list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_checks.columns import Mask
from data_checks.expectations.regex import Pattern
from data_checks.expectations.row_rule import WordRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.text_column import text_column
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class FailsAny:
    """Words fail that fail one of the patterns."""

    patterns: tuple[Pattern, ...]

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        bad: Mask = np.logical_or.reduce([pattern.failing(words) for pattern in self.patterns])
        return bad


@dataclass(frozen=True)
class FailsAll:
    """Words fail that fail every one of the patterns."""

    patterns: tuple[Pattern, ...]

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        bad: Mask = np.logical_and.reduce([pattern.failing(words) for pattern in self.patterns])
        return bad


def match_list(expectation: Expectation, contract: TableContract) -> RowShare:
    """In each text at least one pattern of regex_list occurs, or with match_on `all` every one does."""
    column = text_column(expectation, contract)
    patterns = _patterns(expectation)
    if expectation.kwargs.get("match_on", "any") == "all":
        rule = WordRule(column, FailsAny(patterns))
        words = f"do not match {_named(patterns, 'all of the')}"
    else:
        rule = WordRule(column, FailsAll(patterns))
        words = f"do not match {_named(patterns, 'any of the')}"
    return RowShare(rule, column, expectation.mostly, words)


def not_match_list(expectation: Expectation, contract: TableContract) -> RowShare:
    """No pattern of regex_list occurs in any text."""
    column = text_column(expectation, contract)
    patterns = _patterns(expectation, matches_fail=True)
    words = f"match {_named(patterns, 'at least one of the')}"
    return RowShare(WordRule(column, FailsAny(patterns)), column, expectation.mostly, words)


def _patterns(expectation: Expectation, *, matches_fail: bool = False) -> tuple[Pattern, ...]:
    """Each pattern once, in an order that does not depend on the suite's."""
    return tuple(Pattern(pattern, matches_fail) for pattern in sorted(set(expectation.kwargs["regex_list"])))


def _named(patterns: tuple[Pattern, ...], quantity: str) -> str:
    return shown(patterns[0].pattern) if len(patterns) == 1 else f"{quantity} {len(patterns):,} patterns"

"""Text matches a pattern, or does not: expect_column_values_to_match_regex, _to_not_match_regex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import Mask
from data_checks.expectations.row_rule import WordRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.text_column import text_column
from schemas.argument_checks import shown
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class Pattern:
    """Words fail in which the pattern occurs nowhere, or with `matches_fail` those in which it does. RE2's syntax."""

    pattern: str
    matches_fail: bool = False

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        found = pc.match_substring_regex(words, self.pattern).fill_null(fill_value=False)
        matched = np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)
        return matched if self.matches_fail else ~matched


def match(expectation: Expectation, contract: TableContract) -> RowShare:
    """The pattern occurs in each text."""
    column = text_column(expectation, contract)
    pattern = expectation.kwargs["regex"]
    words = f"do not match {shown(pattern)}"
    return RowShare(WordRule(column, Pattern(pattern)), column, expectation.mostly, words)


def not_match(expectation: Expectation, contract: TableContract) -> RowShare:
    """The pattern occurs in no text."""
    column = text_column(expectation, contract)
    pattern = expectation.kwargs["regex"]
    words = f"match {shown(pattern)}"
    return RowShare(WordRule(column, Pattern(pattern, matches_fail=True)), column, expectation.mostly, words)

"""Rules that judge each row by itself: what they count in a batch, and which rows of it break them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues, Values


class RowRule(Protocol):
    """A rule over rows. Equal rules count the same, so two expectations can share one.

    Missing values break no rule but those about missing values.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""

    def evaluated(self, values: BatchValues) -> int:
        """How many rows of the batch the rule is about."""

    def unexpected(self, values: BatchValues) -> int:
        """How many of them break it."""

    def broken(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row breaks it."""


class ValueTest(Protocol):
    """A test of numbers, dates or times."""

    def outside(self, values: Values) -> Mask:
        """Shape (rows,): True where the value fails; anything where it is missing."""


class WordTest(Protocol):
    """A test of text, made once for each distinct word."""

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""


@dataclass(frozen=True)
class ValueRule:
    """A test of one column's numbers, dates or times."""

    column: str
    test: ValueTest

    @property
    def columns(self) -> tuple[str, ...]:
        """That column."""
        return (self.column,)

    def evaluated(self, values: BatchValues) -> int:
        """How many rows of the batch have a value."""
        return values.num_rows - values.missing_count(self.column)

    def unexpected(self, values: BatchValues) -> int:
        """How many values fail."""
        return int(np.count_nonzero(self.broken(values)))

    def broken(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where there is a value and it fails."""
        bad = self.test.outside(values.values(self.column))
        missing = values.missing(self.column)
        return bad if missing is None else np.greater(bad, missing, out=bad)  # bad and not missing


@dataclass(frozen=True)
class WordRule:
    """A test of one text column. Costs one look-up a row and one test a distinct word."""

    column: str
    test: WordTest

    @property
    def columns(self) -> tuple[str, ...]:
        """That column."""
        return (self.column,)

    def evaluated(self, values: BatchValues) -> int:
        """How many rows of the batch have a text."""
        return values.num_rows - values.missing_count(self.column)

    def unexpected(self, values: BatchValues) -> int:
        """How many texts fail."""
        words = values.words(self.column)
        return int(words.counts[self.test.failing(words.distinct)].sum())

    def broken(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where there is a text and it fails."""
        words = values.words(self.column)
        table = np.append(self.test.failing(words.distinct), np.False_)  # the last entry is for code -1, null
        return np.asarray(table[words.codes], np.bool_)

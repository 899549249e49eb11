"""Text has a length: expect_column_value_lengths_to_be_between, _to_equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import Mask
from data_checks.expectations.interval import Interval
from data_checks.expectations.logical_type import LogicalType
from data_checks.expectations.row_rule import WordRule
from data_checks.expectations.share import RowShare
from data_checks.expectations.text_column import text_column
from data_checks.expectations.words import range_words
from schemas.contract import TableContract
from schemas.suite import Expectation

_COUNT = LogicalType.of("int64")


@dataclass(frozen=True)
class Length:
    """Words fail whose number of characters (code points) is outside the interval."""

    interval: Interval

    def failing(self, words: pa.Array) -> Mask:
        """Shape (words,): True where the word fails."""
        lengths = pc.utf8_length(words).fill_null(0).to_numpy(zero_copy_only=False)
        return self.interval.outside(np.asarray(lengths))


def lengths_between(expectation: Expectation, contract: TableContract) -> RowShare:
    """Texts have min_value to max_value characters."""
    column = text_column(expectation, contract)
    test = Length(Interval.of(expectation.kwargs, _COUNT))
    words = f"do not have {range_words(expectation.kwargs)} characters"
    return RowShare(WordRule(column, test), column, expectation.mostly, words)


def lengths_equal(expectation: Expectation, contract: TableContract) -> RowShare:
    """Texts have exactly `value` characters."""
    column = text_column(expectation, contract)
    value = expectation.kwargs["value"]
    words = f"do not have {int(value):,} characters"
    return RowShare(WordRule(column, Length(Interval.at(value))), column, expectation.mostly, words)

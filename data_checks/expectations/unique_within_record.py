"""All columns of a list hold different values: expect_select_column_values_to_be_unique_within_record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.record import Common, RecordRule, joined, list_skip, record_columns
from data_checks.expectations.share import RowShare
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class AllDifferent:
    """Rows fail in which two columns hold the same value, or two are missing.

    GX counts the kinds of missing values apart: a null decimal (None in pandas) beside a null float (NaN) is two
    values there. Here missing is missing.
    """

    common: Common

    def failing(self, values: BatchValues, columns: Sequence[str]) -> Mask:
        """Shape (rows,): True where the row fails."""
        bad = np.zeros(values.num_rows, np.bool_)
        for a, b in combinations(self.common.cells(values, columns), 2):
            bad |= a.same(b)
        return bad


def unique_within_record(expectation: Expectation, contract: TableContract) -> RowShare:
    """The columns of column_list differ from each other. Raises Misfit for columns that cannot be compared."""
    columns, kinds = record_columns(expectation, contract)
    rule = RecordRule(columns, AllDifferent(Common.of(kinds)), list_skip(expectation))
    words = f"have the same value in two of {joined(columns)}"
    return RowShare(rule, columns[0], expectation.mostly, words, what="rows")

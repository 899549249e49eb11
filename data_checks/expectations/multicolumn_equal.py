"""All columns of a list hold the same value: expect_multicolumn_values_to_be_equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.record import Common, RecordRule, joined, list_skip, record_columns
from data_checks.expectations.share import RowShare
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class AllEqual:
    """Rows fail in which a column differs from the first. Here, unlike in pairs, missing equals missing, as in GX."""

    common: Common

    def failing(self, values: BatchValues, columns: Sequence[str]) -> Mask:
        """Shape (rows,): True where the row fails."""
        first, *others = self.common.cells(values, columns)
        bad = np.zeros(values.num_rows, np.bool_)
        for other in others:
            bad |= ~first.same(other)
        return bad


def values_equal(expectation: Expectation, contract: TableContract) -> RowShare:
    """The columns of column_list are equal. Raises Misfit for columns that cannot be compared."""
    columns, kinds = record_columns(expectation, contract)
    rule = RecordRule(columns, AllEqual(Common.of(kinds)), list_skip(expectation))
    return RowShare(rule, columns[0], expectation.mostly, f"have {joined(columns)} not all equal", what="rows")

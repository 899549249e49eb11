"""Two columns hold the same value: expect_column_pair_values_to_be_equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.logical_type import column_type
from data_checks.expectations.record import Common, RecordRule, joined, pair_skip
from data_checks.expectations.share import RowShare
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class Equal:
    """Rows fail whose two values differ, or of which one or both are missing: as in pandas, null equals nothing."""

    common: Common

    def failing(self, values: BatchValues, columns: Sequence[str]) -> Mask:
        """Shape (rows,): True where the row fails."""
        a, b = self.common.cells(values, columns)
        differ = ~a.same(b)
        return differ if a.missing is None else np.logical_or(differ, a.missing, out=differ)


def pair_equal(expectation: Expectation, contract: TableContract) -> RowShare:
    """column_A equals column_B. Raises Misfit for columns that cannot be compared."""
    columns = (expectation.kwargs["column_A"], expectation.kwargs["column_B"])
    common = Common.of([column_type(name, contract) for name in columns])
    rule = RecordRule(columns, Equal(common), pair_skip(expectation))
    return RowShare(rule, columns[0], expectation.mostly, f"have {joined(columns)} not equal", what="rows")

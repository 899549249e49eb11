"""Values go up, or down, in the order of the rows: expect_column_values_to_be_increasing, _decreasing."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding, Needs, Order, TableFacts, nothing_to_judge
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.words import allowance_words, count_words
from data_checks.first_rows import FirstRows
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class Ordered:
    """No value is lower (higher) than the one before it; files come in the order of their paths."""

    order: Order
    kind: LogicalType
    mostly: float

    @property
    def needs(self) -> Needs:
        """The column's segments."""
        return Needs(missing=(self.order.column,), orders=(self.order,))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; rows need no facts
        """Values that break the order."""
        column, missing = self.order.column, state.missing[self.order.column]
        segments = state.segments[self.order.key]
        evaluated, broken = state.rows - missing, segments.result()
        counts = (evaluated, broken, missing)
        if not evaluated:
            return Finding(nothing_to_judge(column, state.rows), *counts)
        found_rows = segments.examples()
        values = pa.array([self.kind.python(value) for _, value in found_rows], self.kind.arrow)
        examples = FirstRows(segments.limit, [place for place, _ in found_rows], pa.record_batch({column: values}))
        words = "above the one before" if self.order.decreasing else "below the one before"
        found = f"{broken:,} of {count_words(evaluated, 'values')} are {words}"
        found += " or equal to it" if self.order.strictly else ""
        message = f"{column}: {found}; {allowance_words(self.mostly)}"
        return Finding(message, *counts, examples=examples if found_rows else None)


def ordered(expectation: Expectation, contract: TableContract) -> Ordered:
    """Values are increasing or decreasing, by the expectation's type. Raises Misfit for columns without an order."""
    column = expectation.kwargs["column"]
    kind = column_type(column, contract)
    if kind.family in ("string", "binary", "bool"):
        message = f"a column of type {kind.name} has no order that is judged"
        raise Misfit(message)
    decreasing = expectation.type.endswith("_decreasing")
    return Ordered(Order(column, decreasing, expectation.kwargs.get("strictly", False)), kind, expectation.mostly)

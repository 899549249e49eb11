"""A column's distribution held against an expected one: expect_column_kl_divergence_to_be_less_than.

Great Expectations' own code computes the divergence from how often values occur, or from counts in bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_checks.check_state import DomainState
from data_checks.columns import Mask
from data_checks.expectations.batch_values import Values
from data_checks.expectations.finding import Finding, Needs, TableFacts, nothing_to_judge
from data_checks.expectations.in_set import members_of
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.order_statistic import SortedColumn, sorted_values
from data_checks.order_statistics import count_failing, histogram, quantiles
from data_checks.value_runs import ValueRuns
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class CategoryDivergence:
    """How often each value occurs."""

    column: str
    kind: LogicalType
    members: frozenset[Any]
    words: str

    @property
    def needs(self) -> Needs:
        """Counts of the values."""
        return Needs(missing=(self.column,), counts=((self.column, self.members),))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; counts need no facts
        """The counts."""
        counts, missing = state.counts[self.column], state.missing[self.column]
        by_value = {self.kind.python(value): count for value, count in sorted(counts.counts.items()) if count}
        metrics: Mapping[str, Any] = {"column.value_counts": by_value}
        if not counts.total:
            return Finding(nothing_to_judge(self.column, state.rows), 0, None, missing, metrics=metrics)
        if counts.distinct is None:
            message = f"{self.column}: has more than {counts.cap:,} different values, too many to compare"
            return Finding(message, counts.total, None, missing, metrics={"column.value_counts": _raise})
        return Finding(f"{self.column}: {self.words}", counts.total, None, missing, metrics=metrics)


def _raise(_: Any) -> Any:
    message = "there are too many different values to count each of them"
    raise ValueError(message)


@dataclass(frozen=True)
class Within:
    """A test that values at or inside one limit pass; GX gives one at a time, so it changes once in their order."""

    limits: Mapping[str, Any]

    def meeting(self, values: Values) -> Mask:
        """Shape (values,): True where the value is within the limits."""
        low, high = self.limits.get("min_value"), self.limits.get("max_value")
        inside = np.ones(len(values), np.bool_)
        if low is not None:
            inside &= (values > low) if self.limits.get("strict_min") else (values >= low)
        if high is not None:
            inside &= (values < high) if self.limits.get("strict_max") else (values <= high)
        return inside


@dataclass(frozen=True)
class BinDivergence(SortedColumn):
    """How many values lie in each bin; the bins are the suite's, or made from the column's own quantiles."""

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """What the divergence is computed from."""
        column, evaluated, missing = self.counts(state)
        runs = facts.runs.get(self.key) if evaluated else None
        metrics = _metrics_of(runs) if runs is not None else {}
        if runs is None:
            return Finding(nothing_to_judge(column, state.rows), 0, None, missing, metrics=_NOTHING)
        return Finding(f"{column}: {self.words}", evaluated, None, missing, metrics=metrics)


def _metrics_of(runs: ValueRuns) -> dict[str, Any]:
    return {
        "column.histogram": lambda asked: histogram(runs, asked["bins"]),
        "column_values.between.count": lambda asked: count_failing(runs, Within(asked).meeting),
        "column.quantile_values": lambda asked: quantiles(
            runs, asked["quantiles"], asked.get("allow_relative_error") or "nearest"
        ),
    }


_NOTHING: Mapping[str, Any] = {
    "column.histogram": lambda asked: [0] * (len(asked["bins"]) - 1),
    "column_values.between.count": 0,
    "column.quantile_values": lambda asked: [float("nan")] * len(asked["quantiles"]),
}


def kl_divergence(expectation: Expectation, contract: TableContract) -> CategoryDivergence | BinDivergence:
    """The divergence is at most `threshold`. Raises Misfit where the partition does not fit the column."""
    kwargs = expectation.kwargs
    column, partition = kwargs["column"], kwargs.get("partition_object")
    kind = column_type(column, contract)
    words = f"divergence from the expected distribution; at most {kwargs['threshold']} expected"
    if partition is not None and "values" in partition:
        return CategoryDivergence(column, kind, frozenset(members_of(partition["values"], kind)), words)
    if partition is None and kwargs.get("bucketize_data") is False:
        if kind.family not in ("string", "integer", "bool"):
            message = f"values of a column of type {kind.name} are not compared one by one; give a partition of bins"
            raise Misfit(message)
        return CategoryDivergence(column, kind, frozenset(), words)
    return BinDivergence(sorted_values(column, contract), words)

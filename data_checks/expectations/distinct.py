"""The different values of a column: which there are, how many, and which is the most common.

expect_column_distinct_values_to_be_in_set, _to_contain_set, _to_equal_set,
expect_column_most_common_value_to_be_in_set,
expect_column_unique_value_count_to_be_between, expect_column_proportion_of_unique_values_to_be_between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data_checks.check_state import DomainState
from data_checks.expectations.finding import FileRule, Finding, Needs, TableFacts, nothing_to_judge
from data_checks.expectations.in_set import members_of
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.words import count_words, percent_words, range_words
from data_checks.value_counts import ValueCounts
from schemas.contract import TableContract
from schemas.suite import Expectation

#: What GX lists of different values.
_MOST_LISTED = 20
_NAME = "column.distinct_values"


@dataclass(frozen=True)
class DistinctSet:
    """The different values, held against a set. Values that are not in the set are listed while they are few enough."""

    column: str
    kind: LogicalType
    members: frozenset[Any]
    #: Whether the set has a null, which is no value of the column and so never occurs.
    null: bool = False

    @property
    def needs(self) -> Needs:
        """How often each value occurs; those of the set whatever happens."""
        return Needs(missing=(self.column,), counts=((self.column, self.members),))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; counts need no facts
        """Values that are not in the set, and members that do not occur."""
        counts = state.counts[self.column]
        absent = [
            *(self.kind.python(member) for member in sorted(self.members) if not counts.counts.get(member)),
            *([None] if self.null else []),
        ]
        others = sorted(value for value in counts.counts if value not in self.members and counts.counts[value])
        unknown = counts.distinct is None
        more = len(others) + 1 if unknown else len(others)
        metrics = {
            f"{_NAME}.not_in_set.count": more,
            f"{_NAME}.not_in_set": [self.kind.python(value) for value in others],
            f"{_NAME}.missing_from_column.count": len(absent),
            f"{_NAME}.missing_from_column": absent,
        }
        evaluated, missing = counts.total, state.missing[self.column]
        if not evaluated:
            return Finding(nothing_to_judge(self.column, state.rows), 0, None, missing, metrics=metrics)
        number = f"more than {counts.cap:,}" if unknown else f"{more:,}"
        message = (
            f"{self.column}: {number} different values are not among the {len(self.members) + self.null:,} "
            f"expected ones; {len(absent):,} of those do not occur"
        )
        return Finding(message, evaluated, None, missing, metrics=metrics)


@dataclass(frozen=True)
class MostCommon:
    """The values that occur most often."""

    column: str
    kind: LogicalType
    members: frozenset[Any]

    @property
    def needs(self) -> Needs:
        """How often each value occurs."""
        return Needs(missing=(self.column,), counts=((self.column, self.members),))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; counts need no facts
        """Those values; none where there are too many different ones to count each."""
        counts, missing = state.counts[self.column], state.missing[self.column]
        most = max(counts.counts.values(), default=0)
        common = sorted(value for value, count in counts.counts.items() if count == most and count)
        metrics = {"column.most_common_value": [self.kind.python(value) for value in common]}
        if not counts.total:
            return Finding(nothing_to_judge(self.column, state.rows), 0, None, missing, metrics=metrics)
        if counts.distinct is None:
            return Finding(_too_many(self.column, counts), counts.total, None, missing, metrics=_RAISES)
        noun = "value occurs" if len(common) == 1 else "values occur"
        expected = sum(value in self.members for value in common)
        message = (
            f"{self.column}: {len(common):,} {noun} most often, {most:,} times each; {expected:,} of them expected"
        )
        return Finding(message, counts.total, None, missing, metrics=metrics)


def _raise(_: Any) -> Any:
    message = "there are too many different values to count each of them"
    raise ValueError(message)


_RAISES = {"column.most_common_value": _raise}


def _too_many(column: str, counts: ValueCounts) -> str:
    return f"{column}: has more than {counts.cap:,} different values, too many to count each of them"


@dataclass(frozen=True)
class DistinctCount:
    """How many different values there are, or with `proportion` which share of all values that is."""

    rule: FileRule
    words: str
    proportion: bool = False
    #: Under which the hashes are kept; given by Checks.compile, where equal rules share one.
    key: str = ""

    @property
    def needs(self) -> Needs:
        """Hashes of the different values."""
        return Needs(files=(self.rule,))

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """The number, or the share."""
        (column,) = self.rule.columns
        evaluated, distinct = state.tallies[self.key].evaluated, facts.distinct.get(self.key, 0)
        missing = state.rows - evaluated
        share = distinct / evaluated if evaluated else 0
        metrics = {f"{_NAME}.count": distinct, "column.unique_proportion": share}
        if not evaluated:
            return Finding(nothing_to_judge(column, state.rows), 0, None, missing, metrics=metrics)
        observed: float = share if self.proportion else distinct
        found = f"{percent_words(share)} of the values are different ones" if self.proportion else _counted(distinct)
        return Finding(f"{column}: {found}; expected {self.words}", evaluated, None, missing, observed, metrics)


def _counted(distinct: int) -> str:
    return f"there are {count_words(distinct, 'different values')}"


def distinct_set(expectation: Expectation, contract: TableContract) -> DistinctSet:
    """The different values are in, contain, or equal value_set; Great Expectations says which."""
    column, kind, members = _set_of(expectation, contract)
    return DistinctSet(column, kind, members, None in expectation.kwargs["value_set"])


def most_common(expectation: Expectation, contract: TableContract) -> MostCommon:
    """The most common value is in value_set."""
    column, kind, members = _set_of(expectation, contract)
    return MostCommon(column, kind, members)


def _set_of(expectation: Expectation, contract: TableContract) -> tuple[str, LogicalType, frozenset[Any]]:
    column = expectation.kwargs["column"]
    kind = column_type(column, contract)
    return column, kind, frozenset(members_of(expectation.kwargs["value_set"], kind))


def unique_value_count(expectation: Expectation, contract: TableContract) -> DistinctCount:
    """There are min_value to max_value different values."""
    return _count(expectation, contract, proportion=False)


def unique_proportion(expectation: Expectation, contract: TableContract) -> DistinctCount:
    """The different values are a share of min_value to max_value of all."""
    return _count(expectation, contract, proportion=True)


def _count(expectation: Expectation, contract: TableContract, *, proportion: bool) -> DistinctCount:
    column = expectation.kwargs["column"]
    column_type(column, contract)
    return DistinctCount(FileRule("distinct", (column,)), range_words(expectation.kwargs), proportion)

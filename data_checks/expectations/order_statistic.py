"""Order statistics of a column: expect_column_median_to_be_between, expect_column_quantile_values_to_be_between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_checks.check_state import DomainState
from data_checks.expectations.finding import FileRule, Finding, Needs, TableFacts, nothing_to_judge
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.words import number_words, range_words
from data_checks.order_statistics import median, quantiles
from data_checks.value_runs import NumberKind
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class SortedColumn:
    """What is judged from one column's values in order."""

    rule: FileRule
    #: What is expected.
    words: str
    #: Under which the values are kept; given by Checks.compile, where equal rules share one.
    key: str = ""

    @property
    def needs(self) -> Needs:
        """The column's values, sorted."""
        return Needs(missing=self.rule.columns, files=(self.rule,))

    def counts(self, state: DomainState) -> tuple[str, int, int]:
        """(column, values that are there, values that are missing)."""
        (column,) = self.rule.columns
        missing = state.missing[column]
        return column, state.rows - missing, missing


@dataclass(frozen=True)
class Median(SortedColumn):
    """The value in the middle, exactly, however many there are."""

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """The median; of an even number of values the mean of the two in the middle."""
        column, evaluated, missing = self.counts(state)
        if not evaluated:
            metrics = {"column.median": None}
            return Finding(nothing_to_judge(column, state.rows), 0, None, missing, metrics=metrics)
        value = float(median(facts.runs[self.key]))
        message = f"{column}: median is {number_words(value)}; expected {self.words}"
        return Finding(message, evaluated, None, missing, value, {"column.median": value})


@dataclass(frozen=True)
class Quantiles(SortedColumn):
    """Values that given shares of the column lie below, exactly."""

    asked: tuple[float, ...] = ()
    interpolation: str = "nearest"

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """The quantiles, in the order in which the suite asks for them."""
        column, evaluated, missing = self.counts(state)
        if not evaluated:
            metrics: Mapping[str, Any] = {"column.quantile_values": [None] * len(self.asked)}
            return Finding(nothing_to_judge(column, state.rows), 0, None, missing, metrics=metrics)
        values = quantiles(facts.runs[self.key], self.asked, self.interpolation)
        found = ", ".join(
            f"{share:g} is {number_words(value)}" for share, value in zip(self.asked, values, strict=True)
        )
        message = f"{column}: quantile {found}; expected {self.words}"
        return Finding(message, evaluated, None, missing, values, {"column.quantile_values": values})


def sorted_values(column: str, contract: TableContract) -> FileRule:
    """The rule that keeps a column's values in order. Raises Misfit for columns that hold no plain numbers."""
    kind = column_type(column, contract)
    if kind.family not in ("integer", "float"):
        message = (
            f"a column of type {kind.name} has no order statistics that are judged: it needs whole numbers or floats"
        )
        raise Misfit(message)
    return FileRule("runs", (column,), number_kind=number_kind(kind))


def number_kind(kind: LogicalType) -> NumberKind:
    """How its values are kept in order."""
    if kind.family == "float":
        return "float"
    return "unsigned" if kind.name.startswith("u") else "signed"


def median_between(expectation: Expectation, contract: TableContract) -> Median:
    """The median is between min_value and max_value."""
    return Median(sorted_values(expectation.kwargs["column"], contract), range_words(expectation.kwargs))


def quantiles_between(expectation: Expectation, contract: TableContract) -> Quantiles:
    """Each quantile is in its range."""
    asked = tuple(float(share) for share in expectation.kwargs["quantile_ranges"]["quantiles"])
    interpolation = expectation.kwargs.get("allow_relative_error") or "nearest"
    rule = sorted_values(expectation.kwargs["column"], contract)
    return Quantiles(rule, "each in its range", asked=asked, interpolation=str(interpolation))

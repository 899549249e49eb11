"""One number of a whole column lies in an interval: its mean, sum, standard deviation, least or greatest value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from data_checks.check_state import DomainState
from data_checks.expectations.finding import Finding, Needs, TableFacts, nothing_to_judge
from data_checks.expectations.interval import Interval
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.expectations.words import number_words, range_words
from schemas.contract import TableContract
from schemas.suite import Expectation

Measure = Literal["mean", "sum", "stdev", "min", "max"]
_NAMES = {"mean": "mean", "sum": "sum", "stdev": "standard deviation", "min": "minimum", "max": "maximum"}
_METRICS = {
    "mean": "column.mean",
    "sum": "column.sum",
    "stdev": "column.standard_deviation",
    "min": "column.min",
    "max": "column.max",
}
_NOT_FINITE = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


@dataclass(frozen=True)
class Aggregate:
    """The measure of the column's present values lies in an interval.

    Least and greatest value are compared in ticks, exactly; so is the sum of whole numbers and decimals. Mean and
    standard deviation (ddof 1) are rounded to a float once, at the end.
    """

    column: str
    kind: LogicalType
    measure: Measure
    #: What is allowed: `0 to 5`.
    words: str

    @property
    def needs(self) -> Needs:
        """Missing values, and the range, sum or moments."""
        column = (self.column,)
        if self.measure in ("min", "max"):
            return Needs(missing=column, ranges=column)
        if self.measure != "stdev" and self.kind.in_ticks:
            return Needs(missing=column, sums=column)
        # The range tells the sign of infinite values, which the moments only count.
        return Needs(missing=column, moments=column, ranges=column if self.kind.family == "float" else ())

    def find(self, state: DomainState, facts: TableFacts) -> Finding:  # noqa: ARG002  # a Judge's; values need no facts
        """The measure, if it exists."""
        missing = state.missing[self.column]
        evaluated = state.rows - missing
        value = self._value(state) if evaluated else Fraction(0) if self.measure == "sum" else None
        metrics = {_METRICS[self.measure]: None if value is None else self._python(value)}
        if not evaluated:
            return Finding(nothing_to_judge(self.column, state.rows), 0, None, missing, metrics=metrics)
        if value is None:
            message = f"{self.column}: one value has no {_NAMES[self.measure]}; expected {self.words}"
            return Finding(message, evaluated, None, missing, metrics=metrics)
        observed = self._plain(value)
        message = f"{self.column}: {_NAMES[self.measure]} is {number_words(observed)}; expected {self.words}"
        return Finding(message, evaluated, None, missing, observed, metrics)

    def _value(self, state: DomainState) -> float | Fraction | None:
        """Least and greatest value in ticks (floats: in itself), other measures in the column's own unit."""
        if self.measure in ("min", "max"):
            span = state.ranges[self.column]
            return span.low if self.measure == "min" else span.high
        if self.needs.sums:
            total = Fraction(state.sums[self.column].total, 10**self.kind.scale)
            return total if self.measure == "sum" else float(total / state.sums[self.column].count)
        return self._of_moments(state)

    def _of_moments(self, state: DomainState) -> float | None:
        moments = state.moments[self.column]
        if moments.infinite:
            span = state.ranges[self.column]
            both = span.low == -math.inf and span.high == math.inf
            return math.nan if both or self.measure == "stdev" else math.inf if span.high == math.inf else -math.inf
        return {"mean": moments.mean, "sum": moments.sum, "stdev": moments.stdev}[self.measure]

    def _python(self, value: float | Fraction) -> Any:
        """The value as Python's own type of the column, which Great Expectations compares with its limits."""
        if self.measure in ("min", "max") and self.kind.in_ticks:
            return self.kind.python(int(value))
        if isinstance(value, Fraction):
            return int(value) if value.denominator == 1 else float(value)
        if self.kind.name != "float32":
            return value
        with np.errstate(over="ignore"):  # a sum may be beyond float32, and is infinite there, as in pandas
            return np.float32(value)  # a limit of 0.3 is to allow a float32 of 0.3, which is a little more as a float64

    def _plain(self, value: float | Fraction) -> float | str:
        if self.measure in ("min", "max") and self.kind.in_ticks:
            plain: float | str = self.kind.plain(int(value))
            return plain
        if isinstance(value, Fraction):
            return int(value) if value.denominator == 1 else float(value)
        return value if math.isfinite(value) else _NOT_FINITE[str(value)]


def aggregate(expectation: Expectation, contract: TableContract) -> Aggregate:
    """The measure that the expectation's type names. Raises Misfit for columns that have no such measure."""
    measure: Measure = expectation.type.removeprefix("expect_column_").removesuffix("_to_be_between")  # type: ignore[assignment]  # of the five types that come here
    column = expectation.kwargs["column"]
    kind = column_type(column, contract)
    if measure not in ("min", "max") and not kind.numeric:
        message = f"a column of type {kind.name} has no {_NAMES[measure]}"
        raise Misfit(message)
    # Only to refuse limits of another kind. All but min and max are in the decimal's own unit, not in its last digit.
    Interval.of(expectation.kwargs, LogicalType.of("float64") if measure not in ("min", "max") else kind)
    return Aggregate(column, kind, measure, range_words(expectation.kwargs))

"""Values far from the others: expect_column_value_z_scores_to_be_less_than, expect_column_values_to_not_be_outliers.

What is far is known only when all values were seen, so they are counted in the sorted values after the pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from data_checks.check_state import DomainState
from data_checks.columns import Mask
from data_checks.expectations.batch_values import Values
from data_checks.expectations.finding import FileRule, Finding, Needs, TableFacts, nothing_to_judge
from data_checks.expectations.order_statistic import sorted_values
from data_checks.expectations.words import allowance_words, count_words, number_words
from data_checks.first_rows import FirstRows
from data_checks.order_statistics import count_failing, first_outside, quantiles
from schemas.contract import TableContract
from schemas.suite import Expectation


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (ddof 1) as pandas has them: NaN where they do not exist."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, state: DomainState, column: str) -> Spread:
        """Those of the column's present values; infinite values have no deviation."""
        moments = state.moments[column]
        if moments.infinite or moments.mean is None:
            return cls(math.nan, math.nan)
        return cls(moments.mean, math.nan if moments.stdev is None else moments.stdev)


@dataclass(frozen=True)
class ZScore:
    """Fails where (value - mean) / deviation is not less than the threshold, in GX's own arithmetic."""

    spread: Spread
    threshold: float
    double_sided: bool

    @property
    def pivot(self) -> float:
        """Scores move away from 0 on each side of the mean."""
        return self.spread.mean

    def failing(self, values: Values) -> Mask:
        """Shape (values,): True where the value fails; none where the scores are undefined."""
        if not self.spread.deviation > 0:
            return np.zeros(len(values), np.bool_)
        scores = (values - self.spread.mean) / self.spread.deviation
        if self.double_sided:
            return np.asarray(~((np.abs(scores) < abs(self.threshold)) | np.isnan(scores)))
        return np.asarray(~((scores < self.threshold) | np.isnan(scores)))


@dataclass(frozen=True)
class Window:
    """Fails outside lower - threshold to upper + threshold; `open_ends`: also at the ends, and both are the mean."""

    lower: float
    upper: float
    threshold: float
    open_ends: bool

    @property
    def pivot(self) -> float:
        """Values move out of the window on each side of its lower reference."""
        return self.lower

    def failing(self, values: Values) -> Mask:
        """Shape (values,): True where the value fails."""
        if not self.open_ends:
            return np.asarray(~((values >= self.lower - self.threshold) & (values <= self.upper + self.threshold)))
        if self.threshold <= 0:
            return np.asarray(values != self.lower)
        return np.asarray(~(np.abs(values - self.lower) < self.threshold))


@dataclass(frozen=True)
class Outliers:
    """Values that a window or a threshold of all values leaves outside."""

    rule: FileRule
    #: z_score, iqr or std.
    method: str
    #: Threshold of a z-score, or multiplier of the spread.
    factor: float
    mostly: float
    double_sided: bool = True
    #: How many of them are named.
    examples: int = 0
    #: Under which the values are kept; given by Checks.compile, where equal rules share one.
    key: str = ""

    @property
    def needs(self) -> Needs:
        """The column's values, sorted, and their moments."""
        return Needs(missing=self.rule.columns, moments=self.rule.columns, files=(self.rule,))

    def with_examples(self, limit: int) -> Outliers:
        """The same, naming the first `limit` values outside."""
        return replace(self, rule=replace(self.rule, places=True), examples=limit)

    def find(self, state: DomainState, facts: TableFacts) -> Finding:
        """Values outside."""
        (column,) = self.rule.columns
        missing = state.missing[column]
        evaluated = state.rows - missing
        test = self._test(state, facts) if evaluated else None
        unexpected = count_failing(facts.runs[self.key], test.failing, test.pivot) if test is not None else 0
        metrics = self._metrics(state, column)
        counts = (evaluated, unexpected, missing)
        if not evaluated:
            return Finding(nothing_to_judge(column, state.rows), *counts, metrics=metrics)
        words = {
            "z_score": f"have a z-score of {number_words(self.factor)} or more",
            "iqr": f"are more than {number_words(self.factor)} interquartile ranges outside the quartiles",
            "std": f"are {number_words(self.factor)} standard deviations or more from the mean",
        }[self.method]
        found = f"{unexpected:,} of {count_words(evaluated, 'values')} {words}"
        message = f"{column}: {found}; {allowance_words(self.mostly)}"
        examples = self._examples(test, facts) if unexpected and test is not None and self.examples else None
        return Finding(message, *counts, metrics=metrics, examples=examples)

    def _examples(self, test: ZScore | Window, facts: TableFacts) -> FirstRows:
        (column,) = self.rule.columns
        values, places = first_outside(facts.runs[self.key], test.failing, self.examples, test.pivot)
        return FirstRows(self.examples, places.tolist(), pa.record_batch({column: pa.array(values)}))

    def _metrics(self, state: DomainState, column: str) -> dict[str, Any]:
        spread = Spread.of(state, column)
        return {
            "column.mean": spread.mean,
            "column.standard_deviation": spread.deviation,
            "column.outlier_statistics": None,
        }

    def _test(self, state: DomainState, facts: TableFacts) -> ZScore | Window | None:
        """None where the values have no spread to speak of, so that nothing is an outlier."""
        spread = Spread.of(state, self.rule.columns[0])
        if self.method == "z_score":
            return ZScore(spread, self.factor, self.double_sided)
        if self.method == "std":
            window = Window(spread.mean, spread.mean, self.factor * spread.deviation, open_ends=True)
        else:
            low, high = (float(value) for value in quantiles(facts.runs[self.key], (0.25, 0.75), "linear"))
            window = Window(low, high, self.factor * (high - low), open_ends=False)
        known = all(math.isfinite(value) for value in (window.lower, window.upper, window.threshold))
        return window if known else None


def z_scores(expectation: Expectation, contract: TableContract) -> Outliers:
    """z-scores are less than `threshold`."""
    kwargs = expectation.kwargs
    rule = sorted_values(kwargs["column"], contract)
    double = kwargs.get("double_sided", True)
    return Outliers(rule, "z_score", float(kwargs["threshold"]), expectation.mostly, double_sided=double)


def not_outliers(expectation: Expectation, contract: TableContract) -> Outliers:
    """Values are inside the window of `method` (iqr or std) and `multiplier`."""
    kwargs = expectation.kwargs
    rule = sorted_values(kwargs["column"], contract)
    return Outliers(rule, kwargs.get("method", "iqr"), float(kwargs.get("multiplier", 1.5)), expectation.mostly)

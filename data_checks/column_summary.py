"""One side of a comparison: what is known of a column in training, in a night, or in several nights together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from data_checks.column_profile import ColumnProfile
from data_checks.grid import Grid
from data_checks.histogram import Histogram
from data_checks.moments import Moments
from data_checks.reference import CategoryFacts, NumericFacts, ReferenceColumn
from data_checks.score_profile import ScoreProfile


@dataclass(frozen=True)
class Numbers:
    """The values of a numeric column, counted on the reference's fine grid. None where there is no finite value."""

    counts: tuple[int, ...]
    infinite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    #: ddof 1.
    sd: float | None
    #: Means of the finite values in the outer bins of the grid.
    low_mean: float | None
    high_mean: float | None

    @property
    def finite(self) -> int:
        """How many of the values are finite."""
        return sum(self.counts) - self.infinite

    @classmethod
    def of_reference(cls, facts: NumericFacts) -> Self:
        """Of the training data."""
        ends = facts.minimum, facts.maximum, facts.mean, facts.sd, facts.low_mean, facts.high_mean
        return cls(facts.grid_counts, facts.infinite, *ends)

    @classmethod
    def of_histogram(cls, histogram: Histogram, moments: Moments) -> Self:
        """Of a night."""
        means = moments.mean, moments.stdev, histogram.low_mean, histogram.high_mean
        ends = histogram.minimum, histogram.maximum
        return cls(tuple(histogram.counts.tolist()), moments.infinite, *ends, *means)

    def onto(self, grid: Grid, edges: tuple[float, ...]) -> list[int]:
        """The counts on some of the edges of the reference's grid."""
        counts: list[int] = grid.onto(np.asarray(self.counts, np.int64), edges).tolist()
        return counts


@dataclass(frozen=True)
class Categories:
    """Values of the categories that the reference lists, in its order, and of all others together."""

    counts: tuple[int, ...]
    others: int

    @classmethod
    def of_reference(cls, facts: CategoryFacts) -> Self:
        """Of the training data."""
        return cls(tuple(count for _, count in facts.categories), facts.unlisted)


@dataclass(frozen=True)
class ColumnSummary:
    """A column's side of a comparison."""

    #: Over every conformed row.
    rows: int
    missing: int
    #: Values that are compared: of the rows that were scored.
    present: int
    numbers: Numbers | None = None
    categories: Categories | None = None

    @classmethod
    def of_reference(cls, column: ReferenceColumn) -> Self:
        """Of a column, or a score, in the training data."""
        numbers = None if column.numeric is None else Numbers.of_reference(column.numeric)
        categories = None if column.categorical is None else Categories.of_reference(column.categorical)
        return cls(column.rows, column.missing, column.rows - column.missing, numbers, categories)

    @classmethod
    def of_column(cls, column: ColumnProfile) -> Self:
        """Of a column in a night's profile."""
        seen, numbers, categories = column.presence, None, None
        if column.histogram is not None and column.moments is not None:
            numbers = Numbers.of_histogram(column.histogram, column.moments)
        if column.known is not None:
            categories = Categories(tuple(column.known.counts.tolist()), column.known.others)
        return cls(seen.rows, seen.missing, column.scored_rows - column.scored_missing, numbers, categories)

    @classmethod
    def of_score(cls, score: ScoreProfile) -> Self:
        """Of a score in a night's profile."""
        numbers = None
        if score.histogram is not None:
            numbers = Numbers.of_histogram(score.histogram, score.moments)
        return cls(score.rows, score.missing, score.rows - score.missing, numbers)

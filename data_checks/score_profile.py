"""What the scores of one model output looked like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.histogram import Histogram
from data_checks.moments import Moments
from data_checks.reference import ReferenceColumn, ScoreKind
from data_checks.stored_numbers import stored_count, stored_number

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScoreColumn:
    """A column that a model adds: a probability on [0, 1], or any number."""

    name: str
    kind: ScoreKind
    model: str


@dataclass
class ScoreProfile:
    """The scores of one model output."""

    column: ScoreColumn
    rows: int = 0
    #: NaN: where a challenger has no score for a row.
    missing: int = 0
    minimum: float | None = None
    maximum: float | None = None
    moments: Moments = field(default_factory=Moments)
    #: On the reference's edges; None without a reference.
    histogram: Histogram | None = None

    @classmethod
    def empty(cls, column: ScoreColumn, reference: ReferenceColumn | None) -> Self:
        """The profile of no scores."""
        facts = reference.numeric if reference is not None else None
        return cls(column, histogram=None if facts is None or facts.minimum is None else Histogram(facts.grid))

    def add(self, values: Floats) -> None:
        """Count a batch of scores."""
        self.rows += int(values.size)
        absent = np.isnan(values)
        if absent.any():
            values = values[~absent]
            self.missing += int(absent.sum())
        if not values.size:
            return
        self._widen(float(values.min()) + 0.0, float(values.max()) + 0.0)
        self.moments.add(values)
        if self.histogram is not None:
            self.histogram.add(np.sort(values))

    def _widen(self, low: float | None, high: float | None) -> None:
        if low is not None:
            self.minimum = low if self.minimum is None else min(self.minimum, low)
        if high is not None:
            self.maximum = high if self.maximum is None else max(self.maximum, high)

    def merge(self, other: ScoreProfile) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it is of another column or on other bins."""
        if self.column != other.column or (self.histogram is None) != (other.histogram is None):
            message = f"profiles of the scores '{self.column.name}' and '{other.column.name}' cannot be merged"
            raise ValueError(message)
        self.rows += other.rows
        self.missing += other.missing
        self._widen(other.minimum, other.maximum)
        self.moments.merge(other.moments)
        if self.histogram is not None and other.histogram is not None:
            self.histogram.merge(other.histogram)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        column = self.column
        return {
            "name": column.name,
            "kind": column.kind,
            "model": column.model,
            "rows": self.rows,
            "missing": self.missing,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "moments": self.moments.to_json(),
            "histogram": None if self.histogram is None else self.histogram.to_json(),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], reference: ReferenceColumn | None) -> Self:
        """The profile that `to_json` wrote. Raises ValueError when it was counted on another reference's bins."""
        ends = stored_number(raw["minimum"]), stored_number(raw["maximum"])
        counts = stored_count(raw["rows"]), stored_count(raw["missing"]), *ends
        column = ScoreColumn(raw["name"], raw["kind"], raw["model"])
        profile = cls(column, *counts, Moments.from_json(raw["moments"]))
        if raw["histogram"] is not None:
            if reference is None or reference.numeric is None:
                message = f"the scores '{column.name}': their histogram needs the edges of a reference"
                raise ValueError(message)
            profile.histogram = Histogram.from_json(raw["histogram"], reference.numeric.grid)
            if int(profile.histogram.counts.sum()) != profile.rows - profile.missing:
                message = f"the scores '{column.name}': their histogram is of another number of rows"
                raise ValueError(message)
        return profile

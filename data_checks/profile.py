"""The night's profile: one mergeable value with everything that drift is judged from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.categories import CATEGORY_CAP
from data_checks.column_profile import ColumnProfile
from data_checks.columns import BatchColumns
from data_checks.histogram import Histogram
from data_checks.moments import Moments
from data_checks.reference import Kind, ReferenceColumn, ReferenceProfile, ScoreKind, kind_of
from schemas.contract import TableContract

Floats = npt.NDArray[np.float64]

FORMAT = "nightscore.profile"
VERSION = 2


@dataclass(frozen=True)
class ProfileColumn:
    """A feature column to profile."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class ScoreColumn:
    """A column that a model adds: a probability on [0, 1], or any number."""

    name: str
    kind: ScoreKind
    model: str


def profile_columns(contract: TableContract) -> tuple[ProfileColumn, ...]:
    """The contract's feature columns, in its order."""
    return tuple(ProfileColumn(column.name, kind_of(column.type)) for column in contract if column.role == "feature")


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
        counts = int(raw["rows"]), int(raw["missing"]), raw["minimum"], raw["maximum"]
        column = ScoreColumn(raw["name"], raw["kind"], raw["model"])
        profile = cls(column, *counts, Moments.from_json(raw["moments"]))
        if raw["histogram"] is not None:
            if reference is None or reference.numeric is None:
                message = f"the scores '{column.name}': their histogram needs the edges of a reference"
                raise ValueError(message)
            profile.histogram = Histogram.from_json(raw["histogram"], reference.numeric.grid)
        return profile


@dataclass
class Profile:
    """Feature columns and scores of the rows seen so far.

    `merge` is exactly commutative and associative and `Profile.empty` of the same arguments its identity, so the
    same batches give the same bits on any number of workers. The size is bounded by the number of columns.
    """

    #: Digest of the reference whose bins it counts on; None without one.
    reference: str | None
    columns: dict[str, ColumnProfile]
    scores: dict[str, ScoreProfile]
    rows_conformed: int = 0
    rows_scored: int = 0

    @classmethod
    def empty(
        cls,
        reference: ReferenceProfile | None,
        columns: Iterable[ProfileColumn],
        scores: Sequence[ScoreColumn] = (),
        category_cap: int = CATEGORY_CAP,
    ) -> Self:
        """The profile of no rows, counted on the reference's bins where there is one.

        `category_cap` as in `ColumnProfile.empty`.
        """
        known = {column.name: column for column in reference.columns} if reference is not None else {}
        known_scores = {score.name: score for score in reference.scores} if reference is not None else {}
        return cls(
            reference.digest if reference is not None else None,
            {
                column.name: ColumnProfile.empty(column.name, column.kind, known.get(column.name), category_cap)
                for column in columns
            },
            {score.name: ScoreProfile.empty(score, known_scores.get(score.name)) for score in scores},
        )

    def add_conformed(self, columns: BatchColumns) -> None:
        """Count a batch of conformed rows, before any is set aside: missing, range, unseen."""
        self.rows_conformed += columns.num_rows
        for column in self.columns.values():
            column.add_conformed(columns)

    def add_scored(self, columns: BatchColumns) -> None:
        """Count the input columns of a batch of rows that were scored: bins, categories, moments."""
        self.rows_scored += columns.num_rows
        for column in self.columns.values():
            column.add_scored(columns)

    def add_scores(self, name: str, values: Floats) -> None:
        """Count a batch of scores. Raises KeyError when the profile has no such score column."""
        self.scores[name].add(np.asarray(values, np.float64))

    def merge(self, other: Profile) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it was counted on another reference."""
        layout, theirs = ((one.reference, [*one.columns], [*one.scores]) for one in (self, other))
        if layout != theirs:
            message = "profiles of other columns or on another reference cannot be merged"
            raise ValueError(message)
        self.rows_conformed += other.rows_conformed
        self.rows_scored += other.rows_scored
        for name, column in other.columns.items():
            self.columns[name].merge(column)
        for name, score in other.scores.items():
            self.scores[name].merge(score)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible. The edges of the bins are not in it: they are those of the reference with that digest."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "reference": self.reference,
            "rows_conformed": self.rows_conformed,
            "rows_scored": self.rows_scored,
            "columns": [column.to_json() for column in self.columns.values()],
            "scores": [score.to_json() for score in self.scores.values()],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], reference: ReferenceProfile | None) -> Self:
        """The profile that `to_json` wrote. Raises ValueError when it is something else, or of another reference."""
        if (raw.get("format"), raw.get("version")) != (FORMAT, VERSION):
            message = (
                f"not a profile of version {VERSION}: format {raw.get('format')!r}, version {raw.get('version')!r}"
            )
            raise ValueError(message)
        if raw["reference"] != (None if reference is None else reference.digest):
            message = "the profile was counted on the bins of another reference"
            raise ValueError(message)
        column_of, score_of = (reference.column, reference.score) if reference is not None else (_none, _none)
        columns = {item["name"]: ColumnProfile.from_json(item, column_of(item["name"])) for item in raw["columns"]}
        scores = {item["name"]: ScoreProfile.from_json(item, score_of(item["name"])) for item in raw["scores"]}
        counts = int(raw["rows_conformed"]), int(raw["rows_scored"])
        return cls(raw["reference"], columns, scores, *counts)


def _none(_: str) -> None:
    return None

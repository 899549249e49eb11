"""What one column of a night looked like: presence over every conformed row, values over the rows that were scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.categories import CATEGORY_CAP, BatchCategories, CategoryTable, KnownCounts
from data_checks.columns import BatchColumns
from data_checks.histogram import Histogram
from data_checks.known_places import KnownPlaces
from data_checks.moments import Moments
from data_checks.reference import Kind, ReferenceColumn
from data_checks.stored_numbers import stored_count, stored_number

Floats = npt.NDArray[np.float64]


_COUNTS = ("rows", "nulls", "nans", "infinite", "outside")


@dataclass
class Presence:
    """Counts over rows, and the range of the finite values."""

    rows: int = 0
    nulls: int = 0
    nans: int = 0
    infinite: int = 0
    minimum: float | None = None
    maximum: float | None = None
    #: Values outside the reference's range, or of a category that it does not have. 0 without a reference.
    outside: int = 0

    @property
    def missing(self) -> int:
        """Rows whose value is null or NaN."""
        return self.nulls + self.nans

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `asdict` gave. Raises ValueError or KeyError on anything else."""
        found = cls(**{name: stored_count(raw[name]) for name in _COUNTS})
        found.minimum, found.maximum = stored_number(raw["minimum"]), stored_number(raw["maximum"])
        if max(found.missing, found.outside) > found.rows:
            message = f"{found.missing:,} values missing, {found.outside:,} outside, of {found.rows:,} rows"
            raise ValueError(message)
        return found

    def merge(self, other: Presence) -> None:
        """Add `other`, which stays as it is."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.widen(other.minimum, other.maximum)

    def widen(self, low: float | None, high: float | None) -> None:
        """Let the range hold these values too."""
        if low is not None and (self.minimum is None or low < self.minimum):
            self.minimum = low
        if high is not None and (self.maximum is None or high > self.maximum):
            self.maximum = high

    def add_numbers(self, present: Floats, limits: tuple[float, float] | None) -> None:
        """Count range, infinities and values outside the limits of a batch of present numbers."""
        if not present.size:
            return
        low, high = float(present.min()), float(present.max())
        if limits is not None and (low < limits[0] or high > limits[1]):
            self.outside += int(np.count_nonzero(present < limits[0]) + np.count_nonzero(present > limits[1]))
        if np.isinf(low) or np.isinf(high):
            finite = present[np.isfinite(present)]
            self.infinite += int(present.size - finite.size)
            if not finite.size:
                return
            low, high = float(finite.min()), float(finite.max())
        self.widen(low + 0.0, high + 0.0)  # -0.0 or 0.0 must not depend on which came first


@dataclass
class ColumnProfile:
    """One feature column. Which of the optional parts exist depends on its kind and on the reference only."""

    name: str
    kind: Kind
    presence: Presence = field(default_factory=Presence)
    scored_rows: int = 0
    scored_missing: int = 0
    #: The reference's range.
    limits: tuple[float, float] | None = None
    #: Numeric columns, scored rows.
    moments: Moments | None = None
    histogram: Histogram | None = None
    #: Categorical columns, scored rows: on the reference's categories, or all of them where there is no reference.
    known: KnownCounts | None = None
    table: CategoryTable | None = None
    #: Categories that the reference does not have, every conformed row.
    unseen: CategoryTable | None = None

    def __post_init__(self) -> None:
        self._known_places: KnownPlaces | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known_places": None}

    @classmethod
    def empty(cls, name: str, kind: Kind, reference: ReferenceColumn | None, category_cap: int = CATEGORY_CAP) -> Self:
        """The profile of no rows, counted on the reference's bins where it has a column of the same kind.

        Without them, categories are counted as long as there are no more than `category_cap`.
        """
        profile = cls(name, kind)
        numeric = reference.numeric if reference is not None else None
        categorical = reference.categorical if reference is not None else None
        if kind == "numeric":
            profile.moments = Moments()
            if numeric is not None and numeric.minimum is not None and numeric.maximum is not None:
                profile.histogram = Histogram(numeric.grid)
                profile.limits = (numeric.minimum, numeric.maximum)
        if kind == "categorical" and categorical is not None:
            profile.known = KnownCounts(categorical.names)
            profile.unseen = CategoryTable() if categorical.complete else None
        elif kind == "categorical":
            profile.table = CategoryTable(cap=category_cap)
        return profile

    def add_conformed(self, columns: BatchColumns) -> None:
        """Count a batch of conformed rows."""
        seen, nulls = self.presence, columns.array(self.name).null_count
        seen.rows += columns.num_rows
        seen.nulls += nulls
        seen.nans += columns.missing_count(self.name) - nulls
        if self.kind in ("numeric", "temporal"):
            seen.add_numbers(columns.present_numbers(self.name), self.limits)
        if self.unseen is not None:
            counted, places = self._placed(columns)
            names, counts = counted.table_of(places < 0)
            self.unseen.add(names, counts)
            seen.outside += sum(counts)

    def add_scored(self, columns: BatchColumns) -> None:
        """Count a batch of the rows that were scored."""
        self.scored_rows += columns.num_rows
        self.scored_missing += columns.missing_count(self.name)
        if self.moments is not None:
            self.moments.add(columns.present_numbers(self.name))
            if self.histogram is not None:
                self.histogram.add(columns.ascending_numbers(self.name))
        if self.known is not None:
            self.known.add(*self._placed(columns))
        if self.table is not None:
            self.table.add(*BatchCategories.count(*columns.codes(self.name)).table_of())

    def _placed(self, columns: BatchColumns) -> tuple[BatchCategories, npt.NDArray[np.int64]]:
        """(the batch's categories, their places among the reference's)."""
        if self._known_places is None:
            self._known_places = KnownPlaces(self.name, self.known.known if self.known is not None else ())
        return self._known_places.of(columns)

    def merge(self, other: ColumnProfile) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it was counted on other bins."""
        if (self.name, self.kind, self.limits) != (other.name, other.kind, other.limits):
            message = f"column '{self.name}': profiles with different references cannot be merged"
            raise ValueError(message)
        self.presence.merge(other.presence)
        self.scored_rows += other.scored_rows
        self.scored_missing += other.scored_missing
        for part in _PARTS:
            mine, theirs = getattr(self, part), getattr(other, part)
            if (mine is None) != (theirs is None):
                message = f"column '{self.name}': one profile has {part}, the other has not"
                raise ValueError(message)
            if mine is not None:
                mine.merge(theirs)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        parts = {part: getattr(self, part) for part in _PARTS}
        return {
            "name": self.name,
            "kind": self.kind,
            "presence": asdict(self.presence),
            "scored_rows": self.scored_rows,
            "scored_missing": self.scored_missing,
            "limits": None if self.limits is None else list(self.limits),
        } | {name: None if part is None else part.to_json() for name, part in parts.items()}

    @classmethod
    def from_json(cls, raw: dict[str, Any], reference: ReferenceColumn | None) -> Self:
        """The profile that `to_json` wrote. Raises ValueError when it was counted on another reference's bins."""
        limits = None
        if raw["limits"] is not None:
            low, high = map(stored_number, raw["limits"])
            limits = None if low is None or high is None else (low, high)
        counts = stored_count(raw["scored_rows"]), stored_count(raw["scored_missing"])
        profile = cls(raw["name"], raw["kind"], Presence.from_json(raw["presence"]), *counts, limits)
        for part, kind in _READERS.items():
            if raw[part] is not None:
                setattr(profile, part, kind.from_json(raw[part]))
        if raw["histogram"] is not None:
            if reference is None or reference.numeric is None:
                message = f"column '{profile.name}': its histogram needs the edges of a reference"
                raise ValueError(message)
            profile.histogram = Histogram.from_json(raw["histogram"], reference.numeric.grid)
        counted = profile._counted()
        if any(count != profile.scored_rows - profile.scored_missing for count in counted):
            message = f"column '{profile.name}': its counts are of another number of rows"
            raise ValueError(message)
        return profile

    def _counted(self) -> list[int]:
        """Values in each of the parts that count all of the scored rows' values."""
        found = [] if self.histogram is None else [int(self.histogram.counts.sum())]
        if self.known is not None:
            found.append(int(self.known.counts.sum()) + self.known.others)
        return found


_READERS: dict[str, type[Moments | KnownCounts | CategoryTable]] = {
    "moments": Moments,
    "known": KnownCounts,
    "table": CategoryTable,
    "unseen": CategoryTable,
}
#: The mergeable parts of a column's profile.
_PARTS = ("histogram", *_READERS)

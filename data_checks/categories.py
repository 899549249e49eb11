"""Counts of categories: of those that a reference knows, and of whatever comes, up to a cap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.stored_numbers import stored_count, stored_counts

#: Distinct categories that are told apart; a column with more gets no table.
CATEGORY_CAP = 1000


@dataclass
class CategoryTable:
    """Counts of any categories. Past the cap the table is dropped for good, whatever the order of merging."""

    counts: dict[str, int] = field(default_factory=dict)
    total: int = 0
    overflow: bool = False
    cap: int = CATEGORY_CAP

    def add(self, names: Iterable[str], counts: Iterable[int]) -> None:
        """Count `counts[i]` values of category `names[i]`."""
        for name, count in zip(names, counts, strict=True):
            self.total += count
            self.counts[name] = self.counts.get(name, 0) + count
        self._drop_past_the_cap()

    def merge(self, other: CategoryTable) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has another cap."""
        if self.cap != other.cap:
            message = f"category tables with caps {self.cap} and {other.cap} cannot be merged"
            raise ValueError(message)
        self.total += other.total
        self.overflow = self.overflow or other.overflow
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        self._drop_past_the_cap()

    def _drop_past_the_cap(self) -> None:
        if self.overflow or len(self.counts) > self.cap:
            self.overflow = True
            self.counts = {}

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; sorted by name."""
        ordered = dict(sorted(self.counts.items()))
        return {"counts": ordered, "total": self.total, "overflow": self.overflow, "cap": self.cap}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """The table that `to_json` wrote."""
        counts = {str(name): stored_count(count) for name, count in raw["counts"].items()}
        return cls(counts, stored_count(raw["total"]), bool(raw["overflow"]), stored_count(raw["cap"]))


@dataclass
class KnownCounts:
    """Counts of the categories that the reference has, in its order, and of all others together."""

    known: tuple[str, ...]
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    others: int = 0

    def __post_init__(self) -> None:
        if not self.counts.size:
            self.counts = np.zeros(len(self.known), np.int64)
        if len(self.counts) != len(self.known):
            message = f"{len(self.counts)} counts for {len(self.known)} categories"
            raise ValueError(message)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KnownCounts) or self.known != other.known or self.others != other.others:
            return False
        return bool((self.counts == other.counts).all())

    __hash__ = None  # type: ignore[assignment]  # it changes

    def add(self, counted: BatchCategories, places: npt.NDArray[np.int64]) -> None:
        """Count a batch whose dictionary entries stand at `places` among the known, -1 where unknown."""
        is_known = places >= 0
        np.add.at(self.counts, places[is_known], counted.counts[is_known])
        self.others += int(counted.counts[~is_known].sum())

    def merge(self, other: KnownCounts) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it knows other categories."""
        if self.known != other.known:
            message = "counts of different categories cannot be merged"
            raise ValueError(message)
        self.counts = self.counts + other.counts
        self.others += other.others

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible, in the reference's order."""
        return {"known": list(self.known), "counts": self.counts.tolist(), "others": self.others}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """The counts that `to_json` wrote."""
        return cls(tuple(map(str, raw["known"])), stored_counts(raw["counts"]), stored_count(raw["others"]))


@dataclass(frozen=True)
class BatchCategories:
    """The distinct categories of a batch with their counts, nulls left out."""

    names: pa.Array
    counts: npt.NDArray[np.int64]

    @classmethod
    def count(cls, codes: npt.NDArray[np.int32], dictionary: pa.Array) -> Self:
        """Of a dictionary-encoded column: codes with -1 where null. Booleans become `true` and `false`."""
        counts = np.bincount(codes + 1, minlength=len(dictionary) + 1)[1:].astype(np.int64)
        names = dictionary if pa.types.is_string(dictionary.type) else pc.cast(dictionary, pa.string())
        return cls(names, counts)

    def places(self, known: pa.Array) -> npt.NDArray[np.int64]:
        """Position of each name in `known`, -1 where it is not there."""
        found = pc.index_in(self.names, value_set=known).fill_null(-1)
        places: npt.NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
        return places

    def table_of(self, wanted: npt.NDArray[np.bool_] | None = None) -> tuple[list[str], list[int]]:
        """(names, counts) of the categories that occur; only the `wanted` where given."""
        occurs = self.counts > 0 if wanted is None else (self.counts > 0) & wanted
        if not occurs.any():
            return [], []
        rows = np.flatnonzero(occurs)
        return self.names.take(pa.array(rows)).to_pylist(), self.counts[rows].tolist()

"""How often each different value of a column occurs, while there are few enough different ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from data_checks.expectations.batch_values import Values, Words

#: Characters of all counted texts together.
MAX_TEXT = 4_000_000
#: Whole numbers within so narrow a range are counted by their place in it.
_NARROW = 65_536


@dataclass
class ValueCounts:
    """Counts of present values; -0.0 is 0.0. `merge` is exactly commutative and associative.

    Values in `pinned` are counted whatever happens. Of the others at most `cap` are, and 4 MB of text: past that they
    are forgotten for good, and only their number is kept.
    """

    cap: int
    pinned: frozenset[Any] = frozenset()
    #: By value; pinned ones only where they occurred.
    counts: dict[Any, int] = field(default_factory=dict)
    #: All values.
    total: int = 0
    overflow: bool = False

    @property
    def distinct(self) -> int | None:
        """How many different values there are; None where there were too many to tell."""
        return None if self.overflow else len(self.counts)

    def add_values(self, values: Values) -> None:
        """Count a batch of present numbers: ticks, Python integers, or floats without NaN."""
        self.total += len(values)
        if not len(values):
            return
        if self.overflow:
            self._add_pinned(values)
        else:
            self._add(*_counted(values))

    def add_words(self, words: Words) -> None:
        """Count a batch of texts; words that do not occur are not seen."""
        used = np.flatnonzero(words.counts)
        self.total += int(words.counts.sum())
        if self.overflow:
            used = np.array([place for place in used if words.distinct[int(place)].as_py() in self.pinned], np.int64)
        self._add([words.distinct[int(place)].as_py() for place in used], words.counts[used].tolist())

    def merge(self, other: ValueCounts) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has another cap or other pinned values."""
        if (self.cap, self.pinned) != (other.cap, other.pinned):
            message = f"value counts with caps {self.cap} and {other.cap}, or of other pinned values, cannot be merged"
            raise ValueError(message)
        self.total += other.total
        self.overflow |= other.overflow
        self._add(other.counts, other.counts.values())

    def _add_pinned(self, values: Values) -> None:
        for value in self.pinned:
            count = int(np.count_nonzero(values == value))
            if count:
                self.counts[value] = self.counts.get(value, 0) + count

    def _add(self, values: Iterable[Any], counts: Iterable[int]) -> None:
        for value, count in zip(values, counts, strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        if self.overflow or self._others() > self.cap or self._text() > MAX_TEXT:
            self.overflow = True
            self.counts = {value: count for value, count in self.counts.items() if value in self.pinned}

    def _others(self) -> int:
        if len(self.counts) <= self.cap:
            return 0
        return len(self.counts) - sum(value in self.counts for value in self.pinned)

    def _text(self) -> int:
        return sum(len(value) for value in self.counts if isinstance(value, str) and value not in self.pinned)

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible and strict: infinite values as text, in the values' order."""
        return {
            "cap": self.cap,
            "pinned": [_to_json(value) for value in sorted(self.pinned)],
            "counts": [[_to_json(value), self.counts[value]] for value in sorted(self.counts)],
            "text": any(isinstance(value, str) for value in (*self.counts, *self.pinned)),
            "total": self.total,
            "overflow": self.overflow,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        of = str if raw["text"] else _from_json
        counts = {of(value): int(count) for value, count in raw["counts"]}
        return cls(int(raw["cap"]), frozenset(map(of, raw["pinned"])), counts, int(raw["total"]), bool(raw["overflow"]))


def _counted(values: Values) -> tuple[list[Any], list[int]]:
    """The different values and how often each occurs."""
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low < _NARROW:
            places = (values.astype(np.int64) if high < 1 << 63 else values - np.uint64(low)) - (
                low if high < 1 << 63 else 0
            )
            counts = np.bincount(places.astype(np.int64))
            used = np.flatnonzero(counts)
            return [int(place) + low for place in used], counts[used].tolist()
    found, counts = np.unique(values + 0.0 if values.dtype.kind == "f" else values, return_counts=True)
    return found.tolist(), counts.tolist()


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _from_json(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value

"""How often each different value of a column occurs, while there are few enough different ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.expectations.batch_values import Values, Words

#: Bytes of all counted texts together, as UTF-8; those of pinned ones are not added.
MAX_TEXT_BYTES = 4_000_000
#: Whole numbers within so narrow a range are counted by their place in it, which is quicker than sorting them.
_NARROW = 65_536


@dataclass
class ValueCounts:
    """Counts of a column's present values: all of them text, whole numbers or floats. -0.0 is 0.0.

    Values in `pinned` are counted whatever happens. Of the others at most `cap` different ones are, with at most 4 MB
    of text. Once there are more, in all parts together, they are forgotten for good, and only `total` still tells how
    many values there were. So `merge` is exactly commutative and associative, and the empty counts its identity.
    """

    cap: int
    pinned: frozenset[Any] = frozenset()
    #: By value; only what occurred.
    counts: dict[Any, int] = field(default_factory=dict)
    #: All values, the forgotten ones too.
    total: int = 0
    #: Whether values were forgotten.
    overflow: bool = False

    def __post_init__(self) -> None:
        self.pinned = frozenset(value + 0.0 if isinstance(value, float) else value for value in self.pinned)

    @property
    def distinct(self) -> int | None:
        """How many different values there are; None where there were too many to tell."""
        return None if self.overflow else len(self.counts)

    def add_values(self, values: Values) -> None:
        """Count a batch of present numbers: ticks, Python integers, or floats. Raises ValueError for NaN."""
        if values.dtype.kind == "f":
            if np.isnan(values).any():
                message = "value counts take present values only, found NaN"
                raise ValueError(message)
            values = values + 0.0
        self.total += len(values)
        if self.overflow and values.dtype != object:
            values = values[self._are_pinned(pa.array(values), _of_dtype(self.pinned, values.dtype))]
        if len(values):
            self._add(*_counted(values))

    def add_words(self, words: Words) -> None:
        """Count a batch of texts. Words that do not occur are not seen, and one may be in the dictionary twice."""
        self.total += int(words.counts.sum())
        wanted = words.counts > 0
        if self.overflow:
            wanted &= self._are_pinned(words.distinct, list(self.pinned))
        found = words.distinct.filter(pa.array(wanted)).to_pylist()
        self._add(found, words.counts[wanted].tolist())

    def merge(self, other: ValueCounts) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has another cap or other pinned values."""
        if (self.cap, self.pinned) != (other.cap, other.pinned):
            message = f"value counts with caps {self.cap} and {other.cap}, or of other pinned values, cannot be merged"
            raise ValueError(message)
        self.total += other.total
        self.overflow |= other.overflow
        self._add(other.counts, other.counts.values())

    def _are_pinned(self, values: pa.Array, pinned: list[Any]) -> npt.NDArray[np.bool_]:
        """Shape (values,): True where one of `pinned`, which may come without those that cannot be in the column."""
        if not pinned:
            return np.zeros(len(values), np.bool_)
        found = pc.is_in(values, value_set=pa.array(pinned, values.type))
        return np.asarray(found.to_numpy(zero_copy_only=False))

    def _add(self, values: Iterable[Any], counts: Iterable[int]) -> None:
        before, known = len(self.counts), self.counts
        for value, count in zip(values, counts, strict=True):
            known[value] = known.get(value, 0) + count
        if self.overflow or (len(self.counts) > before and self._too_many()):
            self.overflow = True
            self.counts = {value: count for value, count in self.counts.items() if value in self.pinned}

    def _too_many(self) -> bool:
        others = self.counts.keys() - self.pinned
        return len(others) > self.cap or sum(map(_text_bytes, others)) > MAX_TEXT_BYTES

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible and strict, in the values' order; whole numbers exactly, infinite floats as text."""
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
    """The different numbers, of which there is one at least, and how often each occurs."""
    if values.dtype == object:
        counter = Counter(values.tolist())
        return list(counter), list(counter.values())
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low < _NARROW:
            return _counted_in_place(values, low)
    found, counts = np.unique(values, return_counts=True)
    return found.tolist(), counts.tolist()


def _counted_in_place(values: Values, low: int) -> tuple[list[Any], list[int]]:
    # Both wrap at 64 bits, and the difference comes out right; in the column's own width it might not.
    places = values.astype(np.uint64) - np.uint64(low % (1 << 64))
    counts = np.bincount(places.view(np.int64))
    used = np.flatnonzero(counts)
    return [place + low for place in used.tolist()], counts[used].tolist()


def _of_dtype(pinned: frozenset[Any], dtype: np.dtype[Any]) -> list[Any]:
    """Those that such a column can hold."""
    if dtype.kind == "f":
        return [float(value) for value in pinned]
    limits = np.iinfo(dtype)
    return [int(value) for value in pinned if limits.min <= value <= limits.max]


def _text_bytes(value: Any) -> int:
    if not isinstance(value, str):
        return 0
    return len(value) if value.isascii() else len(value.encode())


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _from_json(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value

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
import pyarrow.types as pt

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
        if values.dtype == object:
            counter = Counter(values.tolist())
            self._add(counter, counter.values())
            return
        if self.overflow:
            values = values[self._are_pinned(pa.array(values))]
        if len(values):
            found, counts = _counted(values)
            self._add_found(pa.array(found), counts)

    def add_words(self, words: Words) -> None:
        """Count a batch of texts. Words that do not occur are not seen, and one may be in the dictionary twice."""
        self.total += int(words.counts.sum())
        occurs = words.counts > 0
        self._add_found(words.distinct.filter(pa.array(occurs)), words.counts[occurs])

    def merge(self, other: ValueCounts) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has another cap or other pinned values."""
        if (self.cap, self.pinned) != (other.cap, other.pinned):
            message = f"value counts with caps {self.cap} and {other.cap}, or of other pinned values, cannot be merged"
            raise ValueError(message)
        self.total += other.total
        self.overflow |= other.overflow
        self._add(other.counts, other.counts.values())

    def _add_found(self, values: pa.Array, counts: npt.NDArray[np.int64]) -> None:
        limit = self.cap + len(self.pinned)
        # Seen here already where a batch alone has too many: a new state for each row group would else take in, and
        # forget, as many values as its first batch has rows.
        self.overflow = self.overflow or (len(values) > limit and pc.count_distinct(values).as_py() > limit)
        if self.overflow:
            pinned = self._are_pinned(values)
            values, counts = values.filter(pa.array(pinned)), counts[pinned]
        self._add(values.to_pylist(), counts.tolist())

    def _are_pinned(self, values: pa.Array) -> npt.NDArray[np.bool_]:
        """Shape (values,): True where pinned."""
        pinned = _of_type(self.pinned, values.type)
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


def _counted(values: Values) -> tuple[Values, npt.NDArray[np.int64]]:
    """The different numbers, of which there is one at least, and how often each occurs."""
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low < _NARROW:
            # Both wrap at 64 bits, so that their difference is right; in the column's own width it might not be.
            places = values.astype(np.uint64) - np.uint64(low % (1 << 64))
            counts = np.bincount(places.view(np.int64))
            used = np.flatnonzero(counts)
            return (used.astype(np.uint64) + np.uint64(low % (1 << 64))).astype(values.dtype), counts[used]
    return np.unique(values, return_counts=True)


def _of_type(pinned: frozenset[Any], kind: pa.DataType) -> list[Any]:
    """Those that such a column can hold."""
    if pt.is_floating(kind):
        return [float(value) for value in pinned]
    if not pt.is_integer(kind):
        return list(pinned)
    limits = np.iinfo(kind.to_pandas_dtype())
    return [value for value in pinned if limits.min <= value <= limits.max]


def _text_bytes(value: Any) -> int:
    if not isinstance(value, str):
        return 0
    return len(value) if value.isascii() else len(value.encode())


def _to_json(value: Any) -> Any:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _from_json(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value

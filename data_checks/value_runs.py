"""A column's values in order, whatever their number: each unit leaves a sorted file, and all are searched at once.

Values are kept as unsigned keys in the same order, so that files of floats and of whole numbers are searched alike.
A run may keep each value's row position beside it, at twice the size, so that the first rows of a kind can be named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from data_checks.expectations.batch_values import Positions, Values

NumberKind = Literal["float", "signed", "unsigned"]
Keys = npt.NDArray[np.uint64]
Test = Callable[[Values], npt.NDArray[np.bool_]]

_SIGN = np.uint64(1 << 63)
_ENTRY = np.dtype([("key", "<u8"), ("position", "<i8")])
#: dtype.kind of what is added to a run.
_DTYPES: dict[NumberKind, str] = {"float": "f", "signed": "i", "unsigned": "u"}
#: Entries that a search reads at once: 32 kB, or 64 with positions; and every how many one key stays in memory.
_STRETCH = 4096
#: Entries that are read at once where values are asked for.
_CHUNK = 65_536


def keys_of(values: Values, kind: NumberKind) -> Keys:
    """Keys in the values' order; -0.0 has that of 0.0. Raises TypeError for values that are not of that kind.

    Python integers are not: a decimal of more than 18 digits has no 64-bit key. Nothing is cast from one kind to
    another, since a whole number beyond 2**53 would be rounded and one beyond 2**63 would turn negative.
    """
    if values.dtype.kind == "O":
        message = "numbers of more than 64 bits cannot be kept in order"
        raise TypeError(message)
    if values.dtype.kind != _DTYPES[kind]:
        message = f"{values.dtype} values cannot be kept as {kind} numbers"
        raise TypeError(message)
    if kind == "unsigned":
        return values.astype(np.uint64)
    if kind == "signed":
        return values.astype(np.int64).view(np.uint64) ^ _SIGN
    bits = np.add(values, 0.0, dtype=np.float64).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def values_of(keys: Keys, kind: NumberKind) -> Values:
    """The values that the keys were made of: float64, int64 or uint64."""
    if kind == "unsigned":
        return keys
    if kind == "signed":
        return (keys ^ _SIGN).view(np.int64)
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float64)


class ValueRun:
    """The values seen so far. `merge` is commutative and associative as to what is written."""

    def __init__(self, kind: NumberKind, *, positions: bool = False) -> None:
        self.kind: NumberKind = kind
        self._keys: list[Keys] = []
        self._positions: list[Positions] | None = [] if positions else None

    def add(self, values: Values, positions: Positions | None = None) -> None:
        """Add a batch of present values, and their rows' positions where these are kept (elsewhere they are ignored).

        Raises TypeError for values of another kind and ValueError unless there is one position a value.
        """
        keys = keys_of(values, self.kind)
        if self._positions is not None:
            if positions is None or len(positions) != len(keys):
                message = f"{0 if positions is None else len(positions)} positions for {len(keys)} values"
                raise ValueError(message)
            self._positions.append(positions)
        self._keys.append(keys)

    def merge(self, other: ValueRun) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it is of another kind or keeps other things."""
        if self.kind != other.kind:
            message = f"runs of {self.kind} and {other.kind} numbers cannot be merged"
            raise ValueError(message)
        if (self._positions is None) != (other._positions is None):
            message = "a run with positions and one without cannot be merged"
            raise ValueError(message)
        self._keys += other._keys
        if self._positions is not None and other._positions is not None:
            self._positions += other._positions

    def write(self, folder: Path, unit: int, name: str) -> Path | None:
        """Write the sorted values; the file, or None when there are none. `name` tells attempts apart.

        The same values give the same bytes, in whatever order they were added.
        """
        entries = self._entries()
        if not len(entries):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"unit-{unit:06d}-{name}.npy"
        np.save(path, entries, allow_pickle=False)
        return path

    def _entries(self) -> npt.NDArray[Any]:
        keys = np.concatenate([np.zeros(0, np.uint64), *self._keys])
        if self._positions is None:
            keys.sort()
            return keys
        positions = np.concatenate([np.zeros(0, np.int64), *self._positions])
        order = np.lexsort((positions, keys))  # values repeat, unlike hashes: looking for ties first costs more
        entries = np.empty(len(order), _ENTRY)
        entries["key"], entries["position"] = keys[order], positions[order]
        return entries


class _Run:
    """One unit's file. Keeps every 4,096th key, and reads a stretch of the others where a search needs it.

    Nothing is mapped and nothing stays open: mapped pages count as the process's memory, and each mapping takes one of
    its file descriptors, of which a night with many units and rules has too few.
    """

    def __init__(self, path: Path) -> None:
        entries = np.load(path, mmap_mode="r", allow_pickle=False)
        self.positions = entries.dtype.names is not None
        keys = entries["key"] if self.positions else entries
        self.least, self.most = int(keys[0]), int(keys[-1])
        self._path, self._dtype, self._header, self._count = path, entries.dtype, entries.offset, len(entries)
        self._marks: Keys = np.array(keys[::_STRETCH])
        self._stretch: tuple[int, Keys] = (-1, self._marks[:0])

    def __len__(self) -> int:
        return self._count

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """The entries of [start, stop)."""
        start_byte = self._header + start * self._dtype.itemsize
        return np.fromfile(self._path, self._dtype, min(stop, self._count) - start, offset=start_byte)

    def places(self, first: int, last: int) -> tuple[int, int]:
        """(start, stop) of the entries with keys from `first` to `last`, both included."""
        return self.place(first, "left"), self.place(last, "right")

    def place(self, key: int, side: Literal["left", "right"]) -> int:
        """How many entries have a lower key, on the right side: this key or a lower one."""
        wanted = np.uint64(key)
        number = int(self._marks.searchsorted(wanted, side)) - 1
        if number < 0:
            return 0
        if number != self._stretch[0]:  # the next search is most often in the same one
            entries = self.read(number * _STRETCH, (number + 1) * _STRETCH)
            self._stretch = number, np.ascontiguousarray(entries["key"]) if self.positions else entries
        return number * _STRETCH + int(self._stretch[1].searchsorted(wanted, side))


class ValueRuns:
    """The sorted files of all units. A search reads a few stretches of each; none is read as a whole.

    A test that is passed here is put to any number between the column's least and greatest, and must change at most
    once as these grow; with a `pivot`, at most once below it and at most once from it on. Where it changes is found by
    the very test, so that what is counted is what passes when it is put to each value.
    """

    def __init__(self, paths: Sequence[Path], kind: NumberKind) -> None:
        self.kind: NumberKind = kind
        self._runs = [_Run(path) for path in paths]
        self._least = min((run.least for run in self._runs), default=0)
        self._most = max((run.most for run in self._runs), default=-1)

    def __len__(self) -> int:
        """How many values there are."""
        return sum(len(run) for run in self._runs)

    def at_rank(self, rank: int) -> Values:
        """Shape (1,): the value at that place in order, from 0. Raises IndexError beyond the end."""
        if not 0 <= rank < len(self):
            message = f"rank {rank} of {len(self)} values"
            raise IndexError(message)
        return self._value(_first_key(lambda key: self._up_to(key) > rank, self._least, self._most))

    def count_true(self, test: Test, pivot: float | None = None) -> int:
        """How many values pass."""
        ranges = self._true_keys(test, pivot)
        places = [run.places(first, last) for first, last in ranges for run in self._runs]
        return sum(stop - start for start, stop in places)

    def true_values(self, test: Test, pivot: float | None = None) -> Iterator[tuple[Values, Positions]]:
        """The values that pass and their rows' positions, at most 65,536 at a time, in no order.

        Raises ValueError when positions were not kept.
        """
        if not all(run.positions for run in self._runs):
            message = "these values were kept without their rows' positions"
            raise ValueError(message)
        ranges = self._true_keys(test, pivot)
        for run in self._runs:
            for start, stop in (run.places(first, last) for first, last in ranges):
                for place in range(start, stop, _CHUNK):
                    entries = run.read(place, min(place + _CHUNK, stop))
                    yield values_of(entries["key"].copy(), self.kind), entries["position"].copy()

    def _up_to(self, key: int) -> int:
        """How many values have this key or a lower one."""
        return sum(run.place(key, "right") for run in self._runs)

    def _true_keys(self, test: Test, pivot: float | None) -> list[tuple[int, int]]:
        """(first, last) of the keys whose values pass, both included."""
        cut = self._least
        if pivot is not None:
            cut = _first_key(lambda key: bool(self._value(key)[0] >= pivot), self._least, self._most)
        sides = ((self._least, cut - 1), (cut, self._most))
        found = [self._true_side(test, first, last) for first, last in sides if first <= last]
        return [(first, last) for first, last in found if first <= last]

    def _true_side(self, test: Test, first: int, last: int) -> tuple[int, int]:
        """The same between two keys, where the test changes at most once."""
        before = self._passes(test, first)
        change = _first_key(lambda key: self._passes(test, key) != before, first, last)
        return (first, change - 1) if before else (change, last)

    def _passes(self, test: Test, key: int) -> bool:
        return bool(test(self._value(key))[0])

    def _value(self, key: int) -> Values:
        """Shape (1,)."""
        return values_of(np.array([key], np.uint64), self.kind)


def _first_key(reached: Callable[[int], bool], low: int, high: int) -> int:
    """The first key from `low` to `high` for which `reached`, which once true stays so, is true; else high + 1."""
    high += 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return low

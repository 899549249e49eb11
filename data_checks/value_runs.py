"""A column's values in order, whatever their number: each unit leaves a sorted file, and all are searched at once.

Values are kept as unsigned keys in the same order, so that files of floats and of whole numbers are searched alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from data_checks.expectations.batch_values import Values

NumberKind = Literal["float", "signed", "unsigned"]
Keys = npt.NDArray[np.uint64]
Test = Callable[[Values], npt.NDArray[np.bool_]]

_SIGN = np.uint64(1 << 63)
_LAST_KEY = (1 << 64) - 1


def keys_of(values: Values, kind: NumberKind) -> Keys:
    """Keys in the values' order; -0.0 has that of 0.0. Raises TypeError for Python integers."""
    if values.dtype.kind == "O":
        message = "numbers of more than 64 bits cannot be kept in order"
        raise TypeError(message)
    if kind == "unsigned":
        return values.astype(np.uint64)
    if kind == "signed":
        return values.astype(np.int64).view(np.uint64) ^ _SIGN
    bits = (values.astype(np.float64) + 0.0).view(np.uint64)
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

    def __init__(self, kind: NumberKind) -> None:
        self.kind: NumberKind = kind
        self._keys: list[Keys] = []

    def add(self, values: Values) -> None:
        """Add a batch of present values."""
        self._keys.append(keys_of(values, self.kind))

    def merge(self, other: ValueRun) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it is of another kind."""
        if self.kind != other.kind:
            message = f"runs of {self.kind} and {other.kind} numbers cannot be merged"
            raise ValueError(message)
        self._keys += other._keys

    def write(self, folder: Path, unit: int, name: str) -> Path | None:
        """Write the sorted values; the file, or None when there are none. `name` tells attempts apart."""
        keys = np.sort(np.concatenate([np.zeros(0, np.uint64), *self._keys]))
        if not len(keys):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"unit-{unit:06d}-{name}.npy"
        np.save(path, keys, allow_pickle=False)
        return path


class ValueRuns:
    """The sorted files of all units. They are mapped, not read: a search touches a few pages of each."""

    def __init__(self, paths: Sequence[Path], kind: NumberKind) -> None:
        self.kind: NumberKind = kind
        self._runs: list[Keys] = [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]

    def __len__(self) -> int:
        """How many values there are."""
        return sum(len(run) for run in self._runs)

    def at_rank(self, rank: int) -> Values:
        """Shape (1,): the value at that place in order, from 0. Raises IndexError beyond the end."""
        if not 0 <= rank < len(self):
            message = f"rank {rank} of {len(self)} values"
            raise IndexError(message)
        key = _first_key(lambda key: self._up_to(key) > rank)
        return values_of(np.array([key], np.uint64), self.kind)

    def _up_to(self, key: int) -> int:
        """How many values have this key or a lower one."""
        return sum(int(np.searchsorted(run, np.uint64(key), side="right")) for run in self._runs)

    def count_true(self, test: Test, pivot: float | None = None) -> int:
        """How many values pass `test`, which must change at most once in the values' order.

        With a `pivot`, at most once below it and at most once from it on. The very test is applied to the values, so
        that the count is that of applying it to each of them.
        """
        return sum(self._true_in(run, test, pivot) for run in self._runs)

    def _true_in(self, run: Keys, test: Test, pivot: float | None) -> int:
        cut = 0 if pivot is None else self._first_from(run, pivot)
        return self._true_between(run, test, 0, cut) + self._true_between(run, test, cut, len(run))

    def _first_from(self, run: Keys, pivot: float) -> int:
        def reached(values: Values) -> npt.NDArray[np.bool_]:
            return np.asarray(values >= pivot)

        return 0 if self._passes(run, reached, 0) else self._change(run, reached, 0, len(run))

    def _true_between(self, run: Keys, test: Test, start: int, stop: int) -> int:
        if start == stop:
            return 0
        place = self._change(run, test, start, stop)
        return place - start if self._passes(run, test, start) else stop - place

    def _change(self, run: Keys, test: Test, start: int, stop: int) -> int:
        """The first place in [start, stop) where the test differs from that at `start`; stop when there is none."""
        before = self._passes(run, test, start)
        low, high = start, stop
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._passes(run, test, middle) == before else (low, middle)
        return low

    def _passes(self, run: Keys, test: Test, place: int) -> bool:
        return bool(test(values_of(np.array(run[place : place + 1]), self.kind))[0])


def _first_key(reached: Callable[[int], bool]) -> int:
    """The lowest key for which `reached`, which once true stays so, is true."""
    low, high = 0, _LAST_KEY
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return low

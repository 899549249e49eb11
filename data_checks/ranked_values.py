"""Values in sorted files, searched at many places at once: by their rank, and their rank by the value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from data_checks.grid import Floats
from data_checks.value_runs import Keys, keys_of, values_of

Ranks = npt.NDArray[np.int64]

#: More files than this are read into memory, since each mapping takes a file descriptor of the process.
_MAPPED = 256
_LARGEST = float(np.finfo(np.float64).max)


class RankedValues:
    """All values of a column without NaN, from runs that are each in order. Infinite ones are at the ends.

    Every answer is of the values together: it does not depend on how they are shared out over the runs.
    """

    def __init__(self, runs: Sequence[Keys]) -> None:
        self._runs = [run for run in runs if len(run)]

    @classmethod
    def of_values(cls, values: Floats) -> Self:
        """Of values in memory, in any order."""
        return cls([np.sort(keys_of(values, "float"))])

    @classmethod
    def of_files(cls, paths: Sequence[Path]) -> Self:
        """Of files that `ValueRun` wrote of floats, without positions."""
        mode: Literal["r"] | None = "r" if len(paths) <= _MAPPED else None
        return cls([np.load(path, mmap_mode=mode, allow_pickle=False) for path in paths])

    def __len__(self) -> int:
        """How many values there are."""
        return sum(len(run) for run in self._runs)

    def finite_ranks(self) -> tuple[int, int]:
        """(first, stop) of the ranks whose values are finite."""
        return int(self.below(np.array([-_LARGEST]))[0]), int(self.up_to(np.array([_LARGEST]))[0])

    def below(self, values: Floats) -> Ranks:
        """Shape (values,): how many values are less than each."""
        return self._places(keys_of(values, "float"), "left")

    def up_to(self, values: Floats) -> Ranks:
        """Shape (values,): how many values are less than or equal to each."""
        return self._places(keys_of(values, "float"), "right")

    def at_ranks(self, ranks: Ranks) -> Floats:
        """Shape (ranks,): the values at those places in order, from 0. Raises IndexError beyond the ends."""
        ranks = np.asarray(ranks, np.int64)
        if ranks.size and not (ranks.min() >= 0 and ranks.max() < len(self)):
            message = f"ranks {ranks.min()} to {ranks.max()} of {len(self)} values"
            raise IndexError(message)
        if len(self._runs) <= 1:
            return values_of(self._runs[0][ranks] if self._runs else np.zeros(0, np.uint64), "float")
        low = np.full(ranks.shape, min(run[0] for run in self._runs), np.uint64)
        high = np.full(ranks.shape, max(run[-1] for run in self._runs), np.uint64)
        while (low < high).any():
            middle = low + (high - low) // np.uint64(2)
            reached = self._places(middle, "right") > ranks
            low, high = np.where(reached, low, middle + np.uint64(1)), np.where(reached, middle, high)
        return values_of(low, "float")

    def between(self, start: float, stop: float) -> Floats:
        """The values of [start, stop), in no order."""
        ends = keys_of(np.array([start, stop]), "float")
        pieces = [run[slice(*np.searchsorted(run, ends, side="left"))] for run in self._runs]
        return values_of(np.concatenate([np.zeros(0, np.uint64), *pieces]), "float")

    def _places(self, keys: Keys, side: Literal["left", "right"]) -> Ranks:
        total = np.zeros(keys.shape, np.int64)
        for run in self._runs:
            total += np.searchsorted(run, keys, side=side)
        return total

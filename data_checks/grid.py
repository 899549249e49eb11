"""Frozen edges, and the counts between them of values that are already in order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Grid:
    """Ascending edges of `len(edges) + 1` bins, the outer ones open. Bin i is `edges[i-1] <= x < edges[i]`.

    Values are counted in order, by a binary search per edge: sorting 32,768 values and searching 1,000 edges in them
    takes 6 to 16 ns a value, searching each value among the edges 17 to 83.
    """

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self._array: Floats = np.asarray(edges, np.float64)
        if not (self._array[:-1] < self._array[1:]).all():
            message = "the edges must ascend"
            raise ValueError(message)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Grid) and self.edges == other.edges)

    def __hash__(self) -> int:
        return hash(self.edges)

    def __len__(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 1

    def place(self, value: float) -> int:
        """The bin of one number."""
        return int(np.searchsorted(self._array, value, side="right"))

    def counts(self, ascending: Floats) -> Counts:
        """Shape (bins,): how many of the values, which ascend and hold no NaN, fall in each bin."""
        return between(np.searchsorted(ascending, self._array, side="left"), len(ascending))

    def onto(self, counts: Counts, edges: tuple[float, ...]) -> Counts:
        """Shape (edges + 1,): the same counts on some of the edges. Raises ValueError for an edge that is not here."""
        places = np.searchsorted(self._array, np.asarray(edges, np.float64), side="left")
        if any(
            place == len(self.edges) or self.edges[place] != edge for place, edge in zip(places, edges, strict=True)
        ):
            message = "counts can be brought onto edges of the same grid only"
            raise ValueError(message)
        below = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return between(below[places + 1], int(below[-1]))


def between(below: npt.NDArray[np.integer], total: int) -> Counts:
    """Shape (edges + 1,): counts of the bins, from how many of `total` values lie below each edge."""
    counts = np.empty(len(below) + 1, np.int64)
    counts[:-1], counts[-1] = below, total
    counts[1:] -= below
    return counts

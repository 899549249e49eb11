"""Counts of numbers on frozen edges, and the choice of those edges from reference data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

#: Up to so many edges one comparison per edge is faster than a binary search per value (measured: 3 against 24 ns a
#: value at 9 edges).
_COMPARED_EDGES = 64
#: Equal bins on [0, 1] that probabilities are shown on.
UNIT_BINS = 20
UNIT_EDGES = tuple(number / UNIT_BINS for number in range(1, UNIT_BINS))


@dataclass
class Histogram:
    """Counts of values in `len(edges) + 1` bins.

    Bin 0 is everything below `edges[0]`, -infinity included; bin i is `edges[i-1] <= x < edges[i]`; the last bin is
    everything from the last edge on, +infinity included. So no value is ever outside, and a value on an edge belongs
    to the bin above it (as in `numpy.histogram`).
    """

    edges: tuple[float, ...]
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if not self.counts.size:
            self.counts = np.zeros(len(self.edges) + 1, np.int64)
        if len(self.counts) != len(self.edges) + 1 or not all(low < high for low, high in pairwise(self.edges)):
            message = (
                f"{len(self.counts)} counts for {len(self.edges)} edges, which must ascend: one count more than edges"
            )
            raise ValueError(message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.edges == other.edges and bool((self.counts == other.counts).all())

    __hash__ = None  # type: ignore[assignment]  # it changes

    def add(self, values: Floats) -> None:
        """Count a batch of present values (no NaN)."""
        self.counts += bin_counts(values, self.edges)

    def merge(self, other: Histogram) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has other edges."""
        if self.edges != other.edges:
            message = "histograms on different edges cannot be merged"
            raise ValueError(message)
        self.counts = self.counts + other.counts

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; the outer edges are infinite and not listed."""
        return {"edges": list(self.edges), "counts": self.counts.tolist()}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """The histogram that `to_json` wrote."""
        return cls(tuple(map(float, raw["edges"])), np.array(raw["counts"], np.int64))


def bin_counts(values: Floats, edges: tuple[float, ...]) -> Counts:
    """Shape (edges + 1,): how many of the values fall in each bin, by the convention of `Histogram`."""
    if len(edges) > _COMPARED_EDGES:
        places = np.searchsorted(np.asarray(edges), values, side="right")
        return np.bincount(places, minlength=len(edges) + 1).astype(np.int64)
    at_least = np.empty(len(edges) + 2, np.int64)
    at_least[0], at_least[-1] = values.size, 0
    reached = np.empty(values.shape, np.bool_)
    for number, edge in enumerate(edges, start=1):
        at_least[number] = np.count_nonzero(np.greater_equal(values, edge, out=reached))
    return at_least[:-1] - at_least[1:]


@dataclass(frozen=True)
class Cuts:
    """Frozen edges for a column, and the atoms among its bins: the bin that starts at an atom holds that value only."""

    edges: tuple[float, ...]
    atoms: tuple[float, ...]


def quantile_cuts(ascending: Floats, bins: int) -> Cuts:
    """Edges that cut the finite, ascending values into about `bins` bins of equal counts.

    A value with a share above 1/bins is an atom: a bin of its own, from the value to the next float. The values
    between two atoms get `round(bins * their share)` bins, at least one. An edge is always a value that occurs, so no
    bin between two edges is empty by interpolation; equal edges are merged.
    """
    edges: list[float] = []
    atoms: list[float] = []
    for start, stop, is_atom in _stretches(ascending, bins):
        if is_atom:
            value = float(ascending[start])
            atoms.append(value)
            edges += [value, _next_float(value)]
        else:
            parts = max(1, (2 * (stop - start) * bins + len(ascending)) // (2 * len(ascending)))
            inner = [float(ascending[start + (stop - start) * part // parts]) for part in range(1, parts)]
            edges += [edge for edge in inner if edge > ascending[start]]
    finite = {edge + 0.0 for edge in edges if math.isfinite(edge)}  # -0.0 and 0.0 are one edge
    return Cuts(tuple(sorted(finite)), tuple(atom + 0.0 for atom in atoms))


def _stretches(ascending: Floats, bins: int) -> Iterator[tuple[int, int, bool]]:
    """(start, stop, is an atom) of the atoms and of what lies between them, in order."""
    size = len(ascending)
    if not size:
        return
    # An atom covers more than size/bins neighbours, so some multiple of that step lies within it.
    candidates = np.unique(ascending[:: max(1, size // bins)])
    starts = np.searchsorted(ascending, candidates, side="left")
    stops = np.searchsorted(ascending, candidates, side="right")
    done = 0
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if (stop - start) * bins > size:
            if start > done:
                yield done, start, False
            yield start, stop, True
            done = stop
    if done < size:
        yield done, size, False


def _next_float(value: float) -> float:
    """The next float; past zero the smallest normal one, as code that flushes denormals would lose the other."""
    return float(np.finfo(np.float64).tiny) if value == 0 else math.nextafter(value, math.inf)

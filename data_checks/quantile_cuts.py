"""The choice of frozen edges from reference data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_checks.grid import Floats
from data_checks.ranked_values import RankedValues


@dataclass(frozen=True)
class Cuts:
    """Frozen edges for a column, and the atoms among its bins: the bin that starts at an atom holds that value only."""

    edges: tuple[float, ...]
    atoms: tuple[float, ...]


def quantile_cuts(ascending: Floats, bins: int) -> Cuts:
    """`cuts_of` values that are all in memory, finite and in order."""
    return cuts_of(RankedValues.of_values(ascending), bins)


def cuts_of(values: RankedValues, bins: int) -> Cuts:
    """Edges that cut the finite values into about `bins` bins of equal counts.

    A value with a share above 1/bins is an atom: a bin of its own, from the value to the next float. The values
    between two atoms get `round(bins * their share)` bins, at least one. An edge is always a value that occurs, so no
    bin between two edges is empty by interpolation; equal edges are merged.
    """
    first, stop = values.finite_ranks()
    size = stop - first
    edges: list[float] = []
    atoms: list[float] = []
    wanted: list[int] = []
    starts: list[int] = []
    for begin, end, is_atom in _stretches(values, bins, first, stop):
        if is_atom:
            value = float(values.at_ranks(np.array([begin]))[0])
            atoms.append(value)
            edges += [value, _next_float(value)]
        else:
            parts = max(1, (2 * (end - begin) * bins + size) // (2 * size))
            inner = [begin + (end - begin) * part // parts for part in range(1, parts)]
            wanted += inner
            starts += [begin] * len(inner)
    if wanted:
        found = values.at_ranks(np.array([*wanted, *starts])).tolist()
        inner_edges, least = found[: len(wanted)], found[len(wanted) :]
        edges += [edge for edge, low in zip(inner_edges, least, strict=True) if edge > low]
    finite = {edge + 0.0 for edge in edges if math.isfinite(edge)}  # -0.0 and 0.0 are one edge
    return Cuts(tuple(sorted(finite)), tuple(atom + 0.0 for atom in atoms))


def _stretches(values: RankedValues, bins: int, first: int, stop: int) -> Iterator[tuple[int, int, bool]]:
    """(first rank, stop rank, is an atom) of the atoms and of what lies between them, in order."""
    size = stop - first
    if not size:
        return
    # An atom covers more than size/bins neighbours, so some multiple of that step lies within it.
    candidates = np.unique(values.at_ranks(np.arange(first, stop, max(1, size // bins))))
    begins, ends = values.below(candidates), values.up_to(candidates)
    done = first
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if (end - begin) * bins > size:
            if begin > done:
                yield done, begin, False
            yield begin, end, True
            done = end
    if done < stop:
        yield done, stop, False


def _next_float(value: float) -> float:
    """The next float; past zero the smallest normal one, as code that flushes denormals would lose the other."""
    return float(np.finfo(np.float64).tiny) if value == 0 else math.nextafter(value, math.inf)

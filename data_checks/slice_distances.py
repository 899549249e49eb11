"""The distances of many columns in all slices at once, each to rounding: what `Distances` are of one column.

Judged one by one, 300 columns in 100 slices cost seconds, and nearly all of them are as in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from data_checks.distances import NOISE_LEVEL, PSI_FLOOR
from data_checks.distribution_tests import LEAST_EXPECTED

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
#: One column's counts on both sides, of shape (slices, bins + 1) with the missing ones last.
Pair = tuple[Counts, Counts]


@dataclass(frozen=True)
class SideBySide:
    """The cells of several columns side by side, shape (slices, all cells); numbers are (slices, columns).

    A column's last cell is empty, its values are `missing`: so no column is without cells.
    """

    before: Floats
    now: Floats
    missing: tuple[Floats, Floats]
    #: Where each column begins, and how many cells it has.
    starts: npt.NDArray[np.intp]
    widths: npt.NDArray[np.intp]

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Self:
        """Of one column at least; counts beyond 2**53 are rounded."""
        widths = np.array([pair[0].shape[1] for pair in pairs], np.intp)
        ends = np.cumsum(widths)
        before, now = (np.concatenate(side, axis=1).astype(np.float64) for side in zip(*pairs, strict=True))
        missing = before[:, ends - 1], now[:, ends - 1]
        before[:, ends - 1] = now[:, ends - 1] = 0.0
        return cls(before, now, missing, ends - widths, widths)

    @property
    def present(self) -> tuple[Floats, Floats]:
        """How many values each side has."""
        return self.sum(self.before), self.sum(self.now)

    def sum(self, cells: Floats | Flags) -> Floats:
        """Over each column's cells."""
        return np.add.reduceat(cells, self.starts, axis=1, dtype=np.float64)

    def least(self, cells: Floats) -> Floats:
        """The smallest of each column's cells."""
        return np.minimum.reduceat(cells, self.starts, axis=1)

    def spread(self, numbers: Floats) -> Floats:
        """A column's number for each of its cells."""
        return np.repeat(numbers, self.widths, axis=1)


@dataclass(frozen=True)
class ManyDistances:
    """Shape (slices, columns); they mean nothing where a side has no value."""

    psi: Floats
    noise: Floats
    #: 1 where there are too few values for one.
    p_value: Floats
    #: Squared, as the root of a rounded zero is none.
    js_squared: Floats

    @classmethod
    def of(cls, columns: SideBySide) -> Self:
        """Of all columns in all slices."""
        n, m = (np.maximum(side, 1.0) for side in columns.present)
        p, q = columns.before / columns.spread(n), columns.now / columns.spread(m)
        floored, floored_now = np.maximum(p, PSI_FLOOR), np.maximum(q, PSI_FLOOR)
        psi = columns.sum((floored_now - floored) * np.log(floored_now / floored))
        return cls(psi, _noise(columns, n, m), _p_value(columns, n, m), _js_squared(columns, p, q))


def _noise(columns: SideBySide, n: Floats, m: Floats) -> Floats:
    """`psi_noise`."""
    from scipy.special import chdtri  # noqa: PLC0415  # as in distances: only a run with drift need pay for it

    filled = columns.sum(columns.before + columns.now > 0)
    degrees, places = np.unique(filled - 1, return_inverse=True)
    quantiles = np.where(degrees < 1, 0.0, chdtri(np.maximum(degrees, 1), 1 - NOISE_LEVEL))
    return np.asarray(quantiles[places.reshape(n.shape)] * (1 / n + 1 / m))


def _js_squared(columns: SideBySide, p: Floats, q: Floats) -> Floats:
    """`js_distance_base2` squared."""
    middle = (p + q) / 2
    logs = [np.log2(np.divide(side, middle, out=np.ones_like(side), where=side > 0)) for side in (p, q)]
    return columns.sum(p * logs[0] + q * logs[1]) / 2


def _p_value(columns: SideBySide, n: Floats, m: Floats) -> Floats:
    """`chi_square` with its pooling."""
    from scipy.special import chdtrc  # noqa: PLC0415  # as above

    a, b = columns.before, columns.now
    least = LEAST_EXPECTED * (n + m) / np.minimum(n, m)
    kept = a + b >= columns.spread(least)
    rare_a, rare_b = columns.sum(np.where(kept, 0.0, a)), columns.sum(np.where(kept, 0.0, b))
    rare, groups = rare_a + rare_b > 0, columns.sum(kept)
    joins = rare & (rare_a + rare_b < least) & (groups > 0)
    small_a, small_b = (np.where(joins, cell, 0.0) for cell in _smallest(columns, kept))
    terms = np.where(kept, _term(a, b, columns.spread(n), columns.spread(m)), 0.0)
    statistic = columns.sum(terms) - _term(small_a, small_b, n, m) + _term(rare_a + small_a, rare_b + small_b, n, m)
    degrees = groups - joins + rare - 1
    return np.where(degrees > 0, chdtrc(np.maximum(degrees, 1), np.maximum(statistic, 0.0)), 1.0)


def _smallest(columns: SideBySide, kept: Flags) -> tuple[Floats, Floats]:
    """The kept cell with the fewest values, of several the one with the fewest reference values; 0 where none is."""
    total = np.where(kept, columns.before + columns.now, np.inf)
    fewest = columns.least(total)
    a = columns.least(np.where(total == columns.spread(fewest), columns.before, np.inf))
    some = np.isfinite(fewest)
    return np.where(some, a, 0.0), np.where(some, fewest, 0.0) - np.where(some, a, 0.0)


def _term(a: Floats, b: Floats, n: Floats, m: Floats) -> Floats:
    """One cell's part of chi-square, 0 of an empty one."""
    return (a * m - b * n) ** 2 / (n * m * np.maximum(a + b, 1.0))

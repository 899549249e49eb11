"""Columns and scores counted apart for each value of a slice column, such as each carrier: one mergeable value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_checks.float_sums import FloatSums
from data_checks.stored_numbers import stored_count, stored_counts

Codes = npt.NDArray[np.integer[Any]]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: The last two values of every slice column: whatever has no slice of its own, and null.
OTHER = "__other__"
MISSING = "__missing__"
#: Cells of a matrix that is read: 202 slices have 1,000 bins at most.
_LARGEST_MATRIX = 1 << 20
#: What the integers of FloatSums count.
_UNIT = Fraction(1, 2**1074)


@dataclass
class ScoreCounts:
    """One score column, slice by slice."""

    #: Shape (slices, bins + 1): scores per bin, and in the last column the rows without a score.
    counts: Counts
    #: Of the scores, per slice.
    sums: FloatSums

    @classmethod
    def empty(cls, size: int, bins: int) -> Self:
        """Of no rows in so many slices."""
        return cls(np.zeros((size, bins + 1), np.int64), FloatSums(size))


@dataclass(eq=False)
class SliceProfile:
    """Counts for each value ("slice") of one column, on bins that the caller chooses and numbers.

    `merge` is exactly commutative and associative and `SliceProfile.empty` of the same arguments its identity. Scores
    are rounded in the sums within a batch only, in row order: batches cut at the same rows give the same bits. The
    size is slices times bins, whatever the number of rows.
    """

    slice_column: str
    #: Fixed; the last two are `__other__` and `__missing__`.
    values: tuple[str, ...]
    #: Rows per slice.
    rows: Counts
    #: Column to shape (slices, bins + 1): values per bin, and in the last column the missing ones.
    columns: dict[str, Counts]
    scores: dict[str, ScoreCounts]

    def __post_init__(self) -> None:
        if self.values[-2:] != (OTHER, MISSING) or len(set(self.values)) != len(self.values):
            message = f"slice column '{self.slice_column}': the values must differ and end with {OTHER} and {MISSING}"
            raise ValueError(message)
        for name in self.columns.keys() & self.scores.keys():
            message = f"slice column '{self.slice_column}': '{name}' is a column and a score"
            raise ValueError(message)

    @classmethod
    def empty(
        cls, slice_column: str, values: Sequence[str], columns: Mapping[str, int], scores: Mapping[str, int]
    ) -> Self:
        """The profile of no rows; `columns` and `scores` have the number of bins of each.

        Raises ValueError unless the values differ and end with `__other__` and `__missing__`, and a name is not both.
        """
        size = len(values)
        return cls(
            slice_column,
            tuple(values),
            np.zeros(size, np.int64),
            {name: np.zeros((size, bins + 1), np.int64) for name, bins in columns.items()},
            {name: ScoreCounts.empty(size, bins) for name, bins in scores.items()},
        )

    def add_rows(self, slice_codes: Codes, bin_codes: Mapping[str, Codes]) -> None:
        """Count a batch: each row's place in `values`, and of every column each row's bin, -1 where it is missing.

        Raises ValueError on a code outside its range, on columns that are not exactly this profile's, and on lengths
        that differ; nothing is counted then.
        """
        if bin_codes.keys() != self.columns.keys():
            message = f"bins of the columns {sorted(bin_codes)} for a profile of {sorted(self.columns)}"
            raise ValueError(message)
        places = _SlicePlaces(self.slice_column, len(self.values), slice_codes)
        found = {name: places.counted(name, codes, self.columns[name]) for name, codes in bin_codes.items()}
        self.rows += np.bincount(places.codes, minlength=len(self.values))
        for name, counts in found.items():
            self.columns[name] += counts

    def add_scores(self, slice_codes: Codes, name: str, values: Floats, bin_codes: Codes) -> None:
        """Count a batch of one score column; the bin is -1 where a row has no score, and its value is not looked at.

        The rows are those that `add_rows` counts, and are not counted again. Raises KeyError when there is no such
        score column, ValueError as `add_rows`, and where a score that has a bin is not finite; nothing is counted then.
        """
        score = self.scores[name]
        places = _SlicePlaces(self.slice_column, len(self.values), slice_codes)
        counts, present = places.counted(name, bin_codes, score.counts), np.where(bin_codes >= 0, values, 0.0)
        if not np.isfinite(present).all():
            message = f"score '{name}': a score that has a bin is NaN or infinite"
            raise ValueError(message)
        score.counts += counts
        for sums in _sums(places.codes, present, len(self.values)):
            score.sums.add(sums)

    def counts(self, name: str) -> Counts:
        """The matrix of a column or score, shape (slices, bins + 1). Raises KeyError where there is none."""
        return self.scores[name].counts if name in self.scores else self.columns[name]

    def score_means(self, name: str) -> tuple[float | None, ...]:
        """Mean of a score column in each slice, rounded once, in the order of `values`; None where it has no score."""
        score = self.scores[name]
        pairs = zip(score.sums.scaled, score.counts[:, :-1].sum(axis=1).tolist(), strict=True)
        return tuple(_float(Fraction(total, count) * _UNIT) if count else None for total, count in pairs)

    def merge(self, other: SliceProfile) -> None:
        """Add `other`, which stays as it is. Raises ValueError when it has other slices, columns or bins."""
        if self._layout() != other._layout():
            message = f"slices of '{self.slice_column}' and '{other.slice_column}' with other values or bins: no merge"
            raise ValueError(message)
        self.rows += other.rows
        for name, counts in other.columns.items():
            self.columns[name] += counts
        for name, score in other.scores.items():
            self.scores[name].counts += score.counts
            self.scores[name].sums.merge(score.sums)

    def _layout(self) -> tuple[object, ...]:
        columns = {name: counts.shape for name, counts in self.columns.items()}
        return (
            self.slice_column,
            self.values,
            columns,
            {name: score.counts.shape for name, score in self.scores.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; of a matrix that is mostly zeros only the other cells."""
        return {
            "slice_column": self.slice_column,
            "values": list(self.values),
            "rows": self.rows.tolist(),
            "columns": {name: _matrix_json(counts) for name, counts in self.columns.items()},
            "scores": {
                name: _matrix_json(score.counts) | {"sums": score.sums.to_json()} for name, score in self.scores.items()
            },
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """The profile that `to_json` wrote. Raises ValueError or KeyError on counts that do not fit each other."""
        values = tuple(map(str, raw["values"]))
        size = len(values)
        columns = {name: _matrix(name, item, size) for name, item in raw["columns"].items()}
        scores = {
            name: ScoreCounts(_matrix(name, item, size), FloatSums.from_json(item["sums"]))
            for name, item in raw["scores"].items()
        }
        rows = _counts(raw["rows"])
        sizes = [0 if rows is None else len(rows), *(score.sums.size for score in scores.values())]
        if rows is None or sizes != [size] * len(sizes):
            message = (
                f"slice column '{raw['slice_column']}': not one count of rows and one sum for each of {size} values"
            )
            raise ValueError(message)
        return cls(str(raw["slice_column"]), values, rows, columns, scores)


def _float(exact: Fraction) -> float | None:
    try:
        return float(exact)
    except OverflowError:  # no mean of scores is so large: the sum is none of theirs
        return None


class _SlicePlaces:
    """The slice of each row of a batch, and what follows from it for any column."""

    def __init__(self, slice_column: str, size: int, codes: Codes) -> None:
        _check_range(slice_column, codes, (0, size))
        self.size = size
        self.codes = codes.astype(np.int64, copy=False)
        #: Bins to each row's first cell: most columns have the same number of bins.
        self._starts: dict[int, Counts] = {}

    def counted(self, name: str, bins: Codes, like: Counts) -> Counts:
        """Counts of the shape of `like`, a column's whole matrix."""
        if bins.shape != self.codes.shape:
            message = f"column '{name}': bins of shape {bins.shape} for slices of shape {self.codes.shape}"
            raise ValueError(message)
        width = like.shape[1]
        _check_range(name, bins, (-1, width - 1))
        if width not in self._starts:
            self._starts[width] = self.codes * width + 1
        # Missing (-1) falls into the first cell of its slice; turning the small matrix is cheaper than the rows.
        cells = np.bincount(self._starts[width] + bins, minlength=like.size)
        return np.roll(cells.reshape(like.shape), -1, axis=1)


def _sums(slices: Counts, values: Floats, size: int) -> Iterator[list[float]]:
    """Per slice the sum of the finite values; in parts where a sum would be beyond float64."""
    sums = np.bincount(slices, values, size)
    if np.isfinite(sums).all():
        yield sums.tolist()
        return
    half = len(values) // 2
    for part in (slice(half), slice(half, None)):
        yield from _sums(slices[part], values[part], size)


def _check_range(name: str, codes: Codes, limits: tuple[int, int]) -> None:
    """A code too large would be counted in the next slice without a word."""
    if codes.dtype.kind not in "iu" or (codes.size and (codes.min() < limits[0] or codes.max() >= limits[1])):
        message = f"column '{name}': a code is not a whole number from {limits[0]} to {limits[1] - 1}"
        raise ValueError(message)


def _matrix_json(counts: Counts) -> dict[str, Any]:
    """`bins`, and all counts row by row, or where that is shorter the places and counts of the cells that have any."""
    bins, places = counts.shape[1] - 1, np.flatnonzero(counts)
    if 3 * places.size < counts.size:
        return {"bins": bins, "places": places.tolist(), "counts": counts.ravel()[places].tolist()}
    return {"bins": bins, "counts": counts.tolist()}


def _matrix(name: str, raw: Mapping[str, Any], size: int) -> Counts:
    shape = size, stored_count(raw["bins"]) + 1
    if shape[0] * shape[1] > _LARGEST_MATRIX:
        message = f"column '{name}': {size:,} slices in {shape[1] - 1:,} bins are too many"
        raise ValueError(message)
    counts = _counts(raw["counts"])
    if counts is not None and "places" in raw:
        counts = _unfolded(_counts(raw["places"]), counts, shape)
    if counts is None or counts.shape != shape:
        message = f"column '{name}': not the counts of {size} slices in {shape[1] - 1} bins"
        raise ValueError(message)
    return counts


def _counts(values: Any) -> Counts | None:
    """None where there is one that is no count."""
    try:
        return stored_counts(values)
    except ValueError:
        return None


def _unfolded(places: Counts | None, cells: Counts, shape: tuple[int, int]) -> Counts | None:
    """The whole matrix; None where the cells do not fit into it."""
    if places is None or places.shape != cells.shape or bool((places >= shape[0] * shape[1]).any()):
        return None
    counts = np.zeros(shape, np.int64)
    counts.ravel()[places] = cells
    return counts

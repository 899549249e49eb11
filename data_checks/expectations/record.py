"""Rules about several columns of one row, and the columns' values in terms that `==` compares exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import Mask
from data_checks.expectations.batch_values import BatchValues, Values
from data_checks.expectations.logical_type import LogicalType, column_type
from data_checks.expectations.misfit import Misfit
from data_checks.skipped_rows import SKIPS, Skip, skipped_rows
from schemas.contract import TableContract
from schemas.suite import Expectation

#: GX's words for pairs; SKIPS has those for lists of columns.
PAIR_SKIPS: dict[str, Skip] = {
    "both_values_are_missing": "all",
    "either_value_is_missing": "any",
    "neither": "never",
}


class RecordTest(Protocol):
    """A test of several columns of a row."""

    def failing(self, values: BatchValues, columns: Sequence[str]) -> Mask:
        """Shape (rows,), writable: True where the row fails. Rows with missing values are judged like all others."""


@dataclass(frozen=True)
class RecordRule:
    """A test of several columns of a row. Rows in which any, or all, of them are missing can be left out."""

    columns: tuple[str, ...]
    test: RecordTest
    skip: Skip = "all"

    def evaluated(self, values: BatchValues) -> int:
        """How many rows of the batch are not left out."""
        skipped = skipped_rows(values.columns, self.columns, self.skip)
        return values.num_rows - (0 if skipped is None else int(np.count_nonzero(skipped)))

    def unexpected(self, values: BatchValues) -> int:
        """How many of them fail."""
        return int(np.count_nonzero(self.broken(values)))

    def broken(self, values: BatchValues) -> Mask:
        """Shape (rows,): True where the row is not left out and fails."""
        bad = self.test.failing(values, self.columns)
        skipped = skipped_rows(values.columns, self.columns, self.skip)
        return bad if skipped is None else np.greater(bad, skipped, out=bad)  # bad and not skipped


@dataclass(frozen=True)
class Cells:
    """One column of a batch in terms that it shares with others."""

    #: Shape (rows,); anything where missing.
    values: Values
    missing: Mask | None

    def same(self, other: Cells) -> Mask:
        """Shape (rows,): True where both hold the same value, or both are missing."""
        equal = np.asarray(self.values == other.values, np.bool_)
        if self.missing is not None:
            equal &= ~self.missing
        if other.missing is not None:
            equal &= ~other.missing
        if self.missing is not None and other.missing is not None:
            equal |= self.missing & other.missing
        return equal


@dataclass(frozen=True)
class Common:
    """The terms that columns of comparable types are brought to.

    Text and bytes are numbered by word. Integers and decimals become multiples of the finest last digit among them,
    dates and times stay ticks: all exact. Beside a float column integers are compared as float64, as pandas does.
    """

    kind: Literal["words", "ticks", "floats"]
    #: Digits after the point by column, for ticks.
    scales: tuple[int, ...]

    @classmethod
    def of(cls, kinds: Sequence[LogicalType]) -> Self:
        """Those of columns of these types. Raises Misfit for types that cannot be compared."""
        families = {kind.family for kind in kinds}
        exact = len(families) == 1 or families == {"integer", "decimal"}
        zones = {kind.zone is None for kind in kinds}  # two zones are no matter: both are ticks of UTC
        if not (exact or families == {"integer", "float"}) or len(zones) > 1:
            names = ", ".join(dict.fromkeys(kind.name for kind in kinds))
            message = f"columns of the types {names} cannot be compared"
            raise Misfit(message)
        kind: Literal["words", "floats", "ticks"] = "floats" if "float" in families else "ticks"
        return cls("words" if families & {"string", "binary"} else kind, tuple(kind.scale for kind in kinds))

    def cells(self, values: BatchValues, columns: Sequence[str]) -> list[Cells]:
        """Each column in these terms."""
        if self.kind == "words":
            arrays = _numbered(values, columns)
        else:
            scales = self.scales if self.kind == "ticks" else (0,) * len(columns)
            arrays = scaled_ticks([values.values(column) for column in columns], scales)
        return [Cells(array, values.missing(column)) for array, column in zip(arrays, columns, strict=True)]


def scaled_ticks(arrays: Sequence[Values], scales: Sequence[int]) -> list[Values]:
    """Ticks of these scales as multiples of the finest; as Python integers where int64 would overflow."""
    finest = max(scales)
    return [_multiplied(array, 10 ** (finest - scale)) for array, scale in zip(arrays, scales, strict=True)]


def largest(array: Values) -> int:
    """The largest magnitude among ticks, as a Python integer."""
    return max(abs(int(array.min())), abs(int(array.max()))) if len(array) else 0


def _multiplied(array: Values, factor: int) -> Values:
    if factor == 1:
        return array
    fits = largest(array) * factor <= np.iinfo(np.int64).max
    return array.astype(np.int64 if fits else object) * factor


def _numbered(values: BatchValues, columns: Sequence[str]) -> list[Values]:
    """Each column's words as numbers, the same number for the same word, -1 where null."""
    words = [values.words(column) for column in columns]
    known = pa.concat_arrays([item.distinct for item in words])
    arrays = []
    for item in words:
        numbers = pc.index_in(item.distinct, value_set=known).to_numpy(zero_copy_only=False)
        arrays.append(np.append(numbers, -1)[item.codes])  # the last entry is for code -1, null
    return arrays


def record_columns(expectation: Expectation, contract: TableContract) -> tuple[tuple[str, ...], list[LogicalType]]:
    """Names and types of column_list. Raises Misfit where there is no such column, or only one."""
    columns = tuple(expectation.kwargs["column_list"])
    if len(set(columns)) < 2:  # noqa: PLR2004  # GX wants two as well
        message = "column_list must name at least two different columns"
        raise Misfit(message)
    return columns, [column_type(name, contract) for name in columns]


def list_skip(expectation: Expectation) -> Skip:
    """Which rows a rule about column_list leaves out."""
    return SKIPS[expectation.kwargs.get("ignore_row_if", "all_values_are_missing")]


def pair_skip(expectation: Expectation) -> Skip:
    """Which rows a rule about column_A and column_B leaves out."""
    return PAIR_SKIPS[expectation.kwargs.get("ignore_row_if", "both_values_are_missing")]


def joined(columns: Sequence[str]) -> str:
    """`a, b and c`."""
    return f"{', '.join(columns[:-1])} and {columns[-1]}"

"""One batch's values as the kernels want them: whole ticks exactly, floats, and text by its distinct words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pt

from data_checks.columns import BatchColumns, Mask

#: int8 to uint64 (ticks), float64, or Python integers where a decimal has more than 18 digits.
Values = npt.NDArray[Any]
Positions = npt.NDArray[np.int64]

#: Digits that fit into the lower half of a decimal128 whatever the sign.
_ONE_WORD_DIGITS = 18
#: Dictionaries larger than this are cut to the words that the batch uses before any is judged.
_LARGE_DICTIONARY = 4096


@dataclass(frozen=True)
class Words:
    """A text column by its distinct words."""

    #: Shape (rows,): place in `distinct`, -1 where null.
    codes: npt.NDArray[np.int32]
    distinct: pa.Array
    #: How often each word occurs; some may not.
    counts: npt.NDArray[np.int64]


class BatchValues:
    """A batch's columns with what several kernels look at made once. Nobody may change the arrays it returns."""

    def __init__(self, columns: BatchColumns, positions: Positions | None = None) -> None:
        self.columns = columns
        #: Shape (rows,), ascending: the rows' places in the night's input.
        self.positions: Positions = np.arange(columns.num_rows) if positions is None else positions
        self.num_rows = columns.num_rows
        self._missing_counts: dict[str, int] = {}
        self._values: dict[str, Values] = {}
        self._present: dict[str, Values] = {}
        self._words: dict[str, Words] = {}

    def missing(self, name: str) -> Mask | None:
        """Shape (rows,): True where null or NaN; None when no value is missing."""
        return self.columns.missing(name)

    def missing_count(self, name: str) -> int:
        """How many values are null or NaN."""
        if name not in self._missing_counts:
            array = self.columns.array(name)
            floating = pt.is_floating(array.type)
            self._missing_counts[name] = self.columns.missing_count(name) if floating else array.null_count
        return self._missing_counts[name]

    def values(self, name: str) -> Values:
        """Shape (rows,): ticks, anything where null; floats as float64, NaN where null."""
        if name not in self._values:
            array = self.columns.array(name)
            floating = pt.is_floating(array.type)
            self._values[name] = self.columns.numbers(name) if floating else ticks(array)
        return self._values[name]

    def present(self, name: str) -> Values:
        """`values` without the missing ones."""
        if name not in self._present:
            missing, values = self.missing(name), self.values(name)
            self._present[name] = values if missing is None else values[~missing]
        return self._present[name]

    def words(self, name: str) -> Words:
        """The text column by its distinct words."""
        if name not in self._words:
            codes, distinct = self.columns.codes(name)
            counts = np.bincount(codes + np.int32(1), minlength=len(distinct) + 1)[1:]
            if len(distinct) > max(_LARGE_DICTIONARY, self.num_rows):
                used = np.flatnonzero(counts)
                places = np.full(len(distinct) + 1, -1, np.int32)
                places[used] = np.arange(len(used), dtype=np.int32)
                codes, distinct, counts = places[codes], distinct.take(pa.array(used)), counts[used]
            self._words[name] = Words(codes, distinct, counts)
        return self._words[name]


def ticks(array: pa.Array) -> Values:
    """The values as whole numbers, in the column's own width; anything where null. Copies bools and decimals only."""
    kind = array.type
    if pt.is_boolean(kind):
        array = array.cast(pa.uint8())
    if pt.is_decimal128(kind):
        return _decimal_ticks(array)
    dtype = _tick_dtype(array.type)
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(len(array), dtype)
    return np.frombuffer(buffer, dtype, len(array), array.offset * dtype.itemsize)


def _tick_dtype(kind: pa.DataType) -> np.dtype[Any]:
    if pt.is_integer(kind):
        dtype: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
        return dtype
    if pt.is_date32(kind):
        return np.dtype(np.int32)
    if pt.is_timestamp(kind):
        return np.dtype(np.int64)
    message = f"a column of type {kind} has no whole values"
    raise TypeError(message)


def _decimal_ticks(array: pa.Array) -> Values:
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(len(array), np.int64)
    halves = np.frombuffer(buffer, "<i8", 2 * len(array), array.offset * 16)
    low, high = halves[0::2], halves[1::2]
    if array.type.precision <= _ONE_WORD_DIGITS:
        return np.ascontiguousarray(low)
    whole: Values = high.astype(object) * (1 << 64) + low.view("<u8").astype(object)
    return whole

"""One batch's columns as NumPy arrays, each made once however many measures look at it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class BatchColumns:
    """A conformed RecordBatch with cached views. Nobody may change the arrays it returns.

    Missing means Arrow null or floating NaN. Strings may be dictionary-encoded or plain.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self.num_rows: int = batch.num_rows
        self._missing: dict[str, Mask | None] = {}
        self._numbers: dict[str, Floats] = {}
        self._present: dict[str, Floats] = {}
        self._ascending: dict[str, Floats] = {}
        self._codes: dict[str, tuple[npt.NDArray[np.int32], pa.Array]] = {}

    def replaced(self, columns: Mapping[str, pa.Array]) -> BatchColumns:
        """The same batch with other arrays in place of those columns; views of the others are shared."""
        batch = self.batch
        for name, array in columns.items():
            batch = batch.set_column(batch.schema.get_field_index(name), name, array)
        other = BatchColumns(batch)
        for cache in ("_missing", "_numbers", "_present", "_ascending", "_codes"):
            setattr(other, cache, {key: view for key, view in getattr(self, cache).items() if key not in columns})
        return other

    def array(self, name: str) -> pa.Array:
        """The Arrow column. Raises KeyError when there is none."""
        return self.batch.column(name)

    def is_text(self, name: str) -> bool:
        """Whether the column holds text, plain or in a dictionary."""
        kind = self.array(name).type
        return bool(pt.is_dictionary(kind) or pt.is_string(kind) or pt.is_large_string(kind))

    def missing(self, name: str) -> Mask | None:
        """Shape (rows,): True where null or NaN; None when no value is missing."""
        if name not in self._missing:
            array = self.array(name)
            if pt.is_floating(array.type):
                mask = np.isnan(self.numbers(name))
                self._missing[name] = mask if mask.any() else None
            elif array.null_count:
                self._missing[name] = ~_valid(array)
            else:
                self._missing[name] = None
        return self._missing[name]

    def missing_count(self, name: str) -> int:
        """How many values are null or NaN."""
        mask = self.missing(name)
        return 0 if mask is None else int(np.count_nonzero(mask))

    def numbers(self, name: str) -> Floats:
        """Shape (rows,), float64, NaN where missing. Dates and timestamps as days or microseconds since 1970.

        int64 beyond 2**53 is rounded: compare such columns in Arrow. Raises TypeError for text.
        """
        if name not in self._numbers:
            self._numbers[name] = to_float64(self.array(name), name)
        return self._numbers[name]

    def present_numbers(self, name: str) -> Floats:
        """`numbers` without the missing ones."""
        if name not in self._present:
            mask = self.missing(name)
            values = self.numbers(name)
            self._present[name] = values if mask is None else values[~mask]
        return self._present[name]

    def ascending_numbers(self, name: str) -> Floats:
        """`present_numbers` in ascending order."""
        if name not in self._ascending:
            self._ascending[name] = np.sort(self.present_numbers(name))
        return self._ascending[name]

    def codes(self, name: str) -> tuple[npt.NDArray[np.int32], pa.Array]:
        """(codes, dictionary): shape (rows,) int32 with -1 where null, and the distinct values they point into."""
        if name not in self._codes:
            array = self.array(name)
            encoded = array if pt.is_dictionary(array.type) else array.dictionary_encode()
            codes = encoded.indices.cast(pa.int32())
            codes = codes.fill_null(-1) if codes.null_count else codes
            self._codes[name] = (codes.to_numpy(zero_copy_only=False), encoded.dictionary)
        return self._codes[name]


def _valid(array: pa.Array) -> Mask:
    """Shape (rows,): True where not null, from the bitmap itself: 7 times as fast as `is_null` and a conversion."""
    bitmap = array.buffers()[0]
    if bitmap is None:  # a column of type null has nulls and no bitmap
        return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), count=array.offset + len(array), bitorder="little")
    return bits[array.offset :].view(np.bool_)


def to_float64(array: pa.Array, name: str) -> Floats:
    """The column as float64 with NaN where null. Raises TypeError when it holds neither numbers nor times."""
    kind = array.type
    if pt.is_date32(kind):
        array = array.cast(pa.int32())
    elif pt.is_timestamp(kind):
        array = array.cast(pa.int64())
    elif pt.is_boolean(kind):
        array = array.cast(pa.uint8())
    elif not (pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)):
        message = f"column '{name}' of type {kind} holds no numbers"
        raise TypeError(message)
    if kind != pa.float64():
        array = pc.cast(array, pa.float64(), safe=False)
    values: Floats = array.to_numpy(zero_copy_only=False)
    return values

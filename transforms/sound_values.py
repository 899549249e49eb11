"""What no batch may hold: broken buffers, text that is not UTF-8, times outside all calendars."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.arrow_types import storage
from transforms.parquet_errors import Fault, input_error, named_errors

#: Seconds from 1970 to the first and to the last second of the years 1 to 9999.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_SECONDS_PER_DAY = 86_400
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}


def check_values(batch: pa.RecordBatch, file: str, row_group: int) -> None:
    """Raise InputError (invalid_utf8, invalid_decimal, corrupt_page, out_of_range_timestamp) naming the column."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            with named_errors(Fault.CORRUPT_PAGE, file, row_group, name):
                array.validate(full=True)
        with named_errors(Fault.CORRUPT_PAGE, file, row_group):
            batch.validate(full=True)
    check_times(batch, file, row_group)


def check_times(batch: pa.RecordBatch, file: str, row_group: int) -> None:
    """Raise InputError (out_of_range_timestamp) where a date or time, nested or not, is outside the years 1 to 9999."""
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        for times in _time_arrays(array):
            if not _in_calendar(times):
                what = f"column '{name}' has a date or time outside the years 1 to 9999"
                raise input_error(Fault.OUT_OF_RANGE_TIMESTAMP, what, file, row_group, name)


def _time_arrays(array: pa.Array) -> Iterator[pa.Array]:
    """The dates and timestamps in the array, at any depth."""
    array = storage(array)
    kind = array.type
    if pt.is_date(kind) or pt.is_timestamp(kind):
        yield array
    elif pt.is_struct(kind):
        for child in array.flatten():
            yield from _time_arrays(child)
    elif pt.is_map(kind):
        yield from _time_arrays(array.keys)
        yield from _time_arrays(array.items)
    elif pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind):
        yield from _time_arrays(array.flatten())


def _in_calendar(array: pa.Array) -> bool:
    kind = array.type
    if pt.is_date32(kind):
        numbers, low, high = array.view(pa.int32()), _FIRST_SECOND, _LAST_SECOND
        low, high = low // _SECONDS_PER_DAY, high // _SECONDS_PER_DAY
    elif pt.is_timestamp(kind) and kind.unit == "ns":
        return True  # nanoseconds reach from 1677 to 2262 only
    else:
        scale = _PER_SECOND["ms" if pt.is_date64(kind) else kind.unit]
        numbers, low, high = array.view(pa.int64()), _FIRST_SECOND * scale, (_LAST_SECOND + 1) * scale - 1
    found = pc.min_max(numbers)
    least, most = found["min"].as_py(), found["max"].as_py()
    return least is None or (low <= least and most <= high)

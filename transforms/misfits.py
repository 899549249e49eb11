"""Which values of a column do not fit a contract type, by the table in `casts`.

Called only where Arrow's checked cast refused, so speed is not what matters here.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.arrow_types import storage
from transforms.casts import Kind, kind_of

Mask = npt.NDArray[np.bool_]

#: Longest text of an offending value.
_LONGEST_TEXT = 100
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_INT64_MAX = 2**63 - 1
_MILLISECONDS_PER_DAY = 86_400_000
#: Whole numbers up to this are exact.
_EXACT = {pa.float32(): 2**24, pa.float64(): 2**53}


def _integers(array: pa.Array) -> npt.NDArray[np.integer[Any]]:
    numbers: npt.NDArray[np.integer[Any]] = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    return numbers


def _not_in_integer(array: pa.Array, target: pa.DataType) -> Mask:
    limits = np.iinfo(target.to_pandas_dtype())
    return _outside(_integers(array), limits.min, limits.max)


def _not_exact_as_float(array: pa.Array, target: pa.DataType) -> Mask:
    return _outside(_integers(array), -_EXACT[target], _EXACT[target])


def _outside(numbers: npt.NDArray[np.integer[Any]], low: int, high: int) -> Mask:
    """NumPy compares integers of any type with a Python int exactly, also where it is out of the type's range."""
    outside: Mask = (numbers < low) | (numbers > high)
    return outside


def _not_whole(array: pa.Array, target: pa.DataType) -> Mask:
    numbers = pc.fill_null(array.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    limits = np.iinfo(target.to_pandas_dtype())
    # The range's ends are powers of two or 0, exact as float64, if the upper one is taken one higher.
    inside = (numbers >= float(limits.min)) & (numbers < float(limits.max + 1))
    whole: Mask = inside & (np.floor(numbers) == numbers)
    return ~whole


def _not_in_decimal(array: pa.Array, target: pa.DataType) -> Mask:
    context = decimal.Context(prec=80)
    most = decimal.Decimal(10) ** (target.precision - target.scale)
    step = decimal.Decimal(1).scaleb(-target.scale)

    def fits(value: decimal.Decimal | int | None) -> bool:
        exact = decimal.Decimal(value or 0)
        return abs(exact) < most and exact.quantize(step, context=context) == exact

    return np.array([not fits(value) for value in array.to_pylist()], dtype=np.bool_)


def _not_utf8(array: pa.Array, _: pa.DataType) -> Mask:
    def fits(value: bytes | None) -> bool:
        try:
            (value or b"").decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    return np.array([not fits(value) for value in array.to_pylist()], dtype=np.bool_)


def _has_time_of_day(array: pa.Array, _: pa.DataType) -> Mask:
    mask: Mask = _integers(array.view(pa.int64())) % _MILLISECONDS_PER_DAY != 0
    return mask


def _not_in_microseconds(array: pa.Array, _: pa.DataType) -> Mask:
    numbers = _integers(array.view(pa.int64()))
    if array.type.unit == "ns":
        mask: Mask = numbers % 1000 != 0
        return mask
    most = _INT64_MAX // _MICROSECONDS[array.type.unit]
    return _outside(numbers, -most, most)


_MISFITS: dict[tuple[Kind | None, Kind | None], Callable[[pa.Array, pa.DataType], Mask]] = {
    (Kind.INTEGER, Kind.INTEGER): _not_in_integer,
    (Kind.INTEGER, Kind.FLOAT): _not_exact_as_float,
    (Kind.INTEGER, Kind.DECIMAL): _not_in_decimal,
    (Kind.FLOAT, Kind.INTEGER): _not_whole,
    (Kind.DECIMAL, Kind.DECIMAL): _not_in_decimal,
    (Kind.BYTES, Kind.TEXT): _not_utf8,
    (Kind.DATE, Kind.DATE): _has_time_of_day,
    (Kind.NAIVE_TIME, Kind.NAIVE_TIME): _not_in_microseconds,
    (Kind.ZONED_TIME, Kind.ZONED_TIME): _not_in_microseconds,
}


def misfits(array: pa.Array, target: pa.DataType) -> Mask | None:
    """Shape (rows,): where a value does not fit `target`; at nulls either. None where the table knows no such value."""
    find = _MISFITS.get((kind_of(array.type), kind_of(target)))
    return None if find is None else find(array, target)


def texts(array: pa.Array, mask: Mask) -> dict[int, str]:
    """Row number to the text of its value, for the rows of the mask: what the quarantine keeps of a value."""
    rows = np.flatnonzero(mask)
    chosen = storage(array).take(pa.array(rows))
    if pt.is_dictionary(chosen.type):
        chosen = chosen.dictionary_decode()
    if pt.is_date64(chosen.type):
        chosen = chosen.cast(pa.timestamp("ms"))
    if pt.is_timestamp(chosen.type):
        # As Python objects nanoseconds would need pandas.
        chosen = chosen.cast(pa.timestamp(chosen.type.unit, chosen.type.tz and "UTC")).cast(pa.string())
    return {int(row): _text(value) for row, value in zip(rows, chosen.to_pylist(), strict=True)}


def _text(value: object) -> str:
    text = repr(value) if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."

"""A column on its way through the steps: numbers, text or times, always as whole arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
#: Shape (rows,), NaN where missing.
Numbers = npt.NDArray[np.float64]

#: The code of a missing text.
MISSING = -1
_NAN = pa.scalar(float("nan"))


class KindError(TypeError):
    """A column is not of the kind that a step takes. Only custom steps can cause it: all others are checked before."""


@dataclass(frozen=True)
class Text:
    """Text by dictionary: `values[codes[row]]`, missing where the code is -1. `values` holds no null."""

    codes: Codes
    values: pa.Array


@dataclass(frozen=True)
class Times:
    """Dates (date32) or timestamps, null where missing."""

    array: pa.Array


Values = Numbers | Text | Times


def values_of(array: pa.Array) -> Values:
    """The column by its Arrow type: numbers (booleans as 0 and 1), text or times. Raises KindError for others."""
    kind = array.type
    if pt.is_dictionary(kind) and is_text(kind.value_type):
        return _from_dictionary(array)
    if pt.is_dictionary(kind):
        return values_of(array.dictionary_decode())
    if is_text(kind):
        return _from_dictionary(array.dictionary_encode())
    if pt.is_date(kind) or pt.is_timestamp(kind):
        return Times(array)
    return numbers_of(array)


def text_of(array: pa.Array) -> Text:
    """The column as text; integers as decimal numbers, booleans as `true` and `false`. Raises KindError otherwise."""
    kind = array.type
    if pt.is_integer(kind) or pt.is_boolean(kind) or pt.is_null(kind):
        encoded = array.dictionary_encode()
        return _from_dictionary(pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.cast(pa.string())))
    values = values_of(array)
    if not isinstance(values, Text):
        message = f"{kind} is not text; give text, integers or booleans"
        raise KindError(message)
    return values


def numbers_of(array: pa.Array) -> Numbers:
    """Shape (rows,), float64, NaN where null; rounded beyond 2**53. Raises KindError unless numbers or booleans."""
    kind = array.type
    if pt.is_null(kind):
        return np.full(len(array), np.nan)
    if pt.is_boolean(kind):
        array = array.cast(pa.uint8())
    elif not (pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)):
        message = f"{kind} is not a number"
        raise KindError(message)
    if array.type != pa.float64():
        array = pc.cast(array, pa.float64(), safe=False)
    if array.null_count:
        array = pc.fill_null(array, _NAN)  # half the time of to_numpy's own way
    numbers: Numbers = array.to_numpy()
    return numbers


def arrow_of(values: Values) -> pa.Array:
    """The column as a plain Arrow array with nulls: float64, string, or the times as they are."""
    if isinstance(values, Text):
        return pa.DictionaryArray.from_arrays(
            pa.array(values.codes, mask=values.codes < 0), values.values
        ).dictionary_decode()
    return values.array if isinstance(values, Times) else pa.array(values, from_pandas=True)


def is_text(kind: pa.DataType) -> bool:
    """Whether values of the type are strings."""
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _from_dictionary(array: pa.DictionaryArray) -> Text:
    indices = array.indices if array.indices.type == pa.int32() else array.indices.cast(pa.int32())
    codes: Codes = (indices.fill_null(MISSING) if indices.null_count else indices).to_numpy()
    values = array.dictionary if array.dictionary.type == pa.string() else array.dictionary.cast(pa.string())
    if values.null_count:
        codes = np.append(np.where(values.is_null(), MISSING, np.arange(len(values))), MISSING).astype(np.int32)[codes]
        values = values.fill_null("")
    return Text(codes, values)

"""Casting a column by the table in `casts`, and telling the values that do not fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.arrow_types import storage
from transforms.casts import Kind, kind_of
from transforms.misfits import Mask, misfits


@dataclass(frozen=True)
class Cast:
    """A column in its contract type, null where a value does not fit."""

    values: pa.Array
    #: Shape (rows,): where a value does not fit; None when all do.
    misfits: Mask | None = None


def cast_values(array: pa.Array, target: pa.DataType) -> Cast:
    """The array as `target`, which the table must allow.

    Costs nothing for the right type. Arrow's checked cast does the work; only where it refuses are values looked at.
    Raises ArrowInvalid where the result cannot be held, such as text of over 2 GiB.
    """
    if array.type == target and not _has_null_in_dictionary(array):
        return Cast(array)
    array = storage(array)
    if pt.is_dictionary(target):
        return _as_codes(array, target)
    if pt.is_dictionary(array.type):
        array = array.dictionary_decode()
    return _as_plain(array, target)


def _has_null_in_dictionary(array: pa.Array) -> bool:
    return pt.is_dictionary(array.type) and bool(array.dictionary.null_count)


def _as_codes(array: pa.Array, target: pa.DataType) -> Cast:
    """Text as codes; a dictionary in another type keeps its codes, as long as all its values fit."""
    if pt.is_dictionary(array.type):
        plain = _as_plain(array.dictionary, target.value_type)
        if plain.misfits is None and not plain.values.null_count:
            return Cast(pa.DictionaryArray.from_arrays(array.indices.cast(target.index_type), plain.values))
        array = array.dictionary_decode()
    plain = _as_plain(array, target.value_type)
    return Cast(plain.values.dictionary_encode(), plain.misfits)


def _as_plain(array: pa.Array, target: pa.DataType) -> Cast:
    kinds = kind_of(array.type), kind_of(target)
    if kinds == (Kind.FLOAT, Kind.INTEGER):
        missing = np.isnan(array.to_numpy(zero_copy_only=False))
        array = _without(array, missing) if missing.any() else array
    if kinds == (Kind.FLOAT, Kind.FLOAT):
        return _float_to_float(array, target)
    try:
        return Cast(_checked(array, target))
    except pa.ArrowInvalid:
        found = misfits(array, target)
        if found is None:
            raise  # such as text of over 2 GiB in one batch
    found &= array.is_valid().to_numpy(zero_copy_only=False)
    return Cast(_checked(_without(array, found), target), found)


def _without(array: pa.Array, mask: Mask) -> pa.Array:
    return pc.if_else(pa.array(mask), pa.scalar(None, array.type), array)


def _checked(array: pa.Array, target: pa.DataType) -> pa.Array:
    if pt.is_integer(array.type) and pt.is_decimal(target):
        # Arrow wants room for every value of the integer type; through the widest decimal each value is judged alone.
        return array.cast(pa.decimal128(38, 0)).cast(target)
    return array.cast(target)


def _float_to_float(array: pa.Array, target: pa.DataType) -> Cast:
    """Arrow narrows floats without a check."""
    cast = array.cast(target)
    if array.type.bit_width <= target.bit_width:
        return Cast(cast)
    before, after = array.to_numpy(zero_copy_only=False), cast.to_numpy(zero_copy_only=False)
    changed = ~((before == after) | np.isnan(before))
    return Cast(_without(cast, changed), changed) if changed.any() else Cast(cast)

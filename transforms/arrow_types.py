"""The Arrow type that each logical type of the table contract has in a conformed batch."""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.types as pt

from schemas.contract import Column

_PLAIN = {
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_ZONED = re.compile(r"timestamp\[(.+)\]")
_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")

_MAX_PRECISION = 38
_NEAREST = {
    pa.float16(): pa.float32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
    pa.date64(): pa.date32(),
}

#: How a string feature stands in a conformed batch: judged and encoded on its distinct values, not row by row.
TEXT_CODES = pa.dictionary(pa.int32(), pa.string())


def arrow_type(column: Column) -> pa.DataType:
    """The column's type in a conformed batch: `value_type`, but `dictionary<int32, string>` for a string feature."""
    if column.type == "string" and column.role == "feature":
        return TEXT_CODES
    return value_type(column.type)


@lru_cache(1000)
def value_type(logical: str) -> pa.DataType:
    """The Arrow type of a contract's logical type: timestamps in microseconds, `timestamp[UTC]` with that zone.

    Raises KeyError for a word that the contract does not know.
    """
    zoned = _ZONED.fullmatch(logical)
    if zoned:
        return pa.timestamp("us", tz=zoned[1])
    decimal = _DECIMAL.fullmatch(logical)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    return _PLAIN[logical]


def logical_type(kind: pa.DataType) -> str | None:
    """The contract's word for an Arrow type, the nearest one that holds all its values; None where there is none."""
    if pt.is_dictionary(kind):
        return logical_type(kind.value_type)
    if pt.is_timestamp(kind):
        return "timestamp" if kind.tz is None else f"timestamp[{kind.tz}]"
    if pt.is_decimal(kind) and kind.precision <= _MAX_PRECISION and 0 <= kind.scale <= kind.precision:
        return f"decimal({kind.precision},{kind.scale})"
    kind = _NEAREST.get(storage_type(kind), storage_type(kind))
    return next((word for word, plain in _PLAIN.items() if plain == kind), None)


def storage(array: pa.Array) -> pa.Array:
    """The array as the plain values that an extension type such as `arrow.json` keeps; any other array as it is."""
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def storage_type(kind: pa.DataType) -> pa.DataType:
    """The type that `storage` gives."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind

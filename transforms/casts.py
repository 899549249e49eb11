"""The fixed table of allowed casts from what a file holds to what the table contract says.

    file                                        contract        a value breaks the contract when it
    --------------------------------------------------------------------------------------------------------------
    any type, all of it null                    any             never does
    bool                                        bool            never does
    int8 … uint64                               int8 … uint64   is out of range
    int8 … uint64                               float32/64      is beyond 2**24 (float32) or 2**53 (float64)
    int8 … uint64                               decimal(p,s)    has more than p-s digits
    float16, float32, float64                   float32/64      would change (NaN and infinities do not)
    float16, float32, float64                   int8 … uint64   is not whole or out of range; NaN becomes null
    decimal of any width                        decimal(p,s)    would lose digits
    string, large_string, string_view           string          never does
    binary, large_binary, binary_view           string          is not UTF-8
    binary, large_binary, …view, fixed size     binary          never does
    date32, date64                              date            has a time of day
    timestamp of any unit, without a zone       timestamp       is not a whole number of microseconds
    timestamp of any unit, with any zone        timestamp[z]    is not a whole number of microseconds

A dictionary of one of these is the same as the type itself. Nothing else is allowed: no number becomes text, no text a
number, and times with and without a zone do not mix.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import pyarrow as pa
import pyarrow.types as pt

from transforms.arrow_types import storage_type


class Kind(StrEnum):
    """Types that the table treats alike."""

    NULL = "null"
    BOOL = "bool"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    TEXT = "text"
    BYTES = "bytes"
    FIXED_BYTES = "fixed bytes"
    DATE = "date"
    NAIVE_TIME = "timestamp"
    ZONED_TIME = "timestamp with a zone"


_TESTS = (
    (pt.is_null, Kind.NULL),
    (pt.is_boolean, Kind.BOOL),
    (pt.is_integer, Kind.INTEGER),
    (pt.is_floating, Kind.FLOAT),
    (pt.is_decimal, Kind.DECIMAL),
    (lambda kind: pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind), Kind.TEXT),
    (lambda kind: pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind), Kind.BYTES),
    (pt.is_fixed_size_binary, Kind.FIXED_BYTES),
    (pt.is_date, Kind.DATE),
    (lambda kind: pt.is_timestamp(kind) and kind.tz is None, Kind.NAIVE_TIME),
    (pt.is_timestamp, Kind.ZONED_TIME),
)

_ALLOWED = {
    Kind.NULL: frozenset(Kind),
    Kind.BOOL: frozenset({Kind.BOOL}),
    Kind.INTEGER: frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}),
    Kind.FLOAT: frozenset({Kind.FLOAT, Kind.INTEGER}),
    Kind.DECIMAL: frozenset({Kind.DECIMAL}),
    Kind.TEXT: frozenset({Kind.TEXT}),
    Kind.BYTES: frozenset({Kind.BYTES, Kind.TEXT}),
    Kind.FIXED_BYTES: frozenset({Kind.BYTES}),
    Kind.DATE: frozenset({Kind.DATE}),
    Kind.NAIVE_TIME: frozenset({Kind.NAIVE_TIME}),
    Kind.ZONED_TIME: frozenset({Kind.ZONED_TIME}),
}


@lru_cache(1000)
def kind_of(kind: pa.DataType) -> Kind | None:
    """The table's word for a type, dictionaries and extension types by their values; None for one that it has not."""
    kind = storage_type(kind)
    if pt.is_dictionary(kind):
        return kind_of(kind.value_type)
    return next((found for test, found in _TESTS if test(kind)), None)


@lru_cache(1000)
def allowed(source: pa.DataType, target: pa.DataType) -> bool:
    """Whether the table allows reading a file's `source` as the contract's `target`."""
    kind, wanted = kind_of(source), kind_of(target)
    return kind is not None and wanted in _ALLOWED[kind]

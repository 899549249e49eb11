"""The value that a folder's name such as `month=07` gives a partition column, by the type that the contract says."""

from __future__ import annotations

import datetime as dt
import decimal
import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.types as pt

#: What Hive, Spark and pyarrow call the folder of the rows without a value.
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"

_INTEGER = re.compile(r"-?[0-9]{1,40}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(rf"{_DATE.pattern}[ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?")
_ZONED_TIME = re.compile(rf"{_TIME.pattern}(Z|[+-][0-9]{{2}}:[0-9]{{2}})")


def partition_value(text: str, kind: pa.DataType) -> pa.Scalar:
    """The folder's text as `kind`, the whole of it or ValueError; `__HIVE_DEFAULT_PARTITION__` is null.

    Text stays as it is, `007` included. An integer may have leading zeros, as in `month=07`. Dates and times are ISO;
    a zoned time needs its offset.
    """
    if text == HIVE_NULL:
        return pa.scalar(None, kind)
    parse = next((parse for test, parse in _PARSERS if test(kind)), None)
    if parse is None:
        message = f"no folder's name is a {kind}"
        raise ValueError(message)
    try:
        return pa.scalar(parse(text), kind)
    except (ValueError, OverflowError, pa.ArrowException, decimal.DecimalException):
        message = f"'{text}' is no {kind}"
        raise ValueError(message) from None


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[_matched(re.compile("true|false"), text)]


def _timestamp(pattern: re.Pattern[str]) -> Callable[[str], dt.datetime]:
    return lambda text: dt.datetime.fromisoformat(_matched(pattern, text))


_PARSERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[str], object]], ...] = (
    (pt.is_string, str),
    (pt.is_boolean, _boolean),
    (pt.is_integer, lambda text: int(_matched(_INTEGER, text))),
    (pt.is_floating, lambda text: float(_matched(_NUMBER, text))),
    (pt.is_decimal, lambda text: decimal.Decimal(_matched(_NUMBER, text))),
    (pt.is_date, lambda text: dt.date.fromisoformat(_matched(_DATE, text))),
    (lambda kind: pt.is_timestamp(kind) and kind.tz is None, _timestamp(_TIME)),
    (pt.is_timestamp, _timestamp(_ZONED_TIME)),
)

"""Thrift's compact protocol, as far as Parquet's headers use it: for the few facts that pyarrow does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = "int | list[Value] | Fields | None"
#: Field number to value.
Fields: TypeAlias = dict[int, "Value"]
#: The fields to read, and in those that are structs or lists of structs, which of theirs. Anything else is passed over.
Wanted: TypeAlias = Mapping[int, "Wanted"]

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_INTEGERS = (_I32, _I64, _I16)
_MORE = 0x80
_LONG_LIST = 15
_DEEPEST = 50


def read_struct(data: bytes, wanted: Wanted) -> Fields:
    """The wanted fields of the struct at the start of `data`: integers, structs and lists; None for any other type.

    Raises ValueError where the bytes end too soon, nest too deep, or are none of the protocol's.
    """
    try:
        return _struct(data, 0, wanted, 0)[0]
    except IndexError:
        message = "the bytes end inside a value"
        raise ValueError(message) from None


def _struct(data: bytes, at: int, wanted: Wanted, depth: int) -> tuple[Fields, int]:
    _check_depth(depth)
    fields: Fields = {}
    number = 0
    while kind := (head := data[at]) & 0x0F:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _signed(data, at)
        if number in wanted:
            fields[number], at = _value(data, at, kind, wanted[number], depth)
        elif kind > _FALSE:  # a boolean is in its head
            at = _skip(data, at, kind, depth)
    return fields, at + 1


def _value(data: bytes, at: int, kind: int, wanted: Wanted, depth: int) -> tuple[Value, int]:
    if kind in _INTEGERS:
        return _signed(data, at)
    if kind == _STRUCT:
        return _struct(data, at, wanted, depth + 1)
    if kind != _LIST or data[at] & 0x0F != _STRUCT:
        return None, at if kind in (_TRUE, _FALSE) else _skip(data, at, kind, depth)
    size, at = _list_size(data, at)
    items: list[Value] = []
    for _ in range(size):
        item, at = _struct(data, at, wanted, depth + 1)
        items.append(item)
    return items, at


def _skip(data: bytes, at: int, kind: int, depth: int) -> int:
    """The position after a value. A footer has dozens of them for each column chunk, so this is written to be quick."""
    if kind in _INTEGERS:
        while data[at] >= _MORE:
            at += 1
        return at + 1
    if kind == _BINARY:
        size, at = _unsigned(data, at)
        return at + size
    if kind == _STRUCT:
        _check_depth(depth)
        while kind := (head := data[at]) & 0x0F:
            at = at + 1 if head >> 4 else _skip(data, at + 1, _I16, depth)
            at = at if kind <= _FALSE else _skip(data, at, kind, depth + 1)
        return at + 1
    if kind in (_LIST, _SET):
        item = data[at] & 0x0F
        size, at = _list_size(data, at)
        return _skip_items(data, at, (item,) * size, depth)
    if kind == _MAP:
        size, at = _unsigned(data, at)
        kinds = data[at] if size else 0
        return _skip_items(data, at + bool(size), (kinds >> 4, kinds & 0x0F) * size, depth)
    return at + _width(kind)


def _skip_items(data: bytes, at: int, kinds: tuple[int, ...], depth: int) -> int:
    for kind in kinds:
        at = _skip(data, at, kind, depth + 1)
    return at


def _width(kind: int) -> int:
    if kind not in (_TRUE, _FALSE, _BYTE, _DOUBLE):
        message = f"no type has the number {kind}"
        raise ValueError(message)
    return 8 if kind == _DOUBLE else 1


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        message = f"nested deeper than {_DEEPEST}"
        raise ValueError(message)


def _list_size(data: bytes, at: int) -> tuple[int, int]:
    size = data[at] >> 4
    size, at = _unsigned(data, at + 1) if size == _LONG_LIST else (size, at + 1)
    if size > len(data):  # every item has a byte at least
        raise IndexError
    return size, at


def _signed(data: bytes, at: int) -> tuple[int, int]:
    value, at = _unsigned(data, at)
    return (value >> 1) ^ -(value & 1), at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    value, shift = byte & 0x7F, 7
    while byte >= _MORE:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
    return value, at + 1

"""Thrift's compact protocol, as far as Parquet's headers use it: for the few facts that pyarrow does not tell."""

from __future__ import annotations

from typing import TypeAlias

Value: TypeAlias = "bool | int | bytes | list[Value] | Fields"
#: Field number to value.
Fields: TypeAlias = dict[int, "Value"]

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DOUBLE_BYTES = 8
_LONG_LIST = 15
_DEEPEST = 50


def read_struct(data: bytes) -> Fields:
    """The struct at the start of `data`. A double comes as its bytes, a map as none.

    Raises ValueError where the bytes end too soon, nest too deep, or are none of the protocol's.
    """
    try:
        return _Reader(data).struct(0)
    except IndexError:
        message = "the bytes end inside a value"
        raise ValueError(message) from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int) -> Fields:
        if depth > _DEEPEST:
            message = f"nested deeper than {_DEEPEST}"
            raise ValueError(message)
        fields: Fields = {}
        number = 0
        while kind := (head := self._byte()) & 0x0F:
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Value:
        if kind in (_I16, _I32, _I64):
            return self._signed()
        if kind in (_BINARY, _DOUBLE):
            return self._take(self._unsigned() if kind == _BINARY else _DOUBLE_BYTES)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth + 1)
        if kind == _MAP:
            return self._map(depth + 1)
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        message = f"no type has the number {kind}"
        raise ValueError(message)

    def _list(self, depth: int) -> list[Value]:
        head = self._byte()
        size = head >> 4
        size = self._unsigned() if size == _LONG_LIST else size
        return [self._value(head & 0x0F, depth) for _ in range(size)]

    def _map(self, depth: int) -> Value:
        size = self._unsigned()
        kinds = self._byte() if size else 0
        for _ in range(size):
            self._value(kinds >> 4, depth)
            self._value(kinds & 0x0F, depth)
        return b""

    def _take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise IndexError
        return self._data[start : self._at]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        data, at = self._data, self._at
        byte = data[at]
        at += 1
        value, shift = byte & 0x7F, 7
        while byte >= 0x80:  # noqa: PLR2004  # the top bit says that more bytes follow
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
        self._at = at
        return value

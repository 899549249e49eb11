"""How many values a column chunk's dictionary page holds, told from the page's own header.

Reading text as codes, pyarrow puts the values of the dictionary page into a hash table and takes the page's codes as
positions in that table. A page that lists a value twice makes the table shorter than the page, and every later code
means another value, without an error. The header says how long the table should have become.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

_DICTIONARY_PAGE = 2
#: A page header without statistics, as a dictionary page has it, takes about 30 bytes.
_HEADER_BYTES = 256
_I16, _I32, _I64, _STRUCT, _BOOLEANS = 4, 5, 6, 12, (1, 2)
_LONG_VARINT = 64

Fields = dict[int, "int | Fields"]


@dataclass(frozen=True)
class DictionaryPage:
    """A dictionary page of a text column."""

    values: int
    #: Uncompressed, without the header.
    bytes: int

    def holds(self, dictionary: pa.StringArray | pa.BinaryArray) -> bool:
        """Whether the first `values` values of a decoded dictionary can be this page's: as many, and as long.

        An empty dictionary can: nothing of the page was used yet.
        """
        if not len(dictionary):
            return True
        if len(dictionary) < self.values:
            return False
        offsets = pa.Array.from_buffers(pa.int32(), self.values + 1, [None, dictionary.buffers()[1]], 0, dictionary.offset)
        text = offsets[self.values].as_py() - offsets[0].as_py()
        return bool(text + 4 * self.values == self.bytes)  # in the page each value has its length in 4 bytes before it


def dictionary_page(handle: pa.NativeFile, chunk: pq.ColumnChunkMetaData) -> DictionaryPage | None:
    """The chunk's dictionary page; None when it begins with a data page or its first header cannot be read."""
    offset = chunk.dictionary_page_offset or chunk.data_page_offset
    try:
        header = _Compact(handle.read_at(_HEADER_BYTES, offset)).struct()
    except (IndexError, ValueError, OSError):
        return None  # the chunk is damaged, and reading it says so
    body = header.get(7)
    if header.get(1) != _DICTIONARY_PAGE or not isinstance(body, dict):
        return None
    values, size = body.get(1), header.get(2)
    return DictionaryPage(values, size) if isinstance(values, int) and isinstance(size, int) else None


class _Compact:
    """As much of Thrift's compact protocol as a page header needs: integers, booleans and structs."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> Fields:
        """Field number to value. Raises IndexError past the end, ValueError for a type that no header has."""
        fields: Fields = {}
        number = 0
        while head := self._byte():
            kind = head & 0x0F
            number = number + (head >> 4) if head >> 4 else self._integer()
            if kind in _BOOLEANS:
                fields[number] = int(kind == _BOOLEANS[0])
            elif kind in (_I16, _I32, _I64):
                fields[number] = self._integer()
            elif kind == _STRUCT:
                fields[number] = self.struct()
            else:
                message = f"field type {kind}"
                raise ValueError(message)
        return fields

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _integer(self) -> int:
        value = shift = 0
        while shift < _LONG_VARINT:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004  # the top bit says whether more follow
                break
            shift += 7
        return (value >> 1) ^ -(value & 1)

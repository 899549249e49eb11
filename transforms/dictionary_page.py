"""How many values a column chunk's dictionary page holds, told from the page's own header.

Reading text as codes, pyarrow puts the values of the dictionary page into a hash table and takes the page's codes as
positions in that table. A page that lists a value twice makes the table shorter than the page, and every later code
means another value, without an error. The header says how long the table should have become.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.thrift_compact import Wanted, read_struct

_DICTIONARY_PAGE = 2
#: A page header without statistics, as a dictionary page has it, takes about 30 bytes.
_HEADER_BYTES = 256
#: Fields of PageHeader and DictionaryPageHeader in parquet.thrift.
_TYPE, _UNCOMPRESSED_BYTES, _DICTIONARY_HEADER, _NUM_VALUES = 1, 2, 7, 1
_HEADER: Wanted = {_TYPE: {}, _UNCOMPRESSED_BYTES: {}, _DICTIONARY_HEADER: {_NUM_VALUES: {}}}


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
        text = pc.sum(pc.binary_length(dictionary.slice(0, self.values)), min_count=0).as_py()
        return bool(text + 4 * self.values == self.bytes)  # in the page each value has its length in 4 bytes before it


def dictionary_page(handle: pa.NativeFile, chunk: pq.ColumnChunkMetaData) -> DictionaryPage | None:
    """The chunk's dictionary page; None when it begins with a data page or its first header cannot be read."""
    offset = chunk.dictionary_page_offset or chunk.data_page_offset
    try:
        header = read_struct(handle.read_at(_HEADER_BYTES, offset), _HEADER)
    except (ValueError, OSError):
        return None  # the chunk is damaged, and reading it says so
    body = header.get(_DICTIONARY_HEADER)
    if header.get(_TYPE) != _DICTIONARY_PAGE or not isinstance(body, dict):
        return None
    values, size = body.get(_NUM_VALUES), header.get(_UNCOMPRESSED_BYTES)
    return DictionaryPage(values, size) if isinstance(values, int) and isinstance(size, int) else None

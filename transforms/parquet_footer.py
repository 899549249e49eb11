"""Reading a Parquet footer that someone else wrote: within limits, checked for sense, and with its digest."""

from __future__ import annotations

import builtins
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.parquet_errors import Fault, input_error, named_errors
from transforms.thrift_compact import Fields, Value, Wanted, read_struct

_MAGIC, _ENCRYPTED_MAGIC = b"PAR1", b"PARE"
#: A file ends with the footer's length in 4 bytes and the magic in 4 more.
_TAIL = 8
#: Fields of FileMetaData, RowGroup and ColumnChunk in parquet.thrift.
_ROW_GROUPS, _COLUMNS, _CRYPTO_METADATA = 4, 1, 8
_CHUNKS: Wanted = {_ROW_GROUPS: {_COLUMNS: {_CRYPTO_METADATA: {}}}}


@dataclass(frozen=True)
class ReadLimits:
    """What is refused before it is decoded."""

    #: Of the footer; parsed it takes several times as much memory.
    footer_bytes: int = 64 * 1024 * 1024
    #: Of the columns that are read of one row group, uncompressed, by the footer.
    row_group_bytes: int = 2 * 1024 * 1024 * 1024
    #: Elements of one list in the footer, such as row groups.
    footer_elements: int = 1_000_000


DEFAULT_LIMITS = ReadLimits()


@dataclass(frozen=True)
class Footer:
    """A file's footer, and the file's identity at the moment it was read."""

    bytes: int
    mtime_ns: int
    #: sha256 over the footer's bytes, in hex.
    digest: str
    row_group_rows: tuple[int, ...]
    schema: pa.Schema
    #: Look at `encrypted` before asking it for a column chunk.
    metadata: pq.FileMetaData = field(repr=False, compare=False)
    raw: builtins.bytes = field(repr=False, compare=False)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the top-level columns in file order; no two are equal."""
        return tuple(self.schema.names)

    @cached_property
    def encrypted(self) -> frozenset[tuple[int, int]]:
        """The encrypted column chunks as (row group, leaf column). Raises ValueError where the footer makes no sense.

        pyarrow 25 does not raise for the metadata of such a chunk: it ends the whole process.
        """
        groups = read_struct(self.raw, _CHUNKS).get(_ROW_GROUPS)
        found = set()
        for number, group in enumerate(_structs(groups)):
            for leaf, chunk in enumerate(_structs(group.get(_COLUMNS))):
                if _CRYPTO_METADATA in chunk:
                    found.add((number, leaf))
        return frozenset(found)


def _structs(value: Value | None) -> list[Fields]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@contextmanager
def open_file(path: Path | str, name: str) -> Iterator[pa.OSFile]:
    """The file, open for reading. Anything but a regular file, which might block, raises InputError (not_parquet)."""
    with named_errors(Fault.IO_ERROR, name):
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise input_error(Fault.NOT_PARQUET, "is not a regular file", name)
        handle = pa.OSFile(os.fspath(path))
    with handle:
        yield handle


def read_footer(path: Path | str, name: str | None = None, limits: ReadLimits = DEFAULT_LIMITS) -> Footer:
    """The footer of a file; `name` is what errors call it, by default the last part of the path.

    Raises InputError: not_parquet, encrypted, unreadable_footer, too_large, no_columns, row_count_mismatch,
    duplicate_column, permission_denied, io_error, and changed_since_planning where there is no such file.
    """
    called = name or Path(path).name
    with open_file(path, called) as handle:
        return footer_of(handle, called, limits)


def footer_of(handle: pa.OSFile, name: str, limits: ReadLimits = DEFAULT_LIMITS) -> Footer:
    """The footer of an open file. Raises as `read_footer` does."""
    status = os.fstat(handle.fileno())
    with named_errors(Fault.UNREADABLE_FOOTER, name):
        raw = _footer_bytes(handle, status.st_size, name, limits)
        digest = hashlib.sha256(raw).hexdigest()
        parsed = pq.ParquetFile(handle, **reader_options(limits))
        metadata, schema = parsed.metadata, parsed.schema_arrow
        rows = tuple(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    _check_sense(metadata, rows, schema, name)
    return Footer(status.st_size, status.st_mtime_ns, digest, rows, schema, metadata, raw)


def reader_options(limits: ReadLimits) -> dict[str, Any]:
    """Options of `ParquetFile` for every file: parsing a footer is bounded, and old INT96 times are microseconds.

    Arrow's default for INT96 is nanoseconds, which wrap outside the years 1677 to 2262 without an error.
    """
    return {
        "coerce_int96_timestamp_unit": "us",
        "pre_buffer": False,
        "thrift_string_size_limit": limits.footer_bytes,
        "thrift_container_size_limit": limits.footer_elements,
    }


def _footer_bytes(handle: pa.OSFile, size: int, name: str, limits: ReadLimits) -> bytes:
    if size < len(_MAGIC) + _TAIL:
        raise input_error(Fault.NOT_PARQUET, f"has only {size} bytes", name)
    tail = handle.read_at(_TAIL, size - _TAIL)
    magic = tail[4:]
    if magic == _ENCRYPTED_MAGIC:
        raise input_error(Fault.ENCRYPTED, "the footer is encrypted", name)
    if magic != _MAGIC:
        raise input_error(Fault.NOT_PARQUET, "does not end as a Parquet file does; it may be cut short", name)
    length = int.from_bytes(tail[:4], "little")
    if length > limits.footer_bytes:
        raise input_error(
            Fault.TOO_LARGE, f"the footer has {length:,} bytes; at most {limits.footer_bytes:,} are read", name
        )
    if length > size - _TAIL:
        raise input_error(
            Fault.UNREADABLE_FOOTER, f"the footer should have {length:,} bytes, the file has {size:,}", name
        )
    footer: bytes = handle.read_at(length, size - _TAIL - length)
    return footer


def _check_sense(metadata: pq.FileMetaData, rows: tuple[int, ...], schema: pa.Schema, name: str) -> None:
    total = sum(rows)
    if min(rows, default=0) < 0 or metadata.num_rows != total:
        what = f"the footer says {metadata.num_rows:,} rows, its row groups {total:,}"
        raise input_error(Fault.ROW_COUNT_MISMATCH, what, name)
    if not schema.names and total:
        raise input_error(Fault.NO_COLUMNS, f"has {total:,} rows and no columns", name)
    twice = [word for word, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise input_error(
            Fault.DUPLICATE_COLUMN, f"the column '{twice[0]}' is there more than once", name, column=twice[0]
        )

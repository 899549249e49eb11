"""Reading one row group of a Parquet file that someone else wrote, in batches, and believing nothing of it.

The file is opened once; its identity is checked on that handle and again after the last batch. Page checksums are
verified, every batch is validated, and the rows are counted against the footer: a row group is read whole and as it
was written, or there is an InputError with the file, the row group and a code.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.plan import InputFile, Span
from transforms.dictionary_page import DictionaryPage, dictionary_page
from transforms.parquet_errors import input_error, named_errors
from transforms.parquet_footer import DEFAULT_LIMITS, Footer, ReadLimits, footer_of, open_file, reader_options
from transforms.sound_values import check_times, check_values

#: Rows of a batch. Cuts are at multiples of it from the start of the row group, so that scores, which may differ in
#: the last digit from one batch size to another, are the same whoever reads the row group.
BATCH_ROWS = 32_768


class Projection(Protocol):
    """What to read of a file; a Conformer is one."""

    @property
    def columns(self) -> Sequence[str]:
        """Top-level columns of the file, none of them nested."""

    @property
    def dictionary(self) -> Sequence[str]:
        """Those that are text and read as codes into their distinct values, where the encoding allows."""


@contextmanager
def open_span(span: Span, limits: ReadLimits = DEFAULT_LIMITS) -> Iterator[SpanReader]:
    """The row group, open for reading. Raises InputError (changed_since_planning) unless the file is the planned one."""
    with open_file(span.file.path, span.file.name) as handle:
        footer = _planned_footer(handle, span.file, limits)
        yield SpanReader(span, handle, footer, limits)


def read_span(
    span: Span, projection: Projection | None = None, limits: ReadLimits = DEFAULT_LIMITS
) -> Iterator[pa.RecordBatch]:
    """The batches of `open_span(span).batches(projection)`."""
    with open_span(span, limits) as reader:
        yield from reader.batches(projection)


def check_identity(file: InputFile, limits: ReadLimits = DEFAULT_LIMITS) -> None:
    """Raise InputError (changed_since_planning) unless size, mtime and footer are those of the plan."""
    with open_file(file.path, file.name) as handle:
        _planned_footer(handle, file, limits)


class SpanReader:
    """One row group of an open file."""

    def __init__(self, span: Span, handle: pa.OSFile, footer: Footer, limits: ReadLimits) -> None:
        self._span = span
        self._file = span.file.name
        self._group = span.row_group
        self._handle = handle
        self._footer = footer
        self._limits = limits

    @property
    def schema(self) -> pa.Schema:
        """The file's own schema."""
        return self._footer.schema

    def batches(self, projection: Projection | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of 32,768 rows, the last one shorter, with the projected columns in file order.

        None reads every column, nested ones too: for finding damage anywhere in the file. Columns of a projection
        that are text may come as `dictionary<int32, ...>`. Raises InputError; what came before it must be thrown away.
        """
        wanted = None if projection is None else set(projection.columns)
        leaves = self._leaves(wanted)
        self._check_chunks(leaves)
        self._check_int96(leaves)
        left = self._span.rows
        for batch in self._decode(leaves, list(projection.dictionary) if projection else []):
            left -= batch.num_rows
            if left < 0:
                break
            check_values(batch, self._file, self._group)
            yield batch
        if left:
            rows = "fewer" if left > 0 else "more"
            what = f"holds {rows} rows than the {self._span.rows:,} that the footer says"
            raise input_error("row_count_mismatch", what, self._file, self._group)
        _check_untouched(self._handle, self._span.file, self._group)

    def _leaves(self, wanted: set[str] | None) -> list[int]:
        """Numbers of the leaf columns to read. A name with a dot is a top-level column, never a path into a nested one."""
        schema = self._footer.metadata.schema
        leaves = range(len(schema))
        if wanted is None:
            return list(leaves)
        return [i for i in leaves if (leaf := schema.column(i)).path == leaf.name and leaf.name in wanted]

    def _check_chunks(self, leaves: Sequence[int]) -> None:
        """Refuse what does not fit the file or the memory before any of it is decoded."""
        rows, total = self._span.rows, 0
        with named_errors("unreadable_footer", self._file, self._group):
            group = self._footer.metadata.row_group(self._group)
            for leaf in leaves:
                chunk = group.column(leaf)
                flat = self._footer.metadata.schema.column(leaf).max_repetition_level == 0
                if flat and chunk.num_values != rows:
                    what = f"column '{chunk.path_in_schema}' has {chunk.num_values:,} values for {rows:,} rows"
                    raise input_error("row_count_mismatch", what, self._file, self._group, chunk.path_in_schema)
                if not 0 <= chunk.total_compressed_size <= self._footer.bytes:
                    what = f"column '{chunk.path_in_schema}' should be larger than its file"
                    raise input_error("unreadable_footer", what, self._file, self._group, chunk.path_in_schema)
                total += max(chunk.total_uncompressed_size, chunk.total_compressed_size)
        if total > self._limits.row_group_bytes:
            what = f"has {total:,} bytes to decode; at most {self._limits.row_group_bytes:,} are read"
            raise input_error("too_large", what, self._file, self._group)

    def _check_int96(self, leaves: Sequence[int]) -> None:
        """Refuse INT96 times outside the years 1 to 9999, wrapped ones included.

        INT96 is a day in 32 bits and a time of day in 64. As microseconds in 64 bits most of that range wraps, and may
        wrap into a date that looks right; as seconds none of it can. Where the seconds are within the years 1 to 9999
        the microseconds are exact.
        """
        schema = self._footer.metadata.schema
        old = [leaf for leaf in leaves if schema.column(leaf).physical_type == "INT96"]
        if old:
            for batch in self._arrow_batches(old, coerce_int96_timestamp_unit="s"):
                check_times(batch, self._file, self._group)

    def _decode(self, leaves: Sequence[int], text: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Batches cut at multiples of BATCH_ROWS; text columns as codes where that is safe."""
        pages = self._dictionary_pages(leaves, text)
        first = next(self._arrow_batches(leaves, read_dictionary=list(pages)), None)
        if first is not None:
            pages = {name: page for name, page in pages.items() if _agrees(page, first.column(name))}
        for batch in recut(self._arrow_batches(leaves, read_dictionary=list(pages)), BATCH_ROWS):
            for name, page in pages.items():
                if not _agrees(page, batch.column(name)):
                    what = f"column '{name}' has a dictionary that lists a value twice"
                    raise input_error("duplicate_dictionary_value", what, self._file, self._group, name)
            yield batch

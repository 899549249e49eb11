"""Reading one row group of a Parquet file that someone else wrote, in batches, and believing nothing of it.

The file is opened once; its identity is checked on that handle and again after the last batch. Page checksums are
verified, every batch is validated, and the rows are counted against the footer: a row group is read whole and as it
was written, or there is an InputError with the file, the row group and a code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NoReturn, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from schemas.plan import InputFile, Span
from transforms.dictionary_page import DictionaryPage, dictionary_page
from transforms.parquet_errors import Fault, input_error, named_errors
from transforms.parquet_footer import DEFAULT_LIMITS, Footer, ReadLimits, reader_options
from transforms.planned_file import check_untouched, open_planned
from transforms.recut import recut
from transforms.sound_values import check_times, check_values

#: Rows of a batch. Cuts are at multiples of it from the start of the row group, so that scores, which may differ in
#: the last digit from one batch size to another, are the same whoever reads the row group.
BATCH_ROWS = 32_768

_ENCODINGS_OF_CODES = frozenset({"PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"})


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
    """The row group, open for reading. A file that is not as planned raises InputError (changed_since_planning)."""
    with open_planned(span.file, limits) as (handle, footer):
        yield SpanReader(span, handle, footer, limits)


def read_span(
    span: Span, projection: Projection | None = None, limits: ReadLimits = DEFAULT_LIMITS
) -> Iterator[pa.RecordBatch]:
    """The batches of `open_span(span).batches(projection)`."""
    with open_span(span, limits) as reader:
        yield from reader.batches(projection)


def check_identity(file: InputFile, limits: ReadLimits = DEFAULT_LIMITS) -> None:
    """Raise InputError (changed_since_planning) unless size, mtime and footer are those of the plan."""
    with open_planned(file, limits):
        pass


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
            raise input_error(Fault.ROW_COUNT_MISMATCH, what, self._file, self._group)
        check_untouched(self._handle, self._span.file, self._group)

    def _leaves(self, wanted: set[str] | None) -> list[int]:
        """Numbers of the leaf columns to read. A wanted name is a top-level column's, also where it has a dot."""
        schema = self._footer.metadata.schema
        leaves = range(len(schema))
        if wanted is None:
            return list(leaves)
        return [i for i in leaves if (leaf := schema.column(i)).path == leaf.name and leaf.name in wanted]

    def _check_chunks(self, leaves: Sequence[int]) -> None:
        """Refuse what does not fit the file or the memory before any of it is decoded."""
        total = 0
        for leaf in leaves:
            with named_errors(Fault.UNREADABLE_FOOTER, self._file, self._group):
                column = self._footer.metadata.schema.column(leaf)
                if (self._group, leaf) in self._footer.encrypted:
                    self._refuse(Fault.ENCRYPTED, "is encrypted", column.path)
                chunk = self._footer.metadata.row_group(self._group).column(leaf)
            if column.max_repetition_level == 0 and chunk.num_values != self._span.rows:
                what = f"has {chunk.num_values:,} values for {self._span.rows:,} rows"
                self._refuse(Fault.ROW_COUNT_MISMATCH, what, column.path)
            if not 0 <= chunk.total_compressed_size <= self._footer.bytes:
                self._refuse(Fault.UNREADABLE_FOOTER, "should be larger than its file", column.path)
            total += max(chunk.total_uncompressed_size, chunk.total_compressed_size)
        if total > self._limits.row_group_bytes:
            what = f"has {total:,} bytes to decode; at most {self._limits.row_group_bytes:,} are read"
            raise input_error(Fault.TOO_LARGE, what, self._file, self._group)

    def _refuse(self, fault: Fault, what: str, column: str) -> NoReturn:
        raise input_error(fault, f"column '{column}' {what}", self._file, self._group, column)

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
        done = 0
        while True:
            source = recut(self._arrow_batches(leaves, read_dictionary=list(pages)), BATCH_ROWS)
            for batch in islice(source, done, None):
                wrong = [name for name, page in pages.items() if page and not _holds(page, batch.column(name))]
                if wrong:
                    break
                yield batch
                done += 1
            else:
                return
            # What was handed on so far was right. From here on these columns are read value by value.
            pages = {name: page for name, page in pages.items() if name not in wrong}
            for name in wrong:
                self._refuse_stored_codes(name)

    def _refuse_stored_codes(self, name: str) -> None:
        """Raise InputError where the file's own Arrow schema makes pyarrow decode the column as codes at any rate."""
        if pt.is_dictionary(self.schema.field(name).type):
            self._refuse(Fault.DUPLICATE_DICTIONARY_VALUE, "has a dictionary that lists a value twice", name)

    def _dictionary_pages(self, leaves: Sequence[int], text: Sequence[str]) -> dict[str, DictionaryPage | None]:
        """The columns to read as codes, each with its dictionary page if it has one."""
        schema, group = self._footer.metadata.schema, self._footer.metadata.row_group(self._group)
        stored = (f.name for f in self.schema if pt.is_dictionary(f.type))
        wanted = {*text, *stored}
        pages = {}
        for leaf in leaves:
            column, chunk = schema.column(leaf), group.column(leaf)
            top_level = column.path == column.name
            # pyarrow cannot decode the DELTA encodings to codes.
            if top_level and column.name in wanted and set(chunk.encodings) <= _ENCODINGS_OF_CODES:
                pages[column.name] = dictionary_page(self._handle, chunk)
        return pages

    def _arrow_batches(self, leaves: Sequence[int], **options: Any) -> Iterator[pa.RecordBatch]:
        """Batches as pyarrow cuts them, every error named."""
        settings = {**reader_options(self._limits), **options}
        with named_errors(Fault.CORRUPT_PAGE, self._file, self._group):
            parsed = pq.ParquetFile(
                self._handle, metadata=self._footer.metadata, page_checksum_verification=True, **settings
            )
            # ParquetFile.iter_batches takes names, which may mean paths into nested columns; its reader takes numbers.
            batches = parsed.reader.iter_batches(
                BATCH_ROWS, [self._group], column_indices=list(leaves), use_threads=False
            )
        while True:
            with named_errors(Fault.CORRUPT_PAGE, self._file, self._group):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


def _holds(page: DictionaryPage, array: pa.Array) -> bool:
    """An array that pyarrow did not decode to codes, such as an extension type's, has nothing that could be wrong."""
    return not pt.is_dictionary(array.type) or page.holds(array.dictionary)

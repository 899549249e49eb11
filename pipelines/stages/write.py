"""Writing one unit's rows into one staged Parquet file, with page checksums, the same bytes for the same rows."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.files import file_sha256
from pipelines.outcome import PartFile

#: Rows of one row group of a part; small row groups of the input are joined up to it.
ROWS_PER_GROUP = 131_072


class PartWriter:
    """Appends batches to a staged file with an attempt-unique name; nothing is created before the first row.

    A retried unit, a twin or a zombie writes another name, so nobody ever writes over somebody else's file.
    """

    def __init__(self, run_folder: Path, stem: str, schema: pa.Schema) -> None:
        self._run_folder = run_folder
        self._path = run_folder / "staged" / f"{stem}-{uuid.uuid4().hex}.parquet"
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._rows = 0

    def append(self, batch: pa.RecordBatch) -> None:
        """Add rows in `schema`."""
        if not batch.num_rows:
            return
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        self._rows += batch.num_rows
        if self._pending_rows >= ROWS_PER_GROUP:
            self._flush()

    def finish(self) -> PartFile | None:
        """Close the file and put it on disk. None, and no file, when no row was appended."""
        return self.finish_even_if_empty() if self._rows else None

    def finish_even_if_empty(self) -> PartFile:
        """Close the file and put it on disk; with no row it has the columns alone."""
        self._flush()
        self._open().close()
        with self._path.open("rb") as stream:
            os.fsync(stream.fileno())
        name = self._path.relative_to(self._run_folder).as_posix()
        return PartFile(name, file_sha256(self._path), self._rows, self._path.stat().st_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            if self._writer is not None:
                self._writer.close()
            self._path.unlink(missing_ok=True)

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = open_writer(self._path, self._schema)
        return self._writer

    def _flush(self) -> None:
        if self._pending:
            table = pa.Table.from_batches(self._pending, self._schema).combine_chunks()
            self._open().write_table(table, row_group_size=ROWS_PER_GROUP * 2)
            self._pending, self._pending_rows = [], 0


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer with the settings of every published file.

    Only text is dictionary-encoded: scores hardly repeat, and trying costs CPU. No Arrow schema is stored, so any
    reader gives plain types.
    """
    text = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=text or False,
        write_page_checksum=True,
        store_schema=False,
    )

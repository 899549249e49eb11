"""Holding the rows of one row group until it is known that all of it could be read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

#: Rows beyond this many bytes wait on disk.
MEMORY_BYTES = 64 * 1024 * 1024


class BatchBuffer:
    """Batches of one schema in order, in memory up to a limit and in a temporary file beyond it."""

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        self._folder = folder
        self._limit = memory_bytes
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._spilled: tempfile._TemporaryFileWrapper[bytes] | None = None
        self._stream: pa.RecordBatchStreamWriter | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch; all have the first one's schema."""
        if not batch.num_rows:
            return
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes > self._limit:
            self._spill()

    def drain(self) -> Iterator[pa.RecordBatch]:
        """All batches in order; the buffer is empty afterwards."""
        if self._spilled is not None and self._stream is not None:
            self._stream.close()
            self._spilled.seek(0)
            with pa.ipc.open_stream(self._spilled) as reader:
                yield from reader
        yield from self._held
        self.close()

    def close(self) -> None:
        """Forget everything; the temporary file goes."""
        self._held, self._held_bytes, self._stream = [], 0, None
        if self._spilled is not None:
            self._spilled.close()
            self._spilled = None

    def _spill(self) -> None:
        if self._spilled is None or self._stream is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._spilled = tempfile.NamedTemporaryFile(dir=self._folder, prefix="spill-", suffix=".arrow")  # noqa: SIM115  # lives until close()
            self._stream = pa.ipc.new_stream(self._spilled, self._held[0].schema)
        for batch in self._held:
            self._stream.write_batch(batch)
        self._held, self._held_bytes = [], 0

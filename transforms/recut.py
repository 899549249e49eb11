"""Batches cut at fixed rows, however their source cut them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def recut(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of exactly `rows`, the last one shorter; empty batches are left out.

    pyarrow cuts a batch short where a column comes in pieces, such as text over 2 GiB.
    """
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        if not held and batch.num_rows == rows:
            yield batch
            continue
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(held)
            yield _joined(table.slice(0, rows))
            held, count = table.slice(rows).to_batches(), count - rows
    if count:
        yield held[0] if len(held) == 1 else _joined(pa.Table.from_batches(held))


def _joined(table: pa.Table) -> pa.RecordBatch:
    (batch,) = table.unify_dictionaries().combine_chunks().to_batches()
    return batch

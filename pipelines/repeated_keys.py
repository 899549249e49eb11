"""Rows whose key occurs more than once: candidates by hash, confirmed by reading just those rows' values again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.uniqueness import find_duplicates
from schemas.contract import TableContract
from schemas.plan import Plan, Span
from transforms.conform import Conformer
from transforms.read_span import open_span


def repeated_rows(
    files: Sequence[Path], bucket: int, columns: Sequence[str], contract: TableContract, plan: Plan
) -> npt.NDArray[np.int64]:
    """Ascending positions of the rows in that bucket of key hashes whose key occurs more than once.

    Hashes of one integer column are as good as its values; others are confirmed by reading those rows again.
    """
    kinds = {column.name: column.type for column in contract}
    injective = len(columns) == 1 and "int" in kinds[columns[0]]
    values = None if injective else lambda positions: values_at(positions, columns, contract, plan)
    return find_duplicates(files, bucket, values)


def values_at(
    positions: npt.NDArray[np.int64], columns: Sequence[str], contract: TableContract, plan: Plan
) -> pa.Table:
    """The conformed values of those columns at the ascending `positions`, one row each."""
    narrow = narrowed(contract, columns)
    found: list[pa.Table] = []
    for span in (span for unit in plan.units for span in unit.spans):
        start, stop = np.searchsorted(positions, [span.first_row, span.first_row + span.rows])
        if stop > start:
            found.append(_values_in_span(span, positions[start:stop] - span.first_row, narrow))
    return pa.concat_tables(found).select(list(columns))


def narrowed(contract: TableContract, columns: Collection[str]) -> TableContract:
    """The contract of those columns alone."""
    kept = tuple(column for column in contract if column.name in columns)
    return contract.model_copy(update={"extra_columns": "ignore", "columns": kept})


def _values_in_span(span: Span, rows: npt.NDArray[np.int64], contract: TableContract) -> pa.Table:
    taken, first = [], 0
    with open_span(span) as source:
        conformer = Conformer.for_file(contract, source.schema, span.file.partition, span.file.name)
        for raw in source.batches(conformer):
            here = rows[(rows >= first) & (rows < first + raw.num_rows)] - first
            if len(here):
                batch, _ = conformer.apply(raw, span.first_row_in_file + first)
                taken.append(batch.take(pa.array(here)))
            first += raw.num_rows
    return pa.Table.from_batches(taken)

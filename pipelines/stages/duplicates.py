"""Duplicate keys across all files: candidates by hash, confirmed by the values themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_checks.uniqueness import find_duplicates
from schemas.contract import TableContract
from schemas.plan import Plan, Span
from transforms.conform import Conformer
from transforms.read_span import open_span

#: Positions of duplicate rows that are kept for the report.
MAX_POSITIONS = 20


@dataclass(frozen=True)
class Duplicates:
    """Rows whose key occurs more than once."""

    rows: int = 0
    #: The first ones, as positions in the night's input.
    positions: tuple[int, ...] = ()

    def merge(self, other: Duplicates) -> Duplicates:
        """The sum of both; no key is in two buckets."""
        return Duplicates(self.rows + other.rows, tuple(sorted(self.positions + other.positions)[:MAX_POSITIONS]))

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {"rows": self.rows, "positions": list(self.positions)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Duplicates:
        """What `to_json` wrote."""
        return cls(int(raw["rows"]), tuple(raw["positions"]))


def confirmed_duplicates(
    files: Sequence[Path], columns: Sequence[str], contract: TableContract, plan: Plan
) -> Duplicates:
    """The rows of duplicate keys in one bucket of key hashes.

    Hashes of one integer column are as good as its values; others are confirmed by reading those rows again.
    """
    kinds = {column.name: column.type for column in contract}
    injective = len(columns) == 1 and "int" in kinds[columns[0]]
    values = None if injective else lambda positions: values_at(positions, columns, contract, plan)
    rows = find_duplicates(files, values)
    return Duplicates(len(rows), tuple(int(row) for row in np.sort(rows)[:MAX_POSITIONS]))


def values_at(
    positions: npt.NDArray[np.int64], columns: Sequence[str], contract: TableContract, plan: Plan
) -> pa.Table:
    """The conformed values of those columns at the ascending `positions`, one row each."""
    narrow = contract.model_copy(
        update={"extra_columns": "ignore", "columns": tuple(c for c in contract if c.name in columns)}
    )
    found: list[pa.Table] = []
    for span in (span for unit in plan.units for span in unit.spans):
        start, stop = np.searchsorted(positions, [span.first_row, span.first_row + span.rows])
        if stop > start:
            found.append(_values_in_span(span, positions[start:stop] - span.first_row, narrow))
    return pa.concat_tables(found).select(list(columns))


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

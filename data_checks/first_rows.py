"""The first rows, by their place in the night's input, that break a rule: examples for people."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pt

from data_checks.columns import Mask

Positions = npt.NDArray[np.int64]


@dataclass
class FirstRows:
    """At most `limit` rows. `merge` is exactly commutative and associative, and the empty value its identity.

    A limit of 0 keeps no value of the data, whatever is added.
    """

    limit: int
    #: Ascending places in the night's input.
    positions: list[int] = field(default_factory=list)
    #: The rows at those places; None while there are none.
    rows: pa.RecordBatch | None = None

    def add(self, batch: pa.RecordBatch, columns: Sequence[str], positions: Positions, broken: Mask) -> None:
        """Add the broken rows of a batch. `positions` ascends and has one place a row."""
        if not self.limit or (len(self.positions) == self.limit and int(positions[0]) > self.positions[-1]):
            return
        first = np.flatnonzero(broken)[: self.limit]
        if len(first):
            taken = pa.record_batch({name: _plain(batch.column(name).take(pa.array(first))) for name in columns})
            self._keep([*self.positions, *positions[first].tolist()], taken)

    def merge(self, other: FirstRows) -> None:
        """Add `other`, which stays as it is."""
        if other.rows is not None:
            self._keep([*self.positions, *other.positions], other.rows)

    def _keep(self, positions: list[int], more: pa.RecordBatch) -> None:
        rows = [more] if self.rows is None else [self.rows, more]
        order = np.argsort(np.array(positions, np.int64), kind="stable")[: self.limit]
        table = pa.Table.from_batches(rows).take(pa.array(order)).combine_chunks()
        self.positions = [positions[index] for index in order]
        self.rows = table.to_batches()[0]

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible: the rows as an Arrow stream, which keeps every type exactly."""
        return {
            "limit": self.limit,
            "positions": self.positions,
            "rows": None if self.rows is None else _pack(self.rows),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        rows = None if raw["rows"] is None else _unpack(raw["rows"])
        return cls(int(raw["limit"]), list(raw["positions"]), rows)


def _plain(array: pa.Array) -> pa.Array:
    return array.cast(array.type.value_type) if pt.is_dictionary(array.type) else array


def _pack(rows: pa.RecordBatch) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    return base64.b64encode(sink.getvalue()).decode("ascii")


def _unpack(text: str) -> pa.RecordBatch:
    with pa.ipc.open_stream(base64.b64decode(text)) as reader:
        return reader.read_next_batch()

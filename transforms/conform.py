"""A file's batches as batches of the table contract: its columns, order and types, and the rows that break it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from schemas.breach import Breach
from schemas.contract import TableContract
from schemas.errors import InputError
from transforms.cast_values import cast_values
from transforms.casts import Kind, kind_of
from transforms.misfits import Mask, texts
from transforms.reconcile import Source, reconcile


@dataclass(frozen=True)
class Conformer:
    """How the batches of one file become batches of the contract. Holds no rows, never changes, and pickles."""

    file_name: str
    #: Of a conformed batch.
    schema: pa.Schema
    sources: tuple[Source, ...]
    #: Top-level columns to read of the file.
    columns: tuple[str, ...]
    #: Those of them to read as codes into their distinct values.
    dictionary: tuple[str, ...]
    #: The file's other columns, in file order.
    ignored: tuple[str, ...]

    @classmethod
    def for_file(
        cls, contract: TableContract, schema: pa.Schema, partition: tuple[tuple[str, str], ...], file_name: str
    ) -> Self:
        """The conformer of a file with that schema, in folders of those Hive values.

        A partition column takes the folder's value; where no folder gives one, a column of the file. Raises InputError
        naming file, column, both types and what to do, with every column that cannot be reconciled.
        """
        sources, ignored = reconcile(contract, schema, dict(partition), file_name)
        columns = tuple(source.column.name for source in sources if source.in_file)
        text = (Kind.TEXT, Kind.BYTES)
        codes = (s.column.name for s in sources if s.in_file and pt.is_dictionary(s.target))
        dictionary = tuple(name for name in codes if kind_of(schema.field(name).type) in text)
        conformed = pa.schema([pa.field(source.column.name, source.target) for source in sources])
        return cls(file_name, conformed, sources, columns, dictionary, ignored)

    def apply(self, raw: pa.RecordBatch, first_row_in_file: int = 0) -> tuple[pa.RecordBatch, list[Breach]]:
        """The conformed batch, and the rows that break the contract; as many rows as came in.

        `raw` has the file columns of `columns`, in any order. A value that does not fit its type is null in the batch
        and a breach with reason `type_error` and its text in the details; a null or NaN where the contract allows none
        is a breach with reason `null`. Raises InputError where a row disagrees with its folder's name.
        """
        arrays: list[pa.Array] = []
        breaches: list[Breach] = []
        for source in self.sources:
            values, misfits = self._values(source, raw, first_row_in_file)
            arrays.append(values)
            if misfits is not None:
                details = texts(raw.column(source.column.name), misfits)
                breaches.append(_breach(source, "type_error", misfits, details))
            missing = None if source.column.nullable else _missing(values)
            if missing is not None and misfits is not None:
                missing &= ~misfits
            if missing is not None and missing.any():
                breaches.append(_breach(source, "null", missing, {}))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema), breaches

    def _values(self, source: Source, raw: pa.RecordBatch, first_row: int) -> tuple[pa.Array, Mask | None]:
        if not source.in_file:
            return _repeated(source, raw.num_rows), None
        name = source.column.name
        try:
            cast = cast_values(raw.column(name), source.target)
        except pa.ArrowException as error:
            message = f"{self.file_name}: column '{name}' cannot be held as {source.column.type}; write smaller texts"
            raise InputError(message, code="type_mismatch", file=self.file_name, column=name) from error
        if source.constant is None:
            return cast.values, cast.misfits
        repeated = _repeated(source, raw.num_rows)
        differs = _different(cast.values, repeated)
        if cast.misfits is not None:
            differs |= cast.misfits
        self._check_folder(source, differs, raw.column(name), first_row)
        return repeated, None

    def _check_folder(self, source: Source, differs: Mask, original: pa.Array, first_row: int) -> None:
        """A column that is in the folder's name and in the file must say the same in both."""
        if not differs.any():
            return
        row = int(np.argmax(differs))
        found = texts(original, np.arange(len(differs)) == row)[row]
        message = (
            f"{self.file_name}: row {first_row + row}: column '{source.column.name}' is {found}, but the file lies in "
            f"the folder of {source.constant}. Move the row to its folder, or leave the column out of the file."
        )
        facts = {"file": self.file_name, "row": first_row + row, "column": source.column.name}
        raise InputError(message, code="partition_mismatch", **facts)


def _repeated(source: Source, rows: int) -> pa.Array:
    value = source.constant
    return pa.repeat(value, rows) if value is not None and value.is_valid else pa.nulls(rows, source.target)


def _different(left: pa.Array, right: pa.Array) -> Mask:
    """Shape (rows,): where the values differ; two nulls are the same."""
    unequal = pc.not_equal(left, right)
    one_null = pc.xor(left.is_null(), right.is_null())
    different: Mask = pc.coalesce(unequal, one_null).to_numpy(zero_copy_only=False)
    return different


def _missing(values: pa.Array) -> Mask | None:
    """Shape (rows,): where null or NaN. None where it can be told without a look at the values that there is none."""
    if pt.is_floating(values.type):
        mask: Mask = np.isnan(values.to_numpy(zero_copy_only=False))
        return mask
    if not values.null_count:
        return None
    nulls: Mask = values.is_null().to_numpy(zero_copy_only=False)
    return nulls


def _breach(source: Source, reason: str, mask: Mask, details: dict[int, str]) -> Breach:
    outcome = source.on_type_error if reason == "type_error" else source.on_null
    return Breach(f"schema:{source.column.name}", source.column.name, reason, outcome, mask, details)

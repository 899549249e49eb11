"""Outcomes that became known later, joined to the scored rows by their keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_checks.calibration import Calibration
from data_checks.columns import BatchColumns
from data_checks.expectations.batch_values import BatchValues
from data_checks.expectations.misfit import Misfit
from data_checks.row_filter import RowFilter, compile_filter
from pipelines.reference import parquet_files
from schemas.condition_reading import parse_row_condition
from schemas.contract import Column, TableContract
from schemas.errors import ConfigError, InputError
from transforms.arrow_types import logical_type, value_type

_OUTCOME = "__outcome__"


@dataclass(frozen=True)
class Labels:
    """What happened to each row, by its key."""

    files: tuple[Path, ...]
    keys: tuple[str, ...]
    #: Says of a row of the labels whether it was of the model's second class.
    truth: RowFilter
    contract: TableContract
    source: str

    @classmethod
    def read(cls, place: Path, truth: str, contract: TableContract) -> Self:
        """The labels in a folder, a glob or a file of Parquet; `contract` is that of the scored rows and has the keys.

        `truth` is a condition such as `col("arr_delay") >= 15`. Raises ConfigError where there are no files, keys are
        missing or of other types, or the condition does not fit the labels' columns.
        """
        files = tuple(parquet_files([place]))
        keys = contract.names("key")
        if not keys:
            message = "--labels: the contract names no key column, so labels cannot be joined to scored rows"
            raise ConfigError(message, code="labels_without_key")
        schema = _schema_of(files[0])
        lacking = [name for name in keys if name not in schema.names]
        if lacking:
            message = f"--labels: {files[0]} has no column '{lacking[0]}', which is a key of the scored rows"
            raise ConfigError(message, code="labels_without_key", column=lacking[0])
        found = _contract(schema, contract)
        return cls(files, keys, _condition(truth, found), found, truth)

    @cached_property
    def outcomes(self) -> pa.Table:
        """Keys and whether it was the second class; rows whose outcome is null are left out.

        Raises ConfigError where a file does not have the first one's columns, or a key has two outcomes.
        """
        tables = [self._outcomes_in(path) for path in self.files]
        whole = pa.concat_tables(tables)
        if whole.group_by(list(self.keys)).aggregate([]).num_rows < whole.num_rows:
            message = "--labels: a key has more than one outcome: each scored row may have one only"
            raise ConfigError(message, code="labels_repeat_keys")
        return whole

    def _outcomes_in(self, path: Path) -> pa.Table:
        names = [*dict.fromkeys([*self.keys, *self.truth.columns])]
        try:
            table = pq.read_table(path, columns=names, partitioning=None)
        except (OSError, pa.ArrowException, KeyError) as error:
            message = f"--labels: {path} cannot be read: {_first_line(error)}"
            raise ConfigError(message, code="labels_unreadable") from None
        table = _as_contract(table, self.contract, path)
        for name in names:
            table = table.filter(_known(table.column(name)))
        table = table.combine_chunks()
        keys = table.select(list(self.keys))
        batches = table.to_batches()
        masks = [self.truth.mask(BatchValues(BatchColumns(batch))) for batch in batches]
        happened = np.concatenate([np.zeros(0, np.bool_), *masks])
        return keys.append_column(_OUTCOME, pa.array(happened))

    def add_to(self, state: Calibration, scored: Sequence[Path], score: str) -> int:
        """Count the scored rows of those files whose outcome is known; how many others there are.

        Raises InputError where a file cannot be read, or was scored before the job had these columns.
        """
        rows = _scored_rows(scored, [*self.keys, score])
        cast = {name: rows.schema.field(name).type for name in self.keys}
        outcomes = self.outcomes
        for name, kind in cast.items():
            place = outcomes.schema.get_field_index(name)
            outcomes = outcomes.set_column(place, name, outcomes.column(name).cast(kind))
        joined = rows.join(outcomes, keys=list(self.keys), join_type="left outer")
        known = pc.is_valid(joined.column(_OUTCOME))
        unknown: int = joined.num_rows - int(pc.sum(known).as_py() or 0)
        joined = joined.filter(known).sort_by([(name, "ascending") for name in self.keys])
        probabilities: npt.NDArray[np.floating] = joined.column(score).to_numpy()
        state.add(probabilities, joined.column(_OUTCOME).to_numpy().astype(np.bool_))
        return unknown


def _condition(truth: str, contract: TableContract) -> RowFilter:
    """The condition on the labels' columns. Raises ConfigError where it is none, or does not fit them."""
    try:
        return compile_filter(parse_row_condition(truth, None), contract)
    except (ValueError, Misfit) as error:
        # The reader's words are those for a suite: its conditions are on the columns of the table contract.
        words = re.sub(r"^row_condition[:, ]*", "", str(error)).replace("the table contract", "the labels")
        message = f"--truth: {words}"
        raise ConfigError(message, code="bad_truth") from None


def _known(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """True where neither null nor NaN."""
    valid = values.is_valid()
    return pc.and_(valid, pc.invert(pc.is_nan(values)).fill_null(fill_value=False)) if _is_float(values) else valid


def _is_float(values: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(values.type))


def _scored_rows(paths: Sequence[Path], columns: list[str]) -> pa.Table:
    try:
        return pa.concat_tables([pq.read_table(path, columns=columns, partitioning=None) for path in paths])
    except (OSError, pa.ArrowException) as error:
        where = paths[0].parent if paths else "the partition"
        message = f"{where}: no columns {', '.join(columns)} to hold against the labels: {_first_line(error)}"
        raise InputError(message, code="scored_rows_unreadable") from None


def _schema_of(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        message = f"--labels: {path} cannot be read: {_first_line(error)}"
        raise ConfigError(message, code="labels_unreadable") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def _contract(schema: pa.Schema, scored: TableContract) -> TableContract:
    """The labels' columns by their types; keys have the types of the scored rows."""
    columns: dict[str, Column] = {}
    for field in schema:
        known = scored.column(field.name)
        kind = known.type if known is not None and known.role == "key" else logical_type(field.type)
        if kind is not None and field.name:
            columns[field.name] = Column(name=field.name, type=kind)
    return TableContract(columns=tuple(columns.values()))


def _as_contract(table: pa.Table, contract: TableContract, path: Path) -> pa.Table:
    for place, name in enumerate(table.column_names):
        column = contract.column(name)
        if column is None:
            continue
        try:
            table = table.set_column(place, name, table.column(name).cast(value_type(column.type)))
        except pa.ArrowException as error:
            message = f"--labels: {path}: column '{name}' is not {column.type}: {_first_line(error)}"
            raise ConfigError(message, code="labels_of_other_type", column=name) from None
    return table

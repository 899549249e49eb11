"""Where a file has each column of the table contract: in a column of its own, in its folder's name, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from schemas.breach import Outcome
from schemas.contract import Column, TableContract
from schemas.errors import InputError
from schemas.yaml_source import did_you_mean
from transforms.arrow_types import arrow_type, logical_type
from transforms.casts import allowed, kind_of
from transforms.partition_values import partition_value

#: Files with more columns than this do not have them all listed in an error.
_LISTED = 20


@dataclass(frozen=True)
class Source:
    """Where a contract column comes from, and what a value that breaks it does to its row."""

    column: Column
    target: pa.DataType
    on_type_error: Outcome
    on_null: Outcome
    in_file: bool
    #: What every row has: the folder's value, or null where the column is nowhere. With `in_file` too, the file must
    #: agree with the folder in every row.
    constant: pa.Scalar | None = None


@dataclass(frozen=True)
class Mismatch:
    """Why a column of a file cannot be reconciled with the contract."""

    code: str
    column: str
    text: str


@dataclass(frozen=True)
class FileColumns:
    """What one file offers."""

    #: Type by name.
    types: Mapping[str, pa.DataType]
    #: Text by key.
    partition: Mapping[str, str]

    def source(self, contract: TableContract, column: Column) -> Source | Mismatch:
        """Where the column comes from, or why it cannot."""
        target = arrow_type(column)
        outcomes = (column.on_type_error or contract.on_type_error, column.on_null or contract.on_null)
        in_file = column.name in self.types
        if in_file and not allowed(self.types[column.name], target):
            return self._type_mismatch(column)
        if column.role == "partition" and column.name in self.partition:
            try:
                value = partition_value(self.partition[column.name], target)
            except ValueError as error:
                text = f"the folder's name gives column '{column.name}' a value that the contract refuses: {error}"
                return Mismatch("bad_partition_value", column.name, f"{text}. Rename the folder or change the type.")
            return Source(column, target, *outcomes, in_file, value)
        if in_file:
            return Source(column, target, *outcomes, in_file=True)
        if contract.missing_columns == "null" and column.nullable:
            return Source(column, target, *outcomes, in_file=False, constant=pa.scalar(None, target))
        return self._missing(column)

    def _missing(self, column: Column) -> Mismatch:
        place = "file, nor is it in a folder's name" if column.role == "partition" else "file"
        hint = _near_name(column.name, tuple(self.types))
        rescue = "let `missing_columns: null` read it as nulls, " if column.nullable else ""
        advice = f"Write it, {rescue}or take it out of the schema."
        text = f"column '{column.name}' ({column.type}) is not in the {place}{hint} {advice}"
        return Mismatch("missing_column", column.name, text)

    def _type_mismatch(self, column: Column) -> Mismatch:
        found = self.types[column.name]
        shown = str(found)
        if kind_of(found) is None:
            advice = "A contract's column has one plain value in a row: leave it out of the schema, or write it flat."
        else:
            word = logical_type(found)
            shown += f" (a contract's {word})" if word not in (None, shown) else ""
            takes = "the model takes that" if column.role == "feature" else "that is what it should be"
            change = f", or declare it as {word} in the schema where {takes}" if word else ""
            advice = f"Write it as {column.type}{change}; no cast from the one to the other is safe."
        text = f"column '{column.name}' is {shown} in the file and {column.type} in the contract. {advice}"
        return Mismatch("type_mismatch", column.name, text)


def reconcile(
    contract: TableContract, schema: pa.Schema, partition: Mapping[str, str], file_name: str
) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """The source of each contract column in order, and the file's columns that the contract does not name.

    Raises InputError with every mismatch: missing_column, type_mismatch, bad_partition_value, extra_column.
    """
    file = FileColumns({field.name: field.type for field in schema}, partition)
    found = [file.source(contract, column) for column in contract]
    named = set(contract.names())
    extra = tuple(name for name in schema.names if name not in named)
    mismatches = [item for item in found if isinstance(item, Mismatch)]
    if contract.extra_columns == "error":
        mismatches += _extras(extra, contract)
    if mismatches:
        raise _error(mismatches, file_name)
    return tuple(item for item in found if isinstance(item, Source)), extra


def _extras(names: tuple[str, ...], contract: TableContract) -> Iterator[Mismatch]:
    for name in names:
        hint = _near_name(name, contract.names())
        advice = "Add it to the schema, or let `extra_columns: ignore` pass it over."
        yield Mismatch("extra_column", name, f"column '{name}' is not in the table contract{hint} {advice}")


def _near_name(name: str, known: tuple[str, ...]) -> str:
    """The end of a sentence about a name that is not known, with a hint where there is one; capitals count."""
    same = [word for word in known if word.casefold() == name.casefold()]
    if same:
        return f"; there is '{same[0]}', but capitals count."
    hint = did_you_mean(name, known)
    if hint.endswith("?"):
        return hint
    return f"{hint}." if len(known) <= _LISTED else "."


def _error(mismatches: list[Mismatch], file_name: str) -> InputError:
    first = mismatches[0]
    if len(mismatches) == 1:
        message = f"{file_name}: {first.text}"
    else:
        lines = "\n".join(f"  {item.text}" for item in mismatches)
        message = f"{file_name}: {len(mismatches)} columns do not fit the table contract\n{lines}"
    columns = [item.column for item in mismatches]
    return InputError(message, code=first.code, file=file_name, row_group=None, column=first.column, columns=columns)

"""The table contract (schema.yaml): which columns the night's data has, of which type, and what a breach does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.strict import Strict
from schemas.yaml_source import did_you_mean, read_yaml, validate

#: The logical types without parameters; timestamps and decimals have their own patterns.
PLAIN_TYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "string", "binary", "date"),
)
_TIMESTAMP = re.compile(r"timestamp(\[(?P<zone>[A-Za-z0-9_+\-/:]{1,64})\])?")
_DECIMAL = re.compile(r"decimal\((?P<precision>\d{1,2}), ?(?P<scale>\d{1,2})\)")
_MAX_DECIMAL_PRECISION = 38

#: key: names the row, copied to every output; feature: judged, profiled, may feed a model;
#: passthrough: judged, may be copied to the output; partition: comes from the folder's name.
Role = Literal["key", "feature", "passthrough", "partition"]
Breach = Literal["fail", "quarantine"]


class Column(Strict):
    """One column: its logical type, whether null is allowed, its role, and what a breach of either does to the row."""

    name: str = Field(min_length=1, max_length=500)
    type: str
    nullable: bool = True
    role: Role = "feature"
    #: None: as the table's own policy says.
    on_type_error: Breach | None = None
    on_null: Breach | None = None
    description: str = ""
    #: Its values are never shown in results and reports, whatever the job allows; only counts and aggregates are.
    sensitive: bool = False

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        decimal = _DECIMAL.fullmatch(value)
        if decimal:
            precision, scale = int(decimal["precision"]), int(decimal["scale"])
            if not 1 <= precision <= _MAX_DECIMAL_PRECISION or scale > precision:
                message = f"{value}: precision is 1 to {_MAX_DECIMAL_PRECISION} and the scale at most the precision"
                raise ValueError(message)
        elif value not in PLAIN_TYPES and not _TIMESTAMP.fullmatch(value):
            known = [*PLAIN_TYPES, "timestamp", "timestamp[UTC]", "decimal(10,2)"]
            message = f"unknown type '{value}'{did_you_mean(value, known)}"
            raise ValueError(message)
        return value


class TableContract(Strict):
    """The columns of the night's table. A timestamp has microseconds; strings are UTF-8."""

    version: Literal[1] = 1
    columns: tuple[Column, ...] = Field(min_length=1, strict=False)
    #: What to do with a file's column that is not listed: skip it and say so once, or refuse the file.
    extra_columns: Literal["ignore", "error"] = "ignore"
    #: What to do where a whole nullable column is not in a file: refuse the file, or read it as nulls.
    missing_columns: Literal["error", "null"] = "error"
    on_type_error: Breach = "fail"
    on_null: Breach = "fail"

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                message = f"column '{column.name}' is listed twice"
                raise ValueError(message)
            seen.add(column.name)
        return self

    def __iter__(self) -> Iterator[Column]:  # type: ignore[override]  # pydantic's yields (name, value) pairs; a contract is its columns
        return iter(self.columns)

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def names(self, *roles: Role) -> tuple[str, ...]:
        """The columns' names in order; only those of `roles` where any is given."""
        return tuple(column.name for column in self.columns if not roles or column.role in roles)


def read_contract(path: Path) -> TableContract:
    """The contract in a schema.yaml. Raises ConfigError with every mistake and its line."""
    return validate(read_yaml(path), TableContract)

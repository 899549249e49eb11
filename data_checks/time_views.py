"""Dates and timestamps as something that can be compared from night to night: a part of them, or an age."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from data_checks.columns import BatchColumns, Floats
from data_checks.profile import ProfileColumn, profile_columns
from data_checks.reference import TimePart
from schemas.contract import TableContract
from schemas.drift_settings import TimeFeature

_MICROSECONDS_A_DAY = 86_400_000_000
_WEEKDAYS = ("1 Mon", "2 Tue", "3 Wed", "4 Thu", "5 Fri", "6 Sat", "7 Sun")
_HOURS = tuple(f"{hour:02d}" for hour in range(24))
_MONTHS = tuple(f"{month:02d}" for month in range(1, 13))


@dataclass(frozen=True)
class TimeViews:
    """How each date and timestamp feature is looked at; one that is not here moves every night and is not compared."""

    views: tuple[tuple[str, TimeFeature], ...] = ()

    @classmethod
    def of(cls, contract: TableContract, wanted: Mapping[str, TimeFeature]) -> TimeViews:
        """Those that the job wants; every other timestamp by its hour."""
        found: list[tuple[str, TimeFeature]] = []
        for column in profile_columns(contract):
            if column.kind != "temporal":
                continue
            is_date = next(item.type == "date" for item in contract if item.name == column.name)
            default = None if is_date else TimeFeature(part="hour")
            view = wanted.get(column.name, default)
            if view is not None:
                found.append((column.name, view))
        return cls(tuple(found))

    def kinds(self, columns: Iterable[ProfileColumn]) -> tuple[ProfileColumn, ...]:
        """The columns with the kinds that they have in these views."""
        kinds = {name: "categorical" if view.part else "numeric" for name, view in self.views}
        return tuple(ProfileColumn(column.name, kinds.get(column.name, column.kind)) for column in columns)  # type: ignore[arg-type]  # a Literal in a dict is a str

    def part(self, name: str) -> TimePart | None:
        """Which part of the column is compared; None where it is something else."""
        return next((view.part for column, view in self.views if column == name), None)

    def apply(self, columns: BatchColumns) -> BatchColumns:
        """The batch with the views in place of their columns; missing stays missing."""
        if not self.views:
            return columns
        return columns.replaced({name: _viewed(columns, name, view) for name, view in self.views})


def _viewed(columns: BatchColumns, name: str, view: TimeFeature) -> pa.Array:
    if view.since is not None:
        return pa.array(_days(columns, name) - _days(columns, view.since))
    return _part(columns.array(name), str(view.part))


def _days(columns: BatchColumns, name: str) -> Floats:
    """Shape (rows,): days since 1970, NaN where missing."""
    is_date = pa.types.is_date32(columns.array(name).type)
    return columns.numbers(name) / (1 if is_date else _MICROSECONDS_A_DAY)


def _part(array: pa.Array, part: str) -> pa.Array:
    """The part as a dictionary of words that sort in its order."""
    if part == "hour":
        codes, words = pc.hour(array), _HOURS
    elif part == "weekday":
        codes, words = pc.day_of_week(array), _WEEKDAYS
    else:
        codes, words = pc.subtract(pc.month(array), 1), _MONTHS
    return pa.DictionaryArray.from_arrays(codes.cast(pa.int32()), pa.array(words))

"""What a run will read: files with their identity, spans (row groups) and units (what one worker does at once)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class InputFile:
    """One Parquet file as it was when the run was planned."""

    number: int
    #: Absolute path or URI that a worker opens.
    path: str
    #: Path relative to the input folder: the name used in reports, quarantine and errors.
    name: str
    bytes: int
    mtime_ns: int
    #: sha256 of the footer's bytes; with `bytes` the file's content identity.
    footer_digest: str
    row_group_rows: tuple[int, ...]
    #: Hive values of the folders that it lies in, unquoted, as (key, value): the run's partition, other folders of the
    #: input path, folders between the input folder and the file.
    partition: tuple[tuple[str, str], ...] = ()

    @property
    def rows(self) -> int:
        """Rows by the footer."""
        return sum(self.row_group_rows)


@dataclass(frozen=True)
class BadFile:
    """A file whose footer cannot be read: its rows are unknown."""

    name: str
    bytes: int
    code: str
    message: str


@dataclass(frozen=True)
class Span:
    """One row group of one file: read, scored and accounted for as a whole or not at all."""

    file: InputFile
    row_group: int
    #: Position of its first row in the whole run's input, counted by the footers.
    first_row: int

    @property
    def rows(self) -> int:
        """Rows by the footer."""
        return self.file.row_group_rows[self.row_group]

    @property
    def first_row_in_file(self) -> int:
        """Position of its first row in its file."""
        return sum(self.file.row_group_rows[: self.row_group])


@dataclass(frozen=True)
class Unit:
    """Spans that one worker scores together into one output part."""

    number: int
    spans: tuple[Span, ...]

    @property
    def rows(self) -> int:
        """Rows by the footers."""
        return sum(span.rows for span in self.spans)

    def to_json(self) -> bytes:
        """The unit as JSON, each file once."""
        files = {span.file.number: asdict(span.file) for span in self.spans}
        spans = [(span.file.number, span.row_group, span.first_row) for span in self.spans]
        return json.dumps({"number": self.number, "files": list(files.values()), "spans": spans}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Unit:
        """The unit that `to_json` wrote."""
        raw = json.loads(data)
        files = {item["number"]: file_from_json(item) for item in raw["files"]}
        return cls(raw["number"], tuple(Span(files[number], group, first) for number, group, first in raw["spans"]))


def file_from_json(raw: dict[str, Any]) -> InputFile:
    """The file that `dataclasses.asdict` made a dict of."""
    groups, partition = tuple(raw["row_group_rows"]), tuple((key, value) for key, value in raw["partition"])
    return InputFile(**{**raw, "row_group_rows": groups, "partition": partition})


@dataclass(frozen=True)
class Plan:
    """The whole input of a run, in sorted path order."""

    run_date: str
    #: Name of the partition's folder, such as `flight_date=2013-07-01`.
    partition: str
    files: tuple[InputFile, ...]
    units: tuple[Unit, ...]
    bad_files: tuple[BadFile, ...] = ()
    #: Names that were passed over since they begin with `_` or `.`.
    ignored: tuple[str, ...] = ()
    #: Each different list of columns among the readable files, sorted: the file's, then those of its folders' names.
    file_columns: tuple[tuple[str, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible, each file once; a unit is its number, and (file number, row group, first row) a span."""
        units = [
            [unit.number, [(span.file.number, span.row_group, span.first_row) for span in unit.spans]]
            for unit in self.units
        ]
        return {
            "run_date": self.run_date,
            "partition": self.partition,
            "files": [asdict(file) for file in self.files],
            "units": units,
            "bad_files": [asdict(file) for file in self.bad_files],
            "ignored": list(self.ignored),
            "file_columns": [list(columns) for columns in self.file_columns],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` made."""
        files = tuple(file_from_json(item) for item in raw["files"])
        by_number = {file.number: file for file in files}
        units = tuple(
            Unit(number, tuple(Span(by_number[file], group, first) for file, group, first in spans))
            for number, spans in raw["units"]
        )
        return cls(
            run_date=raw["run_date"],
            partition=raw["partition"],
            files=files,
            units=units,
            bad_files=tuple(BadFile(**item) for item in raw["bad_files"]),
            ignored=tuple(raw["ignored"]),
            file_columns=tuple(tuple(columns) for columns in raw["file_columns"]),
        )

    @property
    def rows(self) -> int:
        """Rows by the footers of the readable files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of the readable files."""
        return sum(file.bytes for file in self.files)

"""Planning a run: which files the night has, by their footers, and how their rows are shared out into units of work.

Every file below the input folder counts as data, whatever its name: one that is not Parquet is a bad file, since
nobody can tell which rows it should have brought. Only names that begin with `_` or `.`, and the ready marker, are
passed over. Nothing but footers is read.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pipelines.input_listing import Listed, hive_values, is_fit, list_files, printable
from schemas.contract import TableContract
from schemas.errors import ConfigError, InputError, NoDataError, NotReadyError
from schemas.job import Input, Job
from schemas.plan import BadFile, InputFile, Plan, Span, Unit
from transforms.conform import Conformer
from transforms.parquet_footer import read_footer

#: Threads that read footers. On a local disk a second one wins some time; more of them mostly wait for each other
#: (10,000 files: 4.6 CPU seconds with one, 5.2 with two, 8 with four).
_READERS = 2
_DATE = "{date}"


def make_plan(job: Job, contract: TableContract, base: Path, run_date: str) -> Plan:
    """The files, row groups and units of one run date, the same for the same files; `base` is the folder of job.yaml.

    Files whose footer cannot be read are `bad_files`; what that means is for the caller. A plan without rows has no
    units. Raises ConfigError for a run date that is none, NotReadyError while the ready marker is missing, NoDataError
    (no_files) where there is no folder or no file, and InputError where `on_bad_file` is `fail` and a file cannot be
    reconciled with the contract, which is known before any row is read.
    """
    place = input_place(job.input, base, run_date)
    marker = job.input.ready
    if marker and not (place.folder / marker).exists():
        message = f"{run_date}: {place.folder} has no {marker} yet. Run again when the input is complete."
        raise NotReadyError(message, code="not_ready", folder=str(place.folder))
    try:
        listing = list_files(place.folder, marker)
    except (FileNotFoundError, NotADirectoryError):
        raise _no_files(run_date, place.folder, "there is no such folder") from None
    if not listing.files:
        raise _no_files(run_date, place.folder, "there is no file in it")
    read = _Footers(place, contract, fail_early=job.on_bad_file == "fail")
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(read, listing.files))
    good = [item for item in found if isinstance(item, InputFile)]
    files = tuple(replace(file, number=number) for number, file in enumerate(good))
    return Plan(
        run_date=run_date,
        partition=place.partition,
        files=files,
        units=tuple(share_out(files, job.rows_per_unit)),
        bad_files=tuple(item for item in found if isinstance(item, BadFile)),
        ignored=listing.ignored,
        file_columns=tuple(sorted(read.file_columns)),
    )


@dataclass(frozen=True)
class Place:
    """Where a run date's input is."""

    folder: Path
    #: Name of the partition: the path's `key={date}`, else `run_date=<date>`.
    partition: str
    #: What the input path's own folders say: the partition first, then other `key=value` folders.
    values: tuple[tuple[str, str], ...]


def input_place(source: Input, base: Path, run_date: str) -> Place:
    """The place of the run date's input. Raises ConfigError unless the date is an ISO date."""
    try:
        dt.date.fromisoformat(run_date if re.fullmatch(r"\d{4}-\d{2}-\d{2}", run_date, re.ASCII) else "")
    except ValueError:
        message = f"run date '{run_date}' is not a date; write it as 2013-07-01"
        raise ConfigError(message, code="bad_run_date", run_date=run_date) from None
    parts = PurePosixPath(source.path).parts
    dated = next(part for part in reversed(parts) if _DATE in part)
    key = dated.removesuffix(f"={_DATE}")
    partition = f"{key}={run_date}" if key and _DATE not in key else f"run_date={run_date}"
    others = [part.replace(_DATE, run_date) for part in parts if part.replace(_DATE, run_date) != partition]
    folder = Path(os.path.abspath(base / source.path.replace(_DATE, run_date)))  # noqa: PTH100  # links stay as they are
    return Place(folder, partition, hive_values([partition, *others]))


def share_out(files: Sequence[InputFile], rows_per_unit: int) -> Iterator[Unit]:
    """Units of consecutive row groups, each closed before the row group that would take it over `rows_per_unit`.

    Row groups are never cut, so a unit of one may be larger. Row groups without rows are in no unit.
    """
    held: list[Span] = []
    rows = first_row = number = 0
    for file in files:
        for group, count in enumerate(file.row_group_rows):
            if held and count and rows + count > rows_per_unit:
                yield Unit(number, tuple(held))
                held, rows, number = [], 0, number + 1
            if count:
                held.append(Span(file, group, first_row))
            rows, first_row = rows + count, first_row + count
    if held:
        yield Unit(number, tuple(held))


class _Footers:
    """Reads one file's footer; called from several threads."""

    def __init__(self, place: Place, contract: TableContract, *, fail_early: bool) -> None:
        self._place = place
        self._contract = contract
        self._fail_early = fail_early
        #: Schemas and partitions that have been reconciled, since most files of a night have the same.
        self._reconciled: set[tuple[object, ...]] = set()
        self.file_columns: set[tuple[str, ...]] = set()

    def __call__(self, listed: Listed) -> InputFile | BadFile:
        name = printable(listed.name)
        try:
            partition = self._partition(listed)
            footer = read_footer(listed.path, name)
        except InputError as error:
            return BadFile(name, _size(listed.path), error.code, error.message)
        self.file_columns.add(tuple(dict.fromkeys([*footer.column_names, *(key for key, _ in partition)])))
        key = (footer.schema.remove_metadata(), partition)
        if self._fail_early and key not in self._reconciled:
            Conformer.for_file(self._contract, footer.schema, partition, name)
            self._reconciled.add(key)
        file = InputFile(0, str(listed.path), name, footer.bytes, footer.mtime_ns, footer.digest, footer.row_group_rows)
        return replace(file, partition=partition)

    def _partition(self, listed: Listed) -> tuple[tuple[str, str], ...]:
        name = printable(listed.name)
        if not is_fit(listed.name):
            message = f"{name}: the name has control characters or is not UTF-8. Rename the file."
            raise InputError(message, code="bad_name", file=name)
        partition = (*self._place.values, *listed.partition)
        keys = [key for key, _ in partition]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            message = f"{name}: its folders name '{twice}' twice, so its value is not clear. Rename one of them."
            raise InputError(message, code="partition_twice", file=name, column=twice)
        return partition


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _no_files(run_date: str, folder: Path, why: str) -> NoDataError:
    message = f"no data for {run_date}: looked in {folder}, and {why}"
    return NoDataError(message, code="no_files", folder=str(folder))

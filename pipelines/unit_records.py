"""The record of a finished unit: its outcome, and by what to know that the outcome and its files are as they were left.

    units/unit-000012.json     a line of JSON (UnitHeader), then the outcome's bytes

It is written last and put in its place in one step, so where it stands and verifies the unit need not be scored again:
not by an engine that begins anew, not by a run that resumes another one. What does not verify is as good as not there.
A zombie or a twin of the unit has files of its own, and puts a record that is as good as the other in its place.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from pipelines.files import sync_folder
from pipelines.input_digest import unit_digest
from pipelines.inside_folder import opened_file
from pipelines.outcome import Outcome, PartFile
from schemas.plan import Unit
from schemas.strict import Strict

FORMAT: Final = "nightscore.unit"
VERSION: Final = 2
FOLDER = "units"
#: Beyond these nothing of a record is parsed. A header has some 200 bytes a file.
MAX_HEADER_BYTES = 64 * 1024 * 1024
MAX_RECORD_BYTES = 512 * 1024 * 1024

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=0)]
#: A staged file or one of keys and values, relative to the run's folder. No dot but the last, so nothing leads out.
Name = Annotated[str, Field(pattern=r"^(staged|keys/[A-Za-z0-9_-]{1,200})/[A-Za-z0-9_-]{1,200}\.(parquet|npy|keys)$")]


class FileMark(Strict):
    """What a file is known by."""

    sha256: Digest
    bytes: Size


class Worker(Strict):
    """The process that scored the unit."""

    host: str
    pid: int
    #: As `platform.machine` says: another kind of processor may round differently.
    machine: str


class UnitHeader(Strict):
    """The first line of a record."""

    format: Literal["nightscore.unit"] = FORMAT
    version: Literal[2] = VERSION
    unit: Size
    #: `unit_digest` of the unit as it was planned.
    input: Digest
    outcome: FileMark
    worker: Worker
    #: Every file that the outcome names.
    files: dict[Name, FileMark]


@dataclass(frozen=True)
class UnitRecords:
    """The records of one run, by the run's folder."""

    run_folder: Path

    def write(self, unit: Unit, outcome: Outcome) -> bytes:
        """Put the unit's files on disk, then its record. Returns the outcome as JSON.

        An outcome with a failure is no finished unit: its record has another name, and an engine that begins anew
        meets the same error again.
        """
        data = outcome.to_json()
        header = UnitHeader(
            unit=unit.number,
            input=unit_digest(unit),
            outcome=FileMark(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)),
            worker=Worker(host=socket.gethostname(), pid=os.getpid(), machine=platform.machine()),
            files={name: _mark(part) if part else self._seal(name) for name, part in _named_files(outcome).items()},
        )
        for folder in sorted({(self.run_folder / name).parent for name in header.files}):
            sync_folder(folder)
        self._put(record_name(unit.number, failed=bool(outcome.failures)), header.model_dump_json().encode(), data)
        return data

    def finished(self, unit: Unit, parse: Callable[[bytes], Outcome], *, failed: bool = False) -> bytes | None:
        """The outcome of the unit as JSON, where its record and every file of it verify; else None.

        `parse` makes an Outcome of it, and may raise anything. With `failed` the outcome that ended the run.
        """
        name = record_name(unit.number, failed=failed)
        try:
            header, data = self._read(name)
            outcome = parse(data)
            here = (unit.number, unit_digest(unit), platform.machine())
            as_planned = (header.unit, header.input, header.worker.machine) == here
            if not as_planned or set(outcome.failures) != ({unit.number} if failed else set()):
                return None
            return data if self._verifies(header, outcome) else None
        except Exception:  # noqa: BLE001  # whatever is wrong with a record, its unit is scored again
            return None

    def header(self, name: str) -> UnitHeader:
        """The header of a record. Raises OSError or ValueError where it cannot be read or is none."""
        with opened_file(self.run_folder, name) as stream:
            return _header(stream.readline(MAX_HEADER_BYTES))

    def names(self) -> Iterator[str]:
        """Names of the records of finished units, relative to the run's folder, in the order of the units."""
        for path in sorted((self.run_folder / FOLDER).glob("unit-*.json")):
            yield f"{FOLDER}/{path.name}"

    def _read(self, name: str) -> tuple[UnitHeader, bytes]:
        with opened_file(self.run_folder, name) as stream:
            if os.fstat(stream.fileno()).st_size > MAX_RECORD_BYTES:
                message = f"{name} has more than {MAX_RECORD_BYTES:,} bytes"
                raise ValueError(message)
            header = _header(stream.readline(MAX_HEADER_BYTES))
            data = stream.read(MAX_RECORD_BYTES)
        if FileMark(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)) != header.outcome:
            message = f"{name}: the outcome is not the one that was written"
            raise ValueError(message)
        return header, data

    def _verifies(self, header: UnitHeader, outcome: Outcome) -> bool:
        named = _named_files(outcome)
        if named.keys() != header.files.keys():
            return False
        if any(part is not None and _mark(part) != header.files[name] for name, part in named.items()):
            return False
        return all(self._found(name, mark) == mark for name, mark in header.files.items())

    def _found(self, name: str, wanted: FileMark) -> FileMark:
        with opened_file(self.run_folder, name) as stream:
            size = os.fstat(stream.fileno()).st_size
            # Nothing is gained from the hash of a file of another size, which may be huge.
            found = hashlib.file_digest(stream, "sha256").hexdigest() if size == wanted.bytes else "0" * 64
            return FileMark(sha256=found, bytes=size)

    def _seal(self, name: str) -> FileMark:
        """Put the file on disk; its mark."""
        with opened_file(self.run_folder, name) as stream:
            os.fsync(stream.fileno())
            size = os.fstat(stream.fileno()).st_size
            return FileMark(sha256=hashlib.file_digest(stream, "sha256").hexdigest(), bytes=size)

    def _put(self, name: str, header: bytes, data: bytes) -> None:
        target = self.run_folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        with temporary.open("xb") as stream:
            stream.write(header + b"\n" + data)
            stream.flush()
            os.fsync(stream.fileno())
        # Not written over: in a run that resumes another one the name may be a hard link to the other's record.
        temporary.replace(target)
        sync_folder(target.parent)


def record_name(unit: int, *, failed: bool = False) -> str:
    """The name of the unit's record, relative to the run's folder."""
    return f"{FOLDER}/{'failed' if failed else 'unit'}-{unit:06d}.json"


def _header(line: bytes) -> UnitHeader:
    if not line.endswith(b"\n"):
        message = f"a record begins with a line of at most {MAX_HEADER_BYTES:,} bytes"
        raise ValueError(message)
    return UnitHeader.model_validate_json(line)


def _named_files(outcome: Outcome) -> dict[str, PartFile | None]:
    """Every file that the outcome names, relative to the run's folder, with what it says of it."""
    parts = {part.path: part for kind in (outcome.parts, outcome.quarantine) for part in kind.values()}
    others = [path for paths in outcome.files.values() for path in paths]
    return {**dict.fromkeys(others), **parts}


def _mark(part: PartFile) -> FileMark:
    return FileMark(sha256=part.sha256, bytes=part.bytes)

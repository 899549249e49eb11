"""The record of a finished unit: reused where it and all of its files are as they were left, and in no other case."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import scoring, unit_records
from pipelines.files import file_sha256
from pipelines.loading import load_job
from pipelines.outcome import Outcome
from pipelines.scoring import STOP_FILE, ScoreUnit
from pipelines.stages.plan import make_plan
from pipelines.unit_records import UnitRecords, record_name
from schemas.plan import Unit

DATE = "2024-03-01"
Rows = Callable[..., pa.Table]


class Pass:
    """A run's folder, and a worker that scores its units one by one."""

    def __init__(self, job: Any) -> None:
        self.job = job
        self.loaded = load_job(job.root)
        self.plan = make_plan(self.loaded.job, self.loaded.contract, self.loaded.base, DATE)
        self.folder: Path = job.root / "runs" / f"day={DATE}" / "20240301T000000.000000Z-abcdef"
        self.folder.mkdir(parents=True)
        self.records = UnitRecords(self.folder)

    def process(self, unit: int = 0) -> list[bytes]:
        """What a worker gives for the unit."""
        worker = ScoreUnit(self.loaded.spec, str(self.folder), self.plan.rows)
        return list(worker.process(self.plan.units[unit].to_json()))

    def parse(self, data: bytes) -> Outcome:
        return Outcome.from_json(data, self.loaded.spec.empty_outcome(), self.loaded.spec.reference)

    def finished(self, unit: int = 0) -> bytes | None:
        return self.records.finished(self.plan.units[unit], self.parse)

    def path(self, unit: int = 0) -> Path:
        return self.folder / record_name(unit)

    def read(self, unit: int = 0) -> tuple[dict[str, Any], bytes]:
        """The header and the outcome."""
        line, data = self.path(unit).read_bytes().split(b"\n", 1)
        return dict(json.loads(line)), data

    def forge(self, header: dict[str, Any], data: bytes) -> None:
        """Put a record that is consistent in itself in the place of the first unit's."""
        header["outcome"] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        self.path().write_bytes(json.dumps(header).encode() + b"\n" + data)

    def files(self, kind: str) -> list[Path]:
        """The files of the first unit that are of that kind."""
        return sorted(self.folder.glob(f"{kind}-00000-*.parquet" if "/" in kind else f"{kind}/*/unit-000000-*"))


#: With files of key hashes and of sorted values.
MEDIAN = {"type": "expect_column_median_to_be_between", "kwargs": {"column": "x", "min_value": 0}}


@pytest.fixture
def scored(small_job: Any, make_rows: Rows) -> Pass:
    """Two units, the first one scored: a part, quarantined rows, keys, sorted values."""
    path = small_job.root / "suite.json"
    suite = json.loads(path.read_text())
    path.write_text(json.dumps(suite | {"expectations": [*suite["expectations"], MEDIAN]}))
    rows = make_rows(1500)
    n = rows["n"].to_numpy().copy()
    n[3] = 999
    rows = rows.set_column(rows.column_names.index("n"), "n", pa.array(n))
    small_job.write(DATE, "a.parquet", rows, row_group_size=750)
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 750")
    made = Pass(small_job)
    assert len(made.plan.units) == 2
    made.process()
    return made


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker in which a model cannot be loaded."""
    monkeypatch.setattr(scoring, "tools_for", _no_model)


def _no_model(_: Any) -> Any:
    raise AssertionError("the model was loaded")


# ------------------------------------------------------------------------------------------------------- what it is


def test_a_record_names_every_file_with_size_and_hash_and_who_scored_it(scored: Pass) -> None:
    header, data = scored.read()
    assert list(header) == ["format", "version", "unit", "input", "outcome", "worker", "files"]
    assert (header["format"], header["version"], header["unit"]) == ("nightscore.unit", 2, 0)
    assert header["outcome"] == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert (header["worker"]["pid"], header["worker"]["machine"]) == (os.getpid(), platform.machine())
    there = [path for folder in ("staged", "keys") for path in (scored.folder / folder).rglob("*") if path.is_file()]
    wanted = {
        path.relative_to(scored.folder).as_posix(): {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        for path in there
    }
    assert header["files"] == wanted
    assert {name.split("/")[0] for name in wanted} == {"staged", "keys"}
    assert len(wanted) == 4
    assert [path.name for path in (scored.folder / "units").iterdir()] == ["unit-000000.json"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what a descriptor is of is asked of /proc")
def test_every_file_is_on_disk_before_the_record_stands(scored: Pass, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(scored.folder)
    scored.folder.mkdir()
    synced: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real_sync(descriptor)

    def put(path: Path, target: Path) -> Path:
        synced.append(f"put {target.name}")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", put)
    scored.process()
    before = synced[: synced.index("put unit-000000.json")]
    assert {str(scored.folder / name) for name in scored.read()[0]["files"]} < set(before)
    assert before[-1].startswith(str(scored.folder / "units" / ".unit-000000.json."))


def test_a_unit_that_is_finished_is_neither_scored_again_nor_does_it_need_a_model(scored: Pass, no_model: None) -> None:
    """An engine that begins anew gives every unit again."""
    before = scored.path().read_bytes()
    assert scored.process() == [scored.read()[1]]
    assert scored.path().read_bytes() == before
    with pytest.raises(AssertionError, match="the model was loaded"):
        scored.process(unit=1)


def test_a_twin_has_files_of_its_own_and_its_record_is_as_good(scored: Pass) -> None:
    first = scored.process()
    header, _ = scored.read()
    kept = scored.path().rename(scored.path().with_name("of-the-first"))
    second = scored.process()
    assert set(scored.read()[0]["files"]).isdisjoint(header["files"])
    assert sorted(scored.read()[0]["files"].values(), key=str) == sorted(header["files"].values(), key=str)
    assert scored.finished() == second[0]
    kept.replace(scored.path())
    assert scored.finished() == first[0]


def test_an_error_is_met_again_by_an_engine_that_begins_anew(scored: Pass, make_rows: Rows, no_model: None) -> None:
    """Its units that had not begun were skipped at the second attempt, and so was the one that had told why."""
    scored.job.write(DATE, "a.parquet", make_rows(1500), row_group_size=750)  # not the file that was planned
    shutil.rmtree(scored.folder)
    scored.folder.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scoring, "tools_for", _Tools)
        (told,) = scored.process(unit=1)
    assert scored.parse(told).failures[1].code == "changed_since_planning"
    assert (scored.folder / STOP_FILE).exists()
    assert not scored.path(1).exists()
    assert scored.process(unit=1) == [told]
    assert scored.process(unit=0) == []


class _Tools:
    """No model is needed to find that a file is another one."""

    models: tuple[Any, ...] = ()

    def __init__(self, spec: Any) -> None:
        self.spec = spec


# ---------------------------------------------------------------------------------------------- what is never reused


def flip(path: Path, place: int = -20) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def alter_the_outcome(made: Pass) -> None:
    flip(made.path())


def alter_a_part(made: Pass) -> None:
    flip(made.files("staged/part")[0])


def alter_quarantined_rows(made: Pass) -> None:
    flip(made.files("staged/quarantine")[0])


def alter_keys(made: Pass) -> None:
    flip(made.files("keys")[0])


def alter_sorted_values(made: Pass) -> None:
    flip(made.files("keys")[1])


def cut_a_part_short(made: Pass) -> None:
    path = made.files("staged/part")[0]
    path.write_bytes(path.read_bytes()[:-1])


def cut_the_record_short(made: Pass) -> None:
    made.path().write_bytes(made.path().read_bytes()[:-1])


def empty_the_record(made: Pass) -> None:
    made.path().write_bytes(b"")


def lose_the_line(made: Pass) -> None:
    made.path().write_bytes(made.path().read_bytes().replace(b"\n", b" "))


def lose_a_part(made: Pass) -> None:
    made.files("staged/part")[0].unlink()


def link_a_part(made: Pass) -> None:
    """To a file with the right bytes, outside of the run's folder."""
    path = made.files("staged/part")[0]
    path.symlink_to(path.rename(made.job.root / "elsewhere.parquet"))


def link_the_record(made: Pass) -> None:
    made.path().symlink_to(made.path().rename(made.job.root / "elsewhere.json"))


def put_a_pipe(made: Pass) -> None:
    """Whoever opened it would wait for ever."""
    path = made.files("staged/part")[0]
    path.unlink()
    os.mkfifo(path)


def leave_the_folder(made: Pass) -> None:
    """A forged record that is consistent in itself."""
    header, data = made.read()
    old = next(name for name in header["files"] if "/part-" in name)
    new = "staged/../../../../input/day=2024-03-01/a.parquet"
    (made.job.root / "input" / f"day={DATE}" / "a.parquet").write_bytes((made.folder / old).read_bytes())
    header["files"][new] = header["files"].pop(old)
    made.forge(header, data.replace(old.encode(), new.encode()))


def name_the_whole_path(made: Pass) -> None:
    header, data = made.read()
    old = next(name for name in header["files"] if "/part-" in name)
    new = str(made.folder / old)
    header["files"][new] = header["files"].pop(old)
    made.forge(header, data.replace(old.encode(), new.encode()))


def leave_a_file_out(made: Pass) -> None:
    header, data = made.read()
    del header["files"][next(iter(header["files"]))]
    made.forge(header, data)


def say_another_hash_than_the_outcome(made: Pass) -> None:
    """So that the ledger and the table would not agree."""
    header, data = made.read()
    (path,) = made.files("staged/part")
    flip(path)
    header["files"][path.relative_to(made.folder).as_posix()]["sha256"] = file_sha256(path)
    made.forge(header, data)


def put_another_units(made: Pass) -> None:
    made.process(unit=1)
    made.path().write_bytes(made.path(1).read_bytes())


def say_another_unit(made: Pass) -> None:
    header, data = made.read()
    made.forge(header | {"unit": 1}, data)


def hold_a_failure(made: Pass) -> None:
    header, data = made.read()
    outcome = made.parse(data)
    outcome.failures[0] = scoring.Failure("InputError", "no", "no", {})
    made.forge(header, outcome.to_json())


def be_of_another_version(made: Pass) -> None:
    header, data = made.read()
    made.forge(header | {"version": 3}, data)


def be_of_another_kind_of_processor(made: Pass) -> None:
    """Its arithmetic may round differently; a partition is of one kind."""
    header, data = made.read()
    header["worker"]["machine"] = "another"
    made.forge(header, data)


def be_no_outcome(made: Pass) -> None:
    header, _ = made.read()
    made.forge(header, b"[]")


def nest_deeply(made: Pass) -> None:
    header, _ = made.read()
    made.forge(header, b"[" * 100_000)


def nest_the_header_deeply(made: Pass) -> None:
    made.path().write_bytes(b"[" * 100_000 + b"\n{}")


def grow_beyond_the_limit(made: Pass) -> None:
    """Sparse: it takes no room on the disk."""
    os.truncate(made.path(), unit_records.MAX_RECORD_BYTES + 1)


def grow_a_part(made: Pass) -> None:
    """To 4 TB; it is not hashed."""
    os.truncate(made.files("staged/part")[0], 4 * 10**12)


TAMPERED = [
    *(alter_the_outcome, alter_a_part, alter_quarantined_rows, alter_keys, alter_sorted_values),
    *(cut_a_part_short, cut_the_record_short, empty_the_record, lose_the_line, lose_a_part),
    *(link_a_part, link_the_record, put_a_pipe),
    *(leave_the_folder, name_the_whole_path, leave_a_file_out, say_another_hash_than_the_outcome),
    *(put_another_units, say_another_unit, hold_a_failure, be_of_another_version),
    be_of_another_kind_of_processor,
    *(be_no_outcome, nest_deeply, nest_the_header_deeply, grow_beyond_the_limit, grow_a_part),
]


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda value: value.__name__)
@pytest.mark.timeout(60)
def test_what_does_not_verify_is_scored_again_and_replaced(scored: Pass, tamper: Callable[[Pass], None]) -> None:
    _, good = scored.read()
    planned = scored.plan.units[0].spans[0].file
    copy = scored.job.root / "a.parquet"
    shutil.copy2(planned.path, copy)
    tamper(scored)
    outside = sorted((path, path.lstat().st_mtime_ns) for path in _outside(scored))
    assert scored.finished() is None
    shutil.copy2(copy, planned.path)
    (again,) = scored.process()
    assert scored.finished() == again
    assert not scored.path().is_symlink()
    assert without_names(scored, again) == without_names(scored, good)
    assert sorted((path, path.lstat().st_mtime_ns) for path in _outside(scored)) == outside


def test_a_folder_that_is_a_link_is_not_followed(scored: Pass) -> None:
    place = scored.job.root / "elsewhere"
    (scored.folder / "keys").rename(place)
    (scored.folder / "keys").symlink_to(place)
    assert scored.finished() is None
    with pytest.raises(NotADirectoryError, match="keys"):
        scored.process()


def _outside(made: Pass) -> Iterator[Path]:
    """What is not the run's, but for what the test itself puts back."""
    yield from (path for path in made.job.root.iterdir() if path.name.startswith("elsewhere"))


def without_names(made: Pass, outcome: bytes) -> bytes:
    """The outcome but for the names that tell attempts apart."""
    parsed = made.parse(outcome)
    for parts in (parsed.parts, parsed.quarantine):
        parts.update({unit: replace(part, path="") for unit, part in parts.items()})
    parsed.files = {rule: [] for rule in parsed.files}
    return parsed.to_json()


def test_a_unit_of_a_file_that_was_written_anew_is_another_unit(scored: Pass) -> None:
    """Values may change in place and leave size and footer as they were: the time of the change is part of it."""
    unit = scored.plan.units[0]
    spans = tuple(replace(span, file=replace(span.file, mtime_ns=span.file.mtime_ns + 1)) for span in unit.spans)
    assert scored.records.finished(Unit(unit.number, spans), scored.parse) is None
    elsewhere = tuple(replace(span, file=replace(span.file, path="/mnt/" + span.file.path)) for span in unit.spans)
    assert scored.records.finished(Unit(unit.number, elsewhere), scored.parse) == scored.read()[1]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_wrong_bit_in_a_record_never_gives_another_outcome(scored: Pass, place: float, bit: int) -> None:
    good, (_, outcome) = scored.path().read_bytes(), scored.read()
    data = bytearray(good)
    data[int(place * len(data))] ^= 1 << bit
    scored.path().write_bytes(data)
    # In the name of the host or the process nothing depends on it.
    assert scored.finished() in (None, outcome)
    scored.path().write_bytes(good)

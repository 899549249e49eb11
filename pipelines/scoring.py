"""The flow of a night's scoring on Apache Beam. Read this file first.

    plan ─ units ─┬─ read keys ─ find repeated ┐ (only where rows of repeated keys are set aside)
                  ├────────────────────────────┘
                  ├─ score (read, check, prepare, predict, write) ─┬─ outcomes ─ merge ─┬─ outcome.json
                  │      one row group is one transaction          └─ key files ─ find ─┘
    driver: plan before, and verdicts, gate, report, publish after (pipelines/night.py)

Rows never travel between workers: a unit is a list of row groups, a worker opens the files itself, and what comes
back is one small mergeable value. Only the files of key hashes are shuffled, by name, where a rule asks for
uniqueness across all files. Files of sorted values, for medians and the like, are read by the driver.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam

from data_checks.checks import Checks
from data_checks.uniqueness import bucket_bits
from pipelines.known_plan import known_plan
from pipelines.outcome import Failure, Outcome
from pipelines.run_folder import RESULT
from pipelines.running_code import require_same
from pipelines.stages.duplicates import Duplicates, look_into_bucket
from pipelines.stages.repeated import KeyReader
from pipelines.tools import ScoringSpec, tools_for
from pipelines.unit_records import UnitRecords
from pipelines.unit_scoring import score_unit
from schemas.errors import EngineError, NightscoreError, StorageError
from schemas.plan import Plan, Unit

#: The pass's only result, in the run's folder: the driver reads nothing else of it.
OUTCOME_FILE = "outcome.json"
DUPLICATES_FILE = "duplicates.json"
#: Where this file exists in the run's folder, units that have not begun are skipped: the run has failed already.
STOP_FILE = "staged/.stop"
#: ((rule, bucket), path of a bucket file). What travels between workers has a coder of Beam's own, never a pickle.
KEYED_PATH = tuple[tuple[str, int], str]


@dataclass(eq=False)
class ScoreNight(beam.PTransform):  # type: ignore[misc]  # Beam has no types
    """Scores every unit of the plan. Leaves outcome.json in the run's folder, and duplicates.json where a rule asks."""

    spec: ScoringSpec
    plan: Plan
    run_folder: str

    def expand(self, root: beam.pvalue.PBegin) -> beam.PCollection[str]:
        # units : bytes, one Unit as JSON
        units = (
            root
            | "begin" >> beam.Impulse()
            | "units" >> beam.FlatMap(planned_units, self.run_folder).with_output_types(bytes)
            | "share out" >> beam.Reshuffle()
        )
        # outcomes : bytes, one unit's Outcome as JSON
        score = ScoreUnit(self.spec, self.run_folder, self.plan.rows)
        aside = [self._find_repeated(units)] if self.spec.checks.setting_aside else []
        outcomes = units | "score" >> beam.ParDo(score, *aside).with_output_types(bytes)
        if any(rule.kind != "runs" for rule in self.spec.checks.files.values()):
            self._look_into_keys(outcomes)
        # night : bytes, the Outcome of all units
        merge = beam.CombineGlobally(MergeOutcomes(self.spec)).without_defaults()
        night = outcomes | "merge" >> merge.with_output_types(bytes)
        return night | "write outcome" >> beam.Map(write_once, self.run_folder, OUTCOME_FILE)

    def _find_repeated(self, units: beam.PCollection[bytes]) -> beam.pvalue.AsIter:
        """The files of rows whose key occurs more than once, as a side input: the pass waits for all of them."""
        reader = KeyReader(self.spec.checks, self.spec.contract, self.spec.code, bucket_bits(self.plan.rows))
        # buckets : ((rule, bucket), [path, ...]), the files that may hold the same key
        buckets = (
            units
            | "read keys" >> beam.FlatMap(write_keys, reader, self.run_folder).with_output_types(KEYED_PATH)
            | "to bucket" >> beam.GroupByKey()
        )
        # repeated : (rule, path), a file of ascending row positions
        find = beam.FlatMap(find_repeated, reader, self.run_folder)
        return beam.pvalue.AsIter(buckets | "find repeated" >> find.with_output_types(tuple[str, str]))

    def _look_into_keys(self, outcomes: beam.PCollection[bytes]) -> None:
        # buckets : ((rule, bucket), [path, ...]), the files that may hold the same key
        named = beam.FlatMap(key_files, self.spec.checks, bucket_bits(self.plan.rows))
        files = outcomes | "key files" >> named.with_output_types(KEYED_PATH)
        buckets = files | "by bucket" >> beam.GroupByKey()
        # found : bytes, the Duplicates of one bucket as JSON
        find = FindDuplicates(self.spec, self.run_folder)
        found = buckets | "find duplicates" >> beam.ParDo(find).with_output_types(bytes)
        merge = beam.CombineGlobally(merge_duplicates).without_defaults()
        (
            found
            | "merge duplicates" >> merge.with_output_types(bytes)
            | "write duplicates" >> beam.Map(write_once, self.run_folder, DUPLICATES_FILE)
        )


@dataclass(eq=False)
class ScoreUnit(beam.DoFn):  # type: ignore[misc]  # Beam has no types
    """A Unit in, its Outcome out, both as JSON.

    An error of ours becomes a failure in the outcome: it would be the same at every retry, and so it reaches the
    driver with all its facts on any runner. Anything else is raised, and the runner may retry: so is a failure of the
    storage.
    """

    spec: ScoringSpec
    run_folder: str
    #: Of the whole plan.
    total_rows: int

    def process(self, element: bytes, repeated: Iterable[tuple[str, str]] = ()) -> Iterator[bytes]:
        unit, folder = Unit.from_json(element), Path(self.run_folder)
        require_folder(folder)
        # A run that has been closed has lost its driver, and the engine goes on for nobody.
        outcome = None if (folder / RESULT).exists() else self._outcome(unit, folder, repeated)
        if outcome is not None:
            yield outcome

    def _outcome(self, unit: Unit, folder: Path, repeated: Iterable[tuple[str, str]]) -> bytes | None:
        """The unit's outcome; None where the run is to end and it had not begun."""
        records, stopped = UnitRecords(folder), (folder / STOP_FILE).exists()
        # What an earlier attempt, or the run that is resumed, has left. A worker that only finds such needs no model.
        outcome = records.finished(unit, self._parse, failed=stopped)
        if outcome is None and not stopped:
            scored = self._score(unit, folder, repeated)
            outcome = records.write(unit, scored)
            if scored.failures:
                (folder / STOP_FILE).parent.mkdir(parents=True, exist_ok=True)
                (folder / STOP_FILE).touch()
        return outcome

    def _score(self, unit: Unit, folder: Path, repeated: Iterable[tuple[str, str]]) -> Outcome:
        try:
            return score_unit(unit, tools_for(self.spec), folder, self.total_rows, sorted(repeated))
        except StorageError:
            raise
        except NightscoreError as error:
            outcome = self.spec.empty_outcome()
            outcome.failures[unit.number] = Failure(type(error).__name__, error.message, error.code, error.facts)
            return outcome

    def _parse(self, data: bytes) -> Outcome:
        return Outcome.from_json(data, self.spec.empty_outcome(), self.spec.reference)


@dataclass(eq=False)
class MergeOutcomes(beam.CombineFn):  # type: ignore[misc]  # Beam has no types
    """Merges outcomes exactly, in whatever order they come. The accumulator travels as the outcome's own JSON."""

    spec: ScoringSpec

    def create_accumulator(self) -> Outcome:
        require_same(self.spec.code)
        return self.spec.empty_outcome()

    def add_input(self, accumulator: Outcome, element: bytes) -> Outcome:
        accumulator.merge(Outcome.from_json(element, self.spec.empty_outcome(), self.spec.reference))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Outcome]) -> Outcome:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Outcome) -> bytes:
        return accumulator.to_json()

    def get_accumulator_coder(self) -> beam.coders.Coder:
        return OutcomeCoder(self.spec)


@dataclass(eq=False)
class OutcomeCoder(beam.coders.Coder):  # type: ignore[misc]  # Beam has no types
    """Outcomes as their versioned JSON; nothing is pickled between workers."""

    spec: ScoringSpec

    def encode(self, value: Outcome) -> bytes:
        return value.to_json()

    def decode(self, encoded: bytes) -> Outcome:
        return Outcome.from_json(encoded, self.spec.empty_outcome(), self.spec.reference)

    def is_deterministic(self) -> bool:
        return True


@dataclass(eq=False)
class FindDuplicates(beam.DoFn):  # type: ignore[misc]  # Beam has no types
    """The files of one rule and bucket in, the duplicate keys in them out."""

    spec: ScoringSpec
    run_folder: str

    def process(self, element: tuple[tuple[str, int], Iterable[str]]) -> Iterator[bytes]:
        require_same(self.spec.code)
        (key, bucket), paths = element
        files = [Path(self.run_folder) / path for path in sorted(paths)]
        rule, plan = self.spec.checks.files[key], known_plan(self.run_folder)
        found = look_into_bucket(files, bucket, rule, self.spec.contract, plan)
        yield json.dumps({key: found.to_json()}).encode()


def require_folder(run_folder: Path) -> None:
    """Raise EngineError in a worker that does not see the run's folder, and so nothing else of the job."""
    if not run_folder.is_dir():
        message = (
            f"the worker on {socket.gethostname()} does not see {run_folder}: workers and driver must share the job's "
            "folder. If workers have it under another path, set runners' job_folder to that"
        )
        raise EngineError(message, code="no_job_folder", folder=str(run_folder))


def planned_units(_: bytes, run_folder: str) -> Iterator[bytes]:
    """Every unit of the plan that the driver left in the run's folder, as JSON; none of a run that has been closed.

    In the pipeline itself, 40,000 units would make it larger than Dataflow takes. Raises EngineError in a worker that
    does not see the folder.
    """
    folder = Path(run_folder)
    require_folder(folder)
    if not (folder / RESULT).exists():
        for unit in known_plan(run_folder).units:
            yield unit.to_json()


def write_keys(unit: bytes, reader: KeyReader, run_folder: str) -> Iterator[tuple[tuple[str, int], str]]:
    """((rule, bucket), path) for every bucket of the files of the unit's keys that are written here."""
    require_folder(Path(run_folder))
    require_same(reader.code)
    for rule, path in reader.write(Unit.from_json(unit), Path(run_folder)):
        yield from each_bucket(rule, path, reader.bits)


def find_repeated(
    bucket: tuple[tuple[str, int], Iterable[str]], reader: KeyReader, run_folder: str
) -> Iterator[tuple[str, str]]:
    """(rule, path) of the rows of repeated keys in the bucket, if there are any."""
    require_same(reader.code)
    (rule, number), paths = bucket
    path = reader.repeated(rule, number, list(paths), known_plan(run_folder), Path(run_folder))
    if path is not None:
        yield rule, path


def key_files(outcome: bytes, checks: Checks, bits: int) -> Iterator[tuple[tuple[str, int], str]]:
    """((rule, bucket), path) for every bucket of the files of key hashes of a unit."""
    rules = checks.files
    for rule, paths in json.loads(outcome)["files"].items():
        if rules[rule].kind != "runs":
            for path in paths:
                yield from each_bucket(rule, path, bits)


def each_bucket(rule: str, path: str, bits: int) -> Iterator[tuple[tuple[str, int], str]]:
    """((rule, bucket), path) for every bucket of the file: each is looked into by itself."""
    for bucket in range(1 << bits):
        yield (rule, bucket), path


def merge_duplicates(found: Iterable[bytes]) -> bytes:
    """The duplicates of all buckets by rule, as JSON."""
    merged: dict[str, Duplicates] = {}
    for item in found:
        for rule, raw in json.loads(item).items():
            merged[rule] = merged.get(rule, Duplicates()).merge(Duplicates.from_json(raw))
    return json.dumps({rule: merged[rule].to_json() for rule in sorted(merged)}).encode()


def write_once(data: bytes, run_folder: str, name: str) -> str:
    """Put the data under that name in the run's folder unless it is there already. Returns the name.

    A retried or doubled worker gets the same merged value, so the first one wins.
    """
    target = Path(run_folder) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(temporary, target)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return name

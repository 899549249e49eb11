"""Running the pass: the plan in, the night's outcome out, with every error as one of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import apache_beam as beam

from pipelines.early_imports import judge_imported_meanwhile
from pipelines.engine_job import run_on_engine
from pipelines.engines import flink_job, night_pipeline, runs_here
from pipelines.local_processes import processes_for
from pipelines.outcome import Failure, Outcome, PartFile, Rejected
from pipelines.run_folder import RunFolder
from pipelines.scoring import DUPLICATES_FILE, OUTCOME_FILE
from pipelines.stages.duplicates import Duplicates
from pipelines.stages.write import PartWriter
from pipelines.termination import received
from pipelines.tools import ScoringSpec
from pipelines.watched_workers import watched_workers
from pipelines.worker_view import WorkerView
from schemas import errors
from schemas.errors import InputError, LedgerError, NightscoreError, StorageError, WorkerError
from schemas.job import Job
from schemas.ledger import Account
from schemas.plan import Plan
from transforms.parquet_errors import Fault

#: What Beam says of a worker process that is not there any more, where it was quicker than our own watch.
_WORKER_GONE = "Channel closed prematurely"
_WORKER_ENDED = (
    "a worker process ended before its work was done. Nothing was published. Most often memory was short: run again "
    "with fewer --workers."
)
#: What a worker raised where the storage failed, in Beam's traceback of it.
_STORAGE_FAILED = re.compile(rf"{StorageError.__name__}: (.+?)(?: \[while running .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class PassResult:
    """What the pass gave."""

    outcome: Outcome
    #: By the id in `Checks.files`, of rules about keys.
    keys: dict[str, Duplicates]
    #: The run's folder, which the outcome's paths are relative to.
    folder: Path
    #: Why the engine started the job again, the latest first, as far as it tells.
    restarts: Sequence[str] = ()


def run_pass(spec: ScoringSpec, plan: Plan, folder: RunFolder, flags: Sequence[str]) -> PassResult:
    """Score all units of the plan. Raises the first unit's error of ours; other errors as Beam raises them.

    Rows of files that could not be planned are rejected, and the ledger holds every row of the plan.
    """
    outcome, duplicates, restarts = spec.empty_outcome(), dict[str, Duplicates](), tuple[str, ...]()
    if plan.units:
        view = WorkerView(spec, plan, str(folder.path))
        flink = flink_job(view, flags)
        run = run_pipeline if runs_here(view, flags) else partial(run_on_engine, flink=flink)
        imports = judge_imported_meanwhile() if _driver_rests(view, flags) else nullcontext()
        with night_pipeline(view, flags) as pipeline, imports:
            run(pipeline)
        restarts = flink.failures() if flink is not None else ()
        outcome = read_outcome(spec, folder)
        duplicates = _read_duplicates(folder)
    _raise_failure(outcome)
    account_for(plan, outcome)
    if not outcome.parts:
        outcome.parts[0] = empty_part(spec, folder.path)
    return PassResult(outcome, duplicates, folder.path, restarts)


def _driver_rests(view: WorkerView, flags: Sequence[str]) -> bool:
    """Whether the driver has nothing to do during the pass, and something to judge after it."""
    if not view.spec.checks.expectations or not runs_here(view, flags):
        return bool(view.spec.checks.expectations)
    return processes_for(view.spec.job.runners.local, len(view.plan.units), view.plan.rows).workers > 0


def run_pipeline(pipeline: beam.Pipeline) -> None:
    """Run to the end.

    Raises WorkerError where a worker process of the local runner died, StorageError where the storage failed one;
    other errors as Beam does.
    """
    with watched_workers() as workers:
        try:
            pipeline.run().wait_until_finish()
        except Exception as error:
            # A signal may have reached the workers, too; then it is the signal that ended the run.
            if received():
                raise
            if workers.death is not None:
                raise workers.death.error() from error
            if _WORKER_GONE in str(error):
                raise WorkerError(_WORKER_ENDED, code="worker_ended") from error
            if failed := _STORAGE_FAILED.search(f"{type(error).__name__}: {error}"):
                raise StorageError(failed[1], code=Fault.IO_ERROR.value) from error
            raise


def read_outcome(spec: ScoringSpec, folder: RunFolder) -> Outcome:
    """The merged outcome that the pass left. Raises LedgerError when there is none."""
    path = folder.path / OUTCOME_FILE
    if not path.exists():
        message = f"the pass ended without {path.name}: no unit reported. Nothing was published."
        raise LedgerError(message, code="no_outcome")
    return Outcome.from_json(path.read_bytes(), spec.empty_outcome(), spec.reference)


def _read_duplicates(folder: RunFolder) -> dict[str, Duplicates]:
    path = folder.path / DUPLICATES_FILE
    raw = json.loads(path.read_bytes()) if path.exists() else {}
    return {rule: Duplicates.from_json(item) for rule, item in raw.items()}


def _raise_failure(outcome: Outcome) -> None:
    if outcome.failures:
        failure = outcome.failures[min(outcome.failures)]
        raise error_of(failure)


def error_of(failure: Failure) -> NightscoreError:
    """The error that a worker met."""
    kind: type[NightscoreError] = getattr(errors, failure.kind, NightscoreError)
    return kind(failure.message, code=failure.code, **failure.facts)


def refuse_bad_files(job: Job, plan: Plan) -> None:
    """Raise InputError naming every file whose footer cannot be read, unless such files are isolated."""
    if job.on_bad_file == "isolate" or not plan.bad_files:
        return
    listed = "\n".join(f"  {bad.message}" for bad in plan.bad_files[:20])
    more = f"\n  and {len(plan.bad_files) - 20} more" if len(plan.bad_files) > 20 else ""  # noqa: PLR2004
    total = len(plan.files) + len(plan.bad_files)
    message = (
        f"{len(plan.bad_files)} of {total} input files cannot be read:\n{listed}{more}\n"
        "Mend or remove them, or set on_bad_file: isolate to reject and count them."
    )
    first = plan.bad_files[0]
    raise InputError(message, code=first.code, file=first.name, files=[bad.name for bad in plan.bad_files])


def account_for(plan: Plan, outcome: Outcome) -> None:
    """Open the books of every planned file by its footer, so that a unit that was lost does not balance."""
    for file in plan.files:
        outcome.ledger.account(file.name).rows_in = file.rows
    for bad in plan.bad_files:
        outcome.ledger.accounts[bad.name] = Account(rows_in=None)
        outcome.rejected.append(Rejected(bad.name, None, None, bad.code, bad.message))
    outcome.ledger.must_balance()
    total = outcome.ledger.total()
    staged = sum(part.rows for part in outcome.parts.values())
    kept = sum(part.rows for part in outcome.quarantine.values())
    if (staged, kept) != (total.scored, total.quarantined):
        message = (
            f"the staged parts have {staged:,} rows and the quarantine {kept:,}; the ledger says {total.scored:,} "
            f"scored and {total.quarantined:,} quarantined. Nothing was published."
        )
        raise LedgerError(message, code="parts_and_ledger_differ")


def empty_part(spec: ScoringSpec, run_folder: Path) -> PartFile:
    """A staged part without rows, so that readers of the partition still find the table's columns."""
    return PartWriter(run_folder, "part-00000", spec.output_schema).finish_even_if_empty()

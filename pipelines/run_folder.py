"""The folder of one run: where everything about it is, and what is left of runs that were cut short."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from pipelines.files import write_json
from pipelines.finished_units import TAKING, finished_units
from pipelines.publishing import SUPERSEDED
from pipelines.unit_records import FOLDER
from schemas.errors import Action, ConfigError, ExitCode
from schemas.result import RunResult

#: Only needed while a run is going on.
WORKING = ("staged", FOLDER, "keys", "outgoing", TAKING)
RESULT = "result.json"
#: Ends after which the same job on the same input can go on.
RESUMABLE = (ExitCode.UNEXPECTED, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
_OWNER = "job-name.json"


def new_run_id(now: datetime) -> str:
    """A name that sorts by time, to the microsecond, and is not used twice: a short night takes less than a second."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{token_hex(3)}"


@dataclass(frozen=True)
class RunFolder:
    """`runs/<partition>/<run id>`; append-only: no run ever writes into another one's."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def partition_runs(self) -> Path:
        """The folder of all runs of the partition."""
        return self.path.parent

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file of the run."""
        write_json(self.path / name, value)

    def read(self, name: str) -> Any:
        """Read a JSON file of the run."""
        return json.loads((self.path / name).read_bytes())

    def clean(self, *, keep_staged: bool) -> None:
        """Remove what only a running pass needs. A held run keeps its staged parts: they may be released."""
        for name in WORKING:
            if not (keep_staged and name == "staged"):
                shutil.rmtree(self.path / name, ignore_errors=True)


def runs_of(partition_runs: Path) -> list[RunFolder]:
    """The partition's runs, oldest first. A link is none: what it leads to is not this partition's to clean up."""
    if not partition_runs.is_dir():
        return []
    return [RunFolder(path) for path in sorted(partition_runs.iterdir()) if path.is_dir() and not path.is_symlink()]


def latest_run(partition_runs: Path) -> RunFolder | None:
    """The partition's newest run that has a result."""
    return next((run for run in reversed(runs_of(partition_runs)) if (run.path / RESULT).exists()), None)


@dataclass(frozen=True)
class Closed:
    """What cleaning up one run did."""

    run_id: str
    #: It had no result, as killed runs have none.
    cut_short: bool
    #: Its finished units, which are gone.
    finished: int


def close_interrupted(partition_runs: Path, job: str, run_date: str, keep: Collection[str] = ()) -> list[Closed]:
    """Clean up after runs that ended, but for those with an id in `keep`; give those that were killed a result.

    The caller holds the lock. Nothing of a killed run was published: that would have left a result, or an intent to
    recover. Returns the runs that were cut short, and those that had finished units.
    """
    closed = [close_run(run, job, run_date) for run in runs_of(partition_runs) if run.run_id not in keep]
    return [run for run in closed if run.cut_short or run.finished]


def close_run(run: RunFolder, job: str, run_date: str) -> Closed:
    """Clean up after one run, and give it a result if it has none."""
    cut_short = not (run.path / RESULT).exists()
    finished = 0
    # A resumable pass, or what workers that outlived their killed driver wrote after its run was closed.
    if any((run.path / name).exists() for name in WORKING):
        result = {} if cut_short else _result_of(run)
        if cut_short or result.get("exit_code") in RESUMABLE:
            finished = sum(1 for _ in finished_units(run.path))
        run.clean(keep_staged=result.get("status") == "held")
    # What the run replaced was kept for its readers only.
    shutil.rmtree(run.path / SUPERSEDED, ignore_errors=True)
    if cut_short:
        _give_result(run, job, run_date)
    return Closed(run.run_id, cut_short, finished)


def _result_of(run: RunFolder) -> dict[str, Any]:
    """Its result; empty where that is damaged, so that one run's file does not stop every later one."""
    try:
        result = run.read(RESULT)
    except (OSError, ValueError, RecursionError):
        return {}
    return result if isinstance(result, dict) else {}


def _give_result(run: RunFolder, job: str, run_date: str) -> None:
    # It may have been killed after it wrote the report of a publication that never came.
    for name in ("index.html", "report.json"):
        (run.path / name).unlink(missing_ok=True)
    message = "the run was cut short; the next run of this partition cleaned up. Nothing of it was published."
    result = RunResult(
        job=job,
        run_date=run_date,
        partition=run.partition_runs.name,
        run_id=run.run_id,
        status="interrupted",
        exit_code=ExitCode.UNEXPECTED,
        action=Action.RETRY,
        code="interrupted",
        message=message,
    )
    run.write(RESULT, result.to_json())


def claim_runs(runs: Path, job: str) -> None:
    """Make the folder of runs belong to that job. Raises ConfigError when it is another job's."""
    runs.mkdir(parents=True, exist_ok=True)
    path = runs / _OWNER
    if not path.exists():
        write_json(path, {"job": job})
    owner = json.loads(path.read_bytes())["job"]
    if owner != job:
        message = f"{runs} holds the runs of job '{owner}', not of '{job}': give each job its own output.runs"
        raise ConfigError(message, code="runs_of_another_job", owner=owner)

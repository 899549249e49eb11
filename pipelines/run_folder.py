"""The folder of one run: where everything about it is, and what is left of runs that were cut short."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from pipelines.files import write_json
from pipelines.publishing import SUPERSEDED
from schemas.errors import Action, ConfigError, ExitCode
from schemas.result import RunResult

#: Only needed while a run is going on.
_WORKING = ("staged", "units", "keys", "outgoing")
RESULT = "result.json"
_OWNER = "job-name.json"


def new_run_id(now: datetime) -> str:
    """A name that sorts by time and is not used twice."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{token_hex(3)}"


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
        for name in _WORKING:
            if not (keep_staged and name == "staged"):
                shutil.rmtree(self.path / name, ignore_errors=True)


def runs_of(partition_runs: Path) -> list[RunFolder]:
    """The partition's runs, oldest first."""
    if not partition_runs.is_dir():
        return []
    return [RunFolder(path) for path in sorted(partition_runs.iterdir()) if path.is_dir()]


def latest_run(partition_runs: Path) -> RunFolder | None:
    """The partition's newest run that has a result."""
    return next((run for run in reversed(runs_of(partition_runs)) if (run.path / RESULT).exists()), None)


def close_interrupted(partition_runs: Path, job: str, run_date: str) -> list[str]:
    """Clean up runs that ended without a result, such as killed ones, and give them one. The caller holds the lock.

    Returns their ids. Nothing of them was published: that would have left a result, or an intent to recover.
    """
    closed = []
    for run in runs_of(partition_runs):
        if (run.path / RESULT).exists():
            _sweep(run)
            continue
        run.clean(keep_staged=False)
        # It may have been killed after it wrote the report of a publication that never came.
        for name in ("index.html", "report.json"):
            (run.path / name).unlink(missing_ok=True)
        message = "the run was cut short; the next run of this partition cleaned up. Nothing of it was published."
        result = RunResult(
            job=job,
            run_date=run_date,
            partition=partition_runs.name,
            run_id=run.run_id,
            status="interrupted",
            exit_code=ExitCode.UNEXPECTED,
            action=Action.RETRY,
            code="interrupted",
            message=message,
        )
        run.write(RESULT, result.to_json())
        closed.append(run.run_id)
    return closed


def _sweep(run: RunFolder) -> None:
    """Remove what the run superseded, and what workers that outlived their killed driver wrote after it was closed."""
    shutil.rmtree(run.path / SUPERSEDED, ignore_errors=True)
    if any((run.path / name).exists() for name in _WORKING) and run.read(RESULT)["status"] != "held":
        run.clean(keep_staged=False)


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

"""The results that one run can end with, in the words of result.json."""

from __future__ import annotations

import resource
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.judging import Judgement
from pipelines.pass_running import PassResult
from pipelines.publishing import published_manifest
from schemas.errors import Action, ExitCode, NightscoreError, NoDataError
from schemas.result import RunResult


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@dataclass(frozen=True)
class RunResults:
    """Makes the results of one run; each says when it was made and what is out then."""

    job: str
    run_date: str
    run_id: str
    #: The partition's folder in the table.
    target: Path
    started: datetime
    cpu_before: float = field(default_factory=cpu_seconds)

    def of(self, status: Any, exit_code: ExitCode, action: Action, code: str, message: str) -> RunResult:
        """A result with the times of the run and what is out now."""
        now = datetime.now(UTC)
        out = published_manifest(self.target)
        timing = {
            "started": self.started.isoformat(),
            "finished": now.isoformat(),
            "seconds": round((now - self.started).total_seconds(), 3),
            "cpu_seconds": round(cpu_seconds() - self.cpu_before, 3),
        }
        return RunResult(
            job=self.job,
            run_date=self.run_date,
            partition=self.target.name,
            run_id=self.run_id,
            status=status,
            exit_code=exit_code,
            action=action,
            code=code,
            message=message,
            published_run=out["run_id"] if out else None,
            revision=out["revision"] if out else None,
            timing=timing,
        )

    def of_error(self, error: NightscoreError) -> RunResult:
        """Of an error of ours."""
        status = "no_data" if isinstance(error, NoDataError) else "failed"
        result = self.of(status, error.exit_code, error.action, error.code, error.message)
        return replace(result, facts=error.facts)

    def interrupted(self, code: ExitCode, notes: Iterable[str] = ()) -> RunResult:
        """Of a signal. `notes` are sentences on what it has left elsewhere."""
        word = code.name.lower()
        message = " ".join([f"the run was {word}. Nothing was published; what was out before stays.", *notes])
        return self.of("interrupted", code, Action.RETRY, word, message)

    def unexpected(self, error: Exception) -> RunResult:
        """Of what is no error of ours, by the last line of its text."""
        last_line = str(error).strip().splitlines()[-1:] or [""]
        message = f"unexpected {type(error).__name__}: {last_line[0][:500].rstrip('.')}. Nothing was published."
        return self.of("failed", ExitCode.UNEXPECTED, Action.RETRY, "unexpected", message)


def with_findings(result: RunResult, passed: PassResult, judgement: Judgement) -> RunResult:
    """The result with the ledger's totals, and what was judged."""
    total = passed.outcome.ledger.total()
    rows = {name: getattr(total, name) for name in ("rows_in", "scored", "quarantined", "dropped", "rejected")}
    return replace(
        result,
        rows=rows,
        reasons=judgement.gate.reasons,
        warnings=judgement.gate.warnings,
        quality=judgement.quality_word,
        drift=judgement.drift.status.value,
    )

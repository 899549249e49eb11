"""One night from its plan to its publication, in this order.

    lock → finish or clean up what a crash left → plan → pass → ledger → verdicts → gate → report → publish

Nothing is published unless every step before it has ended well, and result.json says how it ended whatever happens.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_checks.drift_json import trend_json
from data_checks.report import render_report
from pipelines.console import Console, count, size
from pipelines.files import write_bytes
from pipelines.judging import Judgement, judge
from pipelines.loading import LoadedJob
from pipelines.manifest import build_manifest, part_name
from pipelines.partition_lock import partition_lock
from pipelines.pass_running import PassResult, refuse_bad_files, run_pass
from pipelines.plan_words import plan_line
from pipelines.publishing import INTENT, Place, StagedPart, publish, published_manifest, recover
from pipelines.reporting import facts_of, failed_facts, headline_of_hold, next_steps
from pipelines.run_folder import RESULT, RunFolder, claim_runs, close_interrupted, new_run_id
from pipelines.stages.plan import input_place, make_plan
from pipelines.termination import Terminated, received, uninterrupted
from pipelines.trends import trend_of, usual_psi
from schemas.errors import Action, ConfigError, ExitCode, InputError, NightscoreError, NoDataError
from schemas.plan import Plan
from schemas.result import RunResult

_WILL_FINISH = "The next run of this partition finishes publishing what was scored before it begins."


@dataclass
class Night:
    """One run of one run date."""

    loaded: LoadedJob
    run_date: str
    console: Console
    #: Options for Beam, as given after `--`.
    flags: Sequence[str] = ()
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.partition = input_place(self.loaded.job.input, self.loaded.base, self.run_date).partition
        self.folder = RunFolder(self.loaded.runs / self.partition / new_run_id(self.started))
        self.target = self.loaded.table / self.partition
        self.cpu_before = _cpu_seconds()
        #: Set once the partition is out: whatever fails afterwards does not change that.
        self.published: RunResult | None = None
        #: Set where `run` raises what is not an error of ours: what it has left in the run's folder.
        self.ended: RunResult | None = None

    def run(self) -> RunResult:
        """Score and publish the night, or say why not. Raises nothing but what is not an error of ours.

        NotReadyError (another run holds the partition) has no folder of its own: its result is returned only.
        """
        try:
            claim_runs(self.loaded.runs, self.loaded.job.name)
            with partition_lock(self.folder.partition_runs, self.folder.run_id, self.started.isoformat()):
                self._tidy_up()
                self.folder.path.mkdir()
                return self._run_locked()
        except NightscoreError as error:
            self.console.problem("wait" if error.exit_code == ExitCode.NOT_READY else "failed", error.message)
            return self._result_of(error)

    def _tidy_up(self) -> None:
        finished = recover(self.folder.partition_runs)
        if finished:
            self.console.line("recover", f"finished publishing run {finished}, which a crash had cut short")
        for run_id in close_interrupted(self.folder.partition_runs, self.loaded.job.name, self.run_date):
            self.console.line("recover", f"cleaned up run {run_id}, which was cut short; nothing of it was published")

    def _run_locked(self) -> RunResult:
        try:
            return self._score_and_publish()
        except NightscoreError as error:
            return self._failed(self._result_of(error))
        except (KeyboardInterrupt, Terminated):
            return self._failed(self._interrupted(received() or ExitCode.INTERRUPTED))
        except Exception as error:
            signalled = received()
            if signalled:
                return self._failed(self._interrupted(signalled))
            last_line = str(error).strip().splitlines()[-1:] or [""]
            message = f"unexpected {type(error).__name__}: {last_line[0][:500].rstrip('.')}. Nothing was published."
            result = self._failed(self._result("failed", ExitCode.UNEXPECTED, Action.RETRY, "unexpected", message))
            if self.published is not None:
                return result
            self.ended = result
            raise

    def _interrupted(self, code: ExitCode) -> RunResult:
        word = code.name.lower()
        message = f"the run was {word}. Nothing was published; what was out before stays."
        return self._result("interrupted", code, Action.RETRY, word, message)

    def _score_and_publish(self) -> RunResult:
        loaded, say = self.loaded, self.console.line
        self._refuse_foreign_target()
        plan = self._plan()
        self.folder.write("plan.json", asdict(plan))
        say("plan", plan_line(plan))
        refuse_bad_files(loaded.job, plan)
        self._refuse_empty(plan)
        rows_per_unit = {unit.number: unit.rows for unit in plan.units}
        with self.console.progress(self.folder.path, plan.rows, rows_per_unit):
            passed = run_pass(loaded.spec, plan, self.folder, self.flags)
        self._keep_quarantine(passed)
        judgement = judge(loaded, plan, passed, usual_psi(loaded, self.run_date))
        trend = trend_of(loaded, self.run_date, passed.outcome.profile, judgement.drift)
        judgement = replace(judgement, trend=trend)
        for stage, text in judgement.lines(loaded):
            say(stage, text)
        previous = published_manifest(self.target)
        manifest = build_manifest(loaded, plan, passed.outcome, self.folder.run_id, previous)
        self._write_findings(passed, judgement, manifest)
        if judgement.gate.publish:
            return self._publish(plan, passed, judgement, manifest)
        return self._hold(plan, passed, judgement, previous)

    def _refuse_foreign_target(self) -> None:
        """Raise ConfigError where the partition's place is out of reach, or holds what no run of this job published."""
        if _device(self.target) != _device(self.folder.path):
            message = (
                f"output.path ({self.loaded.table}) and output.runs ({self.loaded.runs}) are on different file "
                "systems: a partition cannot be put in its place in one step. Put both on one."
            )
            raise ConfigError(message, code="other_file_system")
        if not self.target.exists() and not self.target.is_symlink():
            return
        out = published_manifest(self.target)
        if out is None or self.target.is_symlink() or out["job"] != self.loaded.job.name:
            what = f"the partition of job '{out['job']}'" if out else "something that no run published"
            message = f"{self.target} is {what}: publishing would remove it. Move it, or set another output.path."
            raise ConfigError(message, code="foreign_target", target=str(self.target))

    def _plan(self) -> Plan:
        loaded = self.loaded
        try:
            return make_plan(loaded.job, loaded.contract, loaded.base, self.run_date)
        except NoDataError as error:
            # A missing folder is never published as an empty partition: it may be a wrong path.
            if loaded.job.input.on_empty == "fail":
                raise InputError(error.message, code=error.code, **error.facts) from None
            raise

    def _refuse_empty(self, plan: Plan) -> None:
        """Raise NoDataError or InputError for a night without rows, unless the job publishes it empty."""
        if plan.rows or plan.bad_files or self.loaded.job.input.on_empty == "ok":
            return
        message = (
            f"{self.run_date}: {count(len(plan.files), 'file')} without any row. Nothing was published; "
            "what was out before stays. input.on_empty says what this means: skip, fail or ok."
        )
        kind = InputError if self.loaded.job.input.on_empty == "fail" else NoDataError
        raise kind(message, code="no_rows", files=len(plan.files))

    def _keep_quarantine(self, passed: PassResult) -> None:
        """Give the quarantine files that the outcome names their place in the run's folder."""
        folder = self.folder.path / "quarantine"
        for unit, part in passed.outcome.quarantine.items():
            folder.mkdir(exist_ok=True)
            os.link(self.folder.path / part.path, folder / part_name(unit, part))

    def _write_findings(self, passed: PassResult, judgement: Judgement, manifest: dict[str, Any]) -> None:
        self.folder.write("manifest.json", manifest)
        self.folder.write("quality.json", judgement.quality_json(self.loaded, self.run_date, self.target.name))
        self.folder.write("drift.json", judgement.drift_json())
        self.folder.write("trend.json", trend_json(judgement.trend))
        self.folder.write("profile.json", passed.outcome.profile.to_json())

    def _publish(self, plan: Plan, passed: PassResult, judgement: Judgement, manifest: dict[str, Any]) -> RunResult:
        parts = [
            StagedPart(self.folder.path / part.path, part_name(unit, part))
            for unit, part in sorted(passed.outcome.parts.items())
        ]
        message = f"{manifest['rows']:,} rows published as {self.partition}"
        result = self._result("published", ExitCode.PUBLISHED, Action.NONE, "published", message)
        result = self._with_findings(replace(result, published_run=self.folder.run_id), passed, judgement)
        result = replace(result, revision=manifest["revision"])
        self._report(facts_of(self.loaded, plan, passed, judgement, result, manifest))
        self.folder.clean(keep_staged=True)
        with uninterrupted():
            publish(Place(self.folder.path, self.target), parts, manifest, result.to_json())
            self.published = result
        stored = sum(part.bytes for part in passed.outcome.parts.values())
        text = f"{self._relative(self.target)}: {count(manifest['rows'], 'row')}, {count(len(parts), 'part')}, "
        self.console.line("publish", f"{text}{size(stored)}, revision {manifest['revision']}")
        self._report_line()
        return result

    def _hold(self, plan: Plan, passed: PassResult, judgement: Judgement, previous: dict[str, Any] | None) -> RunResult:
        gate = judgement.gate
        message = headline_of_hold(self.partition, gate, previous)
        by_gate = gate.exit_code in (ExitCode.QUALITY_GATE, ExitCode.DRIFT_GATE)
        action = Action.RELEASE if by_gate and gate.releasable else Action.FIX
        status, code = "held" if gate.releasable else "failed", gate.exit_code.name.lower()
        result = self._with_findings(self._result(status, gate.exit_code, action, code, message), passed, judgement)
        self._report(facts_of(self.loaded, plan, passed, judgement, result, previous))
        self.folder.clean(keep_staged=gate.releasable)
        self.folder.write(RESULT, result.to_json())
        steps = [step.replace("`", "") for step in next_steps(self.loaded, result)]
        self.console.problem(status, "\n".join([message, *gate.reasons]))
        self.console.line("next", "\n".join(steps))
        self._report_line()
        return result

    def _with_findings(self, result: RunResult, passed: PassResult, judgement: Judgement) -> RunResult:
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

    def _failed(self, result: RunResult) -> RunResult:
        """The result of a run that ended before the gate, in its folder with a short report."""
        if self.published is not None:
            return self.published
        if (self.folder.partition_runs / INTENT).exists():
            text = f"Publishing was cut short: {result.message.removesuffix(' Nothing was published.')} "
            result = replace(result, code="publishing_cut_short", action=Action.RETRY, message=text + _WILL_FINISH)
            self.console.problem("failed", result.message)
            return result
        self.folder.clean(keep_staged=False)
        self._report(failed_facts(self.loaded, result))
        self.folder.write(RESULT, result.to_json())
        self.console.problem("no data" if result.status == "no_data" else "failed", result.message)
        if result.status != "no_data":
            self._report_line()
        return result

    def _report(self, facts: Any) -> None:
        self.folder.write("report.json", facts.to_json())
        write_bytes(self.folder.path / "index.html", render_report(facts).encode())

    def _report_line(self) -> None:
        self.console.line("report", self._relative(self.folder.path / "index.html"))

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path)

    def _result_of(self, error: NightscoreError) -> RunResult:
        status = "no_data" if isinstance(error, NoDataError) else "failed"
        result = self._result(status, error.exit_code, error.action, error.code, error.message)
        return replace(result, facts=error.facts)

    def _result(self, status: Any, exit_code: ExitCode, action: Action, code: str, message: str) -> RunResult:
        now = datetime.now(UTC)
        out = published_manifest(self.target)
        timing = {
            "started": self.started.isoformat(),
            "finished": now.isoformat(),
            "seconds": round((now - self.started).total_seconds(), 3),
            "cpu_seconds": round(_cpu_seconds() - self.cpu_before, 3),
        }
        return RunResult(
            job=self.loaded.job.name,
            run_date=self.run_date,
            partition=self.partition,
            run_id=self.folder.run_id,
            status=status,
            exit_code=exit_code,
            action=action,
            code=code,
            message=message,
            published_run=out["run_id"] if out else None,
            revision=out["revision"] if out else None,
            timing=timing,
        )


def _device(path: Path) -> int:
    """The file system of the path, or of the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path.stat().st_dev


def _cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

"""One night from its plan to its publication, in this order.

    lock → finish or clean up what a crash left → plan → pass → ledger → verdicts → gate → report → publish

Nothing is published unless every step before it has ended well, and result.json says how it ended whatever happens.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_checks.drift_json import trend_json
from data_checks.report import render_report
from pipelines.console import Console, count, size
from pipelines.engines import waits_for
from pipelines.files import write_bytes
from pipelines.finished_units import keep_finished
from pipelines.judging import Judgement, judge
from pipelines.loading import LoadedJob
from pipelines.manifest import build_manifest, part_name
from pipelines.partition_lock import partition_lock
from pipelines.pass_running import PassResult, refuse_bad_files, run_pass
from pipelines.plan_words import plan_line
from pipelines.publishing import INTENT, Place, StagedPart, publish, published_manifest, recover
from pipelines.refusals import refuse_empty, refuse_foreign_target
from pipelines.reporting import facts_of, failed_facts, headline_of_hold, next_steps, resuming_command
from pipelines.resuming import EarlierRuns, closed_line
from pipelines.run_folder import RESULT, RESUMABLE, RunFolder, claim_runs, close_interrupted, close_run, new_run_id
from pipelines.run_identity import IDENTITY, identity_of
from pipelines.run_results import RunResults, with_findings
from pipelines.stages.plan import input_place, make_plan
from pipelines.termination import Terminated, received, uninterrupted
from pipelines.trends import trend_of, usual_psi
from pipelines.worker_shares import worker_shares
from schemas.errors import Action, ExitCode, InputError, NightscoreError, NoDataError
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
    #: Use the finished units of an interrupted run.
    resume: bool = False
    #: Options that decide the results, and those of the runner: whoever resumes this run has to give them again.
    same_options: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.partition = input_place(self.loaded.job.input, self.loaded.base, self.run_date).partition
        self.folder = RunFolder(self.loaded.runs / self.partition / new_run_id(self.started))
        self.target = self.loaded.table / self.partition
        name = self.loaded.job.name
        self.results = RunResults(name, self.run_date, self.folder.run_id, self.target, self.started)
        #: Set once the partition is out: whatever fails afterwards does not change that.
        self.published: RunResult | None = None
        #: Set where `run` raises what is not an error of ours: what it has left in the run's folder.
        self.ended: RunResult | None = None
        self.earlier = EarlierRuns()
        #: Of the plan; 0 before there is one.
        self.units = 0

    def run(self) -> RunResult:
        """Score and publish the night, or say why not. Raises nothing but what is not an error of ours.

        NotReadyError (another run holds the partition) has no folder of its own: its result is returned only.
        """
        try:
            claim_runs(self.loaded.runs, self.loaded.job.name)
            with partition_lock(self.folder.partition_runs, self.folder.run_id, self.started.isoformat()):
                self._tidy_up()
                self.folder.path.mkdir()
                try:
                    return self._run_locked()
                finally:
                    self._close_earlier()
        except NightscoreError as error:
            self.console.problem("wait" if error.exit_code == ExitCode.NOT_READY else "failed", error.message)
            return self.results.of_error(error)
        except (KeyboardInterrupt, Terminated):  # before there was a folder for the result, or when all was done
            return self.published or self.results.interrupted(received() or ExitCode.INTERRUPTED)
        except Exception as error:
            self.ended = self.ended or self.published or self.results.unexpected(error)
            raise

    def _tidy_up(self) -> None:
        finished = recover(self.folder.partition_runs)
        if finished:
            self.console.line("recover", f"finished publishing run {finished}, which a crash had cut short")
        if self.resume:
            self.earlier = EarlierRuns.of(self.folder.partition_runs)
        keep = [run.run_id for run in self.earlier.runs]
        for closed in close_interrupted(self.folder.partition_runs, self.loaded.job.name, self.run_date, keep):
            self.console.line("recover", closed_line(closed))

    def _close_earlier(self) -> None:
        """Clean up the runs that this one could go on from. Before it has chosen one they stay for the next run."""
        for run in self.earlier.runs if self.earlier.decided else ():
            with suppress(OSError):  # the next run will do it
                close_run(run, self.loaded.job.name, self.run_date)

    def _run_locked(self) -> RunResult:
        try:
            return self._score_and_publish()
        except NightscoreError as error:
            return self._failed(self.results.of_error(error))
        except (KeyboardInterrupt, Terminated) as signal:
            notes = getattr(signal, "__notes__", ())
            return self._failed(self.results.interrupted(received() or ExitCode.INTERRUPTED, notes))
        except Exception as error:
            signalled = received()
            if signalled:
                return self._failed(self.results.interrupted(signalled))
            result = self._failed(self.results.unexpected(error))
            if self.published is not None:
                return result
            self.ended = result
            raise

    def _score_and_publish(self) -> RunResult:
        loaded, say = self.loaded, self.console.line
        refuse_foreign_target(loaded, self.folder.path, self.target)
        plan = self._plan()
        self.folder.write("plan.json", plan.to_json())
        say("plan", plan_line(plan))
        refuse_bad_files(loaded.job, plan)
        refuse_empty(loaded.job, plan)
        self._go_on(plan)
        rows_per_unit = {unit.number: unit.rows for unit in plan.units}
        if plan.units and (text := waits_for(loaded.job, self.flags)):
            say("engine", text)
        with self.console.progress(self.folder.path, plan.rows, rows_per_unit):
            passed = run_pass(loaded.spec, plan, self.folder, self.flags)
        if passed.restarts:
            say("engine", f"started the job again, {count(len(passed.restarts), 'time')}: {passed.restarts[0]}")
        self.folder.write("workers.json", worker_shares(self.folder, rows_per_unit, passed.restarts))
        if text := self.earlier.after_the_pass(self.folder, plan):
            say("resume", text)
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

    def _plan(self) -> Plan:
        loaded = self.loaded
        try:
            return make_plan(loaded.job, loaded.contract, loaded.base, self.run_date)
        except NoDataError as error:
            # A missing folder is never published as an empty partition: it may be a wrong path.
            if loaded.job.input.on_empty == "fail":
                raise InputError(error.message, code=error.code, **error.facts) from None
            raise

    def _go_on(self, plan: Plan) -> None:
        """Say what this run's results depend on, and take over what an earlier run of the same has finished."""
        self.units = len(plan.units)
        identity = identity_of(self.loaded, plan)
        self.folder.write(IDENTITY, identity)
        if self.resume:
            self.console.line("resume", self.earlier.take_over(self.folder, plan, identity))

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
        result = self.results.of("published", ExitCode.PUBLISHED, Action.NONE, "published", message)
        result = with_findings(replace(result, published_run=self.folder.run_id), passed, judgement)
        result = replace(result, revision=manifest["revision"])
        self._report(facts_of(self.loaded, plan, passed, judgement, result, manifest))
        with uninterrupted():
            publish(Place(self.folder.path, self.target), parts, manifest, result.to_json())
            self.published = result
            # Not sooner: a run that is killed before its partition is out can be resumed with all of its units.
            self.folder.clean(keep_staged=False)
        stored = sum(part.bytes for part in passed.outcome.parts.values())
        text = f"{self._relative(self.target)}: {count(manifest['rows'], 'row')}, {count(len(parts), 'part')}, "
        self.console.line("publish", f"{text}{size(stored)}, revision {manifest['revision']}")
        self._report_line()
        return result

    def _hold(self, plan: Plan, passed: PassResult, judgement: Judgement, previous: dict[str, Any] | None) -> RunResult:
        gate = judgement.gate
        message = headline_of_hold(self.partition, gate, previous)
        by_gate = gate.exit_code in (ExitCode.QUALITY_GATE, ExitCode.DRIFT_GATE)
        scored = passed.outcome.ledger.total().scored
        action = Action.RELEASE if by_gate and gate.releasable and scored else Action.FIX
        status, code = "held" if gate.releasable else "failed", gate.exit_code.name.lower()
        result = with_findings(self.results.of(status, gate.exit_code, action, code, message), passed, judgement)
        self._report(facts_of(self.loaded, plan, passed, judgement, result, previous))
        with uninterrupted():
            self.folder.write(RESULT, result.to_json())
            self.folder.clean(keep_staged=gate.releasable)
        steps = [step.replace("`", "") for step in next_steps(self.loaded, result)]
        self.console.problem(status, "\n".join([message, *gate.reasons]))
        self.console.line("next", "\n".join(steps))
        self._report_line()
        return result

    def _failed(self, result: RunResult) -> RunResult:
        """The result of a run that ended before the gate, in its folder with a short report."""
        if self.published is not None:
            return self.published
        if (self.folder.partition_runs / INTENT).exists():
            text = f"Publishing was cut short: {result.message.removesuffix(' Nothing was published.')} "
            result = replace(result, code="publishing_cut_short", action=Action.RETRY, message=text + _WILL_FINISH)
            self.console.problem("failed", result.message)
            return result
        result = self._leave(result)
        self.console.problem("no data" if result.status == "no_data" else "failed", result.message)
        if result.status != "no_data":
            self._report_line()
        return result

    def _leave(self, result: RunResult) -> RunResult:
        """Write the result and the report, and keep the finished units where a run can go on. What was written."""
        resumable = self._resumable(result)
        if resumable is not None:
            # A full disk may have no room for the result beside what is kept.
            with suppress(OSError):
                return self._write_result(resumable)
            self._close_earlier()
        self.folder.clean(keep_staged=False)
        return self._write_result(result)

    def _resumable(self, result: RunResult) -> RunResult | None:
        """The result saying how to go on; None where that is not possible."""
        finished = keep_finished(self.folder.path) if result.exit_code in RESUMABLE else 0
        if not finished:
            return None
        command = resuming_command(self.loaded, self.run_date, self.same_options, with_flags=bool(self.flags))
        text = f"{result.message} {finished:,} of {count(self.units, 'unit')} are finished; go on with: {command}"
        facts = {"finished_units": finished, "units": self.units, "resume": command}
        return replace(result, message=text, facts=result.facts | facts)

    def _write_result(self, result: RunResult) -> RunResult:
        self._report(failed_facts(self.loaded, result))
        self.folder.write(RESULT, result.to_json())
        return result

    def _report(self, facts: Any) -> None:
        self.folder.write("report.json", facts.to_json())
        write_bytes(self.folder.path / "index.html", render_report(facts).encode())

    def _report_line(self) -> None:
        self.console.line("report", self._relative(self.folder.path / "index.html"))

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path)

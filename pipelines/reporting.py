"""The facts of a run's report, and the words for what stands and what to do next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from data_checks.report_facts import FeatureCount, QuarantineCount, ReportFacts
from pipelines.console import count, size
from pipelines.judging import Judgement
from pipelines.loading import LoadedJob
from pipelines.pass_running import PassResult
from schemas.errors import ExitCode
from schemas.ledger import Ledger
from schemas.plan import Plan
from schemas.result import RunResult
from schemas.verdicts import GateDecision


def headline_of_hold(partition: str, gate: GateDecision, previous: Mapping[str, Any] | None) -> str:
    """One sentence: what was not published, and what still stands."""
    why = {
        ExitCode.QUALITY_GATE: "the quality gate",
        ExitCode.DRIFT_GATE: "the drift gate",
        ExitCode.INPUT_SCHEMA: "rejected input",
    }.get(gate.exit_code, "the gate")
    does = "holds" if gate.releasable else "refuses"
    return f"{partition} was not published: {why} {does} it. {what_stands(previous)}"


def what_stands(previous: Mapping[str, Any] | None) -> str:
    """What readers of the partition see now."""
    if previous is None:
        return "There was no such partition before, and there is none now."
    return f"The partition of run {previous['run_id']} (revision {previous['revision']}) still stands."


def facts_of(
    loaded: LoadedJob,
    plan: Plan,
    passed: PassResult,
    judgement: Judgement,
    result: RunResult,
    manifest: Mapping[str, Any] | None,
) -> ReportFacts:
    """The report of a run that reached the gate. `manifest` is what is out after it, if anything."""
    published = result.status == "published"
    return ReportFacts(
        job=result.job,
        run_date=result.run_date,
        run_id=result.run_id,
        outcome="published" if published else "held" if judgement.gate.releasable else "failed",
        ledger=passed.outcome.ledger,
        decision=judgement.gate,
        stands="" if published else what_stands(manifest),
        next_steps=() if published else next_steps(loaded, result),
        expectations=judgement.expectations,
        drift=judgement.drift,
        trend=judgement.trend,
        quarantine=tuple(_quarantine_counts(loaded, passed)),
        features=tuple(_feature_counts(loaded, passed)),
        provenance=_provenance(loaded, plan, passed, result, manifest),
    )


def failed_facts(loaded: LoadedJob, result: RunResult) -> ReportFacts:
    """The report of a run that ended before the gate."""
    return ReportFacts(
        job=result.job,
        run_date=result.run_date,
        run_id=result.run_id,
        outcome="no_data" if result.status == "no_data" else "failed",
        ledger=Ledger(),
        error=result.message,
        stands=f"The partition of run {result.published_run} still stands."
        if result.published_run
        else what_stands(None),
        next_steps=next_steps(loaded, result),
        provenance={"run": _run_section(result)},
    )


def next_steps(loaded: LoadedJob, result: RunResult) -> tuple[str, ...]:
    """What a person can do, with the commands."""
    job = os.path.relpath(loaded.path)
    again = f"`nightscore run {job} --date {result.run_date}`"
    if result.status == "held" and result.exit_code in (ExitCode.QUALITY_GATE, ExitCode.DRIFT_GATE):
        release = f"`nightscore release {job} --date {result.run_date} --run {result.run_id} --reason '...'`"
        mend = f"Mend the data and run {again}."
        return (mend, f"Or publish exactly what was scored: {release}.") if result.rows.get("scored") else (mend,)
    if result.status == "no_data":
        return (f"When the data has come, run {again}.",)
    if "resume" in result.facts:
        return (
            f"Go on with the {count(result.facts['finished_units'], 'finished unit')}: `{result.facts['resume']}`.",
        )
    return (f"When it is mended, run {again}.",)


def resuming_command(loaded: LoadedJob, run_date: str, options: Sequence[str], *, with_flags: bool) -> str:
    """The command that goes on with an interrupted run, given the same options.

    Of options for Beam no value is repeated: they may hold what is not for logs.
    """
    words = ["nightscore", "run", os.path.relpath(loaded.path), "--date", run_date, *options, "--resume"]
    return shlex.join(words) + (" -- (the same options for Beam)" if with_flags else "")


def _quarantine_counts(loaded: LoadedJob, passed: PassResult) -> list[QuarantineCount]:
    dropping = loaded.spec.checks.dropping_rules
    return [
        QuarantineCount(rule, column or None, reason, rows, "drop" if rule in dropping else "quarantine")
        for (rule, column, reason), rows in sorted(passed.outcome.reasons.items(), key=lambda item: (-item[1], item[0]))
    ]


def _feature_counts(loaded: LoadedJob, passed: PassResult) -> list[FeatureCount]:
    outcome = passed.outcome
    several = len(loaded.job.models) > 1
    counts = []
    for key in sorted({*outcome.unknown, *outcome.missing}):
        unknown, missing = outcome.unknown[key], outcome.missing[key]
        name = key.partition(".")[2]
        entry = loaded.job.features.get(name)
        # Numbers have no categories, and so no policy for unknown ones.
        categorical = key in outcome.unknown
        policy = (entry.unknown if entry else "error") if categorical else ""
        if unknown or missing:
            counts.append(FeatureCount(key if several else name, unknown, missing, policy))
    return counts


def _run_section(result: RunResult) -> dict[str, Any]:
    return {
        "job": result.job,
        "run date": result.run_date,
        "run": result.run_id,
        "started": result.timing["started"],
        "finished": result.timing["finished"],
        "seconds": result.timing["seconds"],
        "CPU seconds": result.timing["cpu_seconds"],
    }


def _provenance(
    loaded: LoadedJob, plan: Plan, passed: PassResult, result: RunResult, manifest: Mapping[str, Any] | None
) -> dict[str, dict[str, Any]]:
    models: dict[str, Any] = {}
    for entry, card in zip(loaded.job.models, loaded.spec.cards, strict=True):
        libraries = ", ".join(f"{name} {version}" for name, version in card.libraries.items())
        models[entry.name] = f"{card.kind} {card.task}, made with {libraries}"
        models[f"{entry.name} sha256"] = card.artefact.sha256
    models |= {f"note {number}": note for number, note in enumerate(sorted(passed.outcome.model_notes), 1)}
    supersedes = manifest.get("supersedes") if manifest and result.status == "published" else None
    return {
        "run": _run_section(result) | ({"supersedes run": supersedes} if supersedes else {}),
        "input": {
            "files": count(len(plan.files), "file"),
            "rows": f"{plan.rows:,}",
            "size": size(plan.bytes),
            "units": count(len(plan.units), "unit"),
        },
        "models": models,
        "digests": {name: value for name, value in loaded.digests.items() if value and not name.startswith("model ")},
    }

"""`nightscore release`: a person publishes what the gate held, exactly those bytes."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_checks.report import render_report
from data_checks.report_facts import Release, ReportFacts
from pipelines.console import Console, count
from pipelines.files import file_sha256, write_bytes
from pipelines.loading import job_path
from pipelines.partition_lock import partition_lock
from pipelines.publishing import Place, StagedPart, publish, published_manifest, recover
from pipelines.rendering import find_run
from pipelines.run_folder import RESULT, RunFolder
from schemas.errors import ConfigError, ExitCode, LedgerError
from schemas.job import read_job


def release_run(job: Path, run_date: str, run_id: str | None, reason: str) -> int:
    """Publish the staged parts of a held run.

    Raises ConfigError when the run is not held or scored no row, LedgerError when the parts are not those it staged.
    """
    run = find_run(job, run_date, run_id)
    now = datetime.now(UTC).isoformat()
    with partition_lock(run.partition_runs, run.run_id, now):
        recover(run.partition_runs)
        result = _held_result(run)
        path = job_path(job)
        target = path.parent / read_job(path).output.path / run.partition_runs.name
        previous = published_manifest(target)
        if previous is not None and previous["run_id"] > run.run_id:
            message = (
                f"run {previous['run_id']} was published after {run.run_id}: releasing it would bring back older data"
            )
            raise ConfigError(message, code="older_than_published", published=previous["run_id"])
        manifest = run.read("manifest.json") | {
            "revision": int(previous["revision"]) + 1 if previous else 1,
            "supersedes": previous["run_id"] if previous else None,
            "released": {"reason": reason, "at": now},
        }
        if not manifest["rows"]:
            message = f"run {run.run_id} scored no row: releasing it would leave {manifest['partition']} empty"
            raise ConfigError(message, code="nothing_to_release")
        parts = [_checked_part(run, part) for part in manifest["parts"]]
        result |= {
            "status": "published",
            "exit_code": int(ExitCode.PUBLISHED),
            "action": "none",
            "code": "released",
            "message": f"{manifest['rows']:,} rows released as {manifest['partition']}: {reason}",
            "published_run": run.run_id,
            "revision": manifest["revision"],
        }
        _render(run, Release(reason, now))
        run.write("manifest.json", manifest)
        publish(Place(run.path, target), parts, manifest, result)
    replaced = f", in place of run {manifest['supersedes']}" if manifest["supersedes"] else ""
    text = f"{os.path.relpath(target)}: {count(manifest['rows'], 'row')}, revision {manifest['revision']}{replaced}"
    Console().line("release", text)
    return ExitCode.PUBLISHED


def _held_result(run: RunFolder) -> dict[str, Any]:
    result: dict[str, Any] = run.read(RESULT)
    if result["status"] != "held":
        message = f"run {run.run_id} is {result['status']}, not held: there is nothing to release"
        raise ConfigError(message, code="not_held", status=result["status"])
    return result


def _checked_part(run: RunFolder, part: dict[str, Any]) -> StagedPart:
    path = run.path / "staged" / part["staged"]
    if not path.exists() or file_sha256(path) != part["sha256"]:
        message = f"{path}: the staged part is gone or changed since the run was held; run the night again"
        raise LedgerError(message, code="staged_part_changed", part=part["name"])
    return StagedPart(path, part["name"])


def _render(run: RunFolder, released: Release) -> None:
    facts = ReportFacts.from_json(run.read("report.json"))
    facts = replace(facts, outcome="published", stands="", next_steps=(), released=released)
    run.write("report.json", facts.to_json())
    write_bytes(run.path / "index.html", render_report(facts).encode())

"""`nightscore report`: the report of a run, rendered anew from its facts."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path

from data_checks.report import render_report
from data_checks.report_facts import ReportFacts
from pipelines.console import Console
from pipelines.files import write_bytes
from pipelines.loading import job_path
from pipelines.run_folder import RESULT, RunFolder, latest_run, runs_of
from pipelines.stages.plan import input_place
from schemas.errors import ConfigError, ExitCode
from schemas.job import read_job


def find_run(job: Path, run_date: str, run_id: str | None) -> RunFolder:
    """The folder of that run, or of the date's latest. Raises ConfigError when there is none."""
    path = job_path(job)
    read = read_job(path)
    partition_runs = path.parent / read.output.runs / input_place(read.input, path.parent, run_date).partition
    run = RunFolder(partition_runs / run_id) if run_id else latest_run(partition_runs)
    if run is not None and (run.path / RESULT).exists():
        return run
    without = next((found for found in reversed(runs_of(partition_runs)) if run_id in (None, found.run_id)), None)
    if without is not None:
        message = (
            f"run {without.run_id} of {run_date} has left no result: it still runs, or was cut short. Go on with what "
            f"it has finished: nightscore run {os.path.relpath(path)} --date {run_date} --resume"
        )
        raise ConfigError(message, code="no_result", run_id=without.run_id)
    what = f"run {run_id}" if run_id else "run"
    message = f"there is no {what} of {run_date} in {os.path.relpath(partition_runs)}"
    raise ConfigError(message, code="no_such_run")


def render_again(job: Path, run_date: str, run_id: str | None, *, show: bool) -> int:
    """Write the run's index.html anew and print its path; with `show` open it."""
    run = find_run(job, run_date, run_id)
    if not (run.path / "report.json").exists():
        message = f"run {run.run_id} left no report: {run.read(RESULT)['message']}"
        raise ConfigError(message, code="no_report")
    facts = ReportFacts.from_json(run.read("report.json"))
    target = run.path / "index.html"
    write_bytes(target, render_report(facts).encode())
    Console().line("report", os.path.relpath(target))
    if show:
        webbrowser.open(target.absolute().as_uri())
    return ExitCode.PUBLISHED

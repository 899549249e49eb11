"""`nightscore plan`: what a run would read and replace."""

from __future__ import annotations

from pathlib import Path

from pipelines.console import Console, count, size
from pipelines.loading import load_job
from pipelines.publishing import published_manifest
from pipelines.running import dates_between
from pipelines.stages.plan import make_plan
from schemas.errors import ExitCode


def show_plan(job: Path, run_date: str) -> int:
    """Print the plan of a run date, from the files' footers alone. Raises what a run would raise for its input."""
    dates_between(run_date, run_date)
    loaded = load_job(job)
    say = Console().line
    plan = make_plan(loaded.job, loaded.contract, loaded.base, run_date)
    say("input", f"{count(len(plan.files), 'file')}, {count(plan.rows, 'row')}, {size(plan.bytes)}")
    for file in plan.files[:20]:
        groups = count(len(file.row_group_rows), "row group")
        say("", f"{file.name}: {count(file.rows, 'row')} in {groups}, {size(file.bytes)}")
    if len(plan.files) > 20:  # noqa: PLR2004
        say("", f"and {len(plan.files) - 20:,} more")
    for bad in plan.bad_files:
        say("unreadable", bad.message)
    if plan.ignored:
        say("ignored", ", ".join(plan.ignored[:20]))
    say("units", f"{count(len(plan.units), 'unit')} of about {loaded.job.rows_per_unit:,} rows, one part each")
    out = published_manifest(loaded.table / plan.partition)
    replaced = f"run {out['run_id']}, {count(out['rows'], 'row')}, revision {out['revision']}" if out else "nothing"
    say("replaces", f"{plan.partition}: {replaced}")
    return ExitCode.PUBLISHED

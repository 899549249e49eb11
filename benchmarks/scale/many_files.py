"""A night of many small files: planning, opens and listings, and what the run's own files grow to."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scale.dimension import Case, Dimension, Found
from scale.tables import Table, megabytes
from scale.wide_job import DATE, WideJob

COLUMNS = 20
ROWS_PER_FILE = 100
SIZES = (100, 1_000, 10_000)


def job_of(folder: Path, case: Case) -> WideJob:
    """The job of a case; each has a folder of its own, so that none is another's earlier night."""
    return WideJob(folder / f"files-{case['files']}", COLUMNS)


def prepare(folder: Path, case: Case) -> None:
    """Make the job and its night, where they are missing."""
    job = job_of(folder, case)
    if not job.folder.exists():
        base = WideJob(folder / "files", COLUMNS).make()
        shutil.copytree(base.folder, job.folder)
        for number in range(case["files"]):
            job.write_file(f"part-{number:06d}.parquet", ROWS_PER_FILE, number * ROWS_PER_FILE)


def run(folder: Path, case: Case) -> dict[str, Any]:
    """A whole `nightscore run`."""
    from scale.counted_run import run_counted  # noqa: PLC0415  # only in the process that measures

    job = job_of(folder, case)
    for name in ("scored", "runs"):
        shutil.rmtree(job.folder / name, ignore_errors=True)
    return run_counted(job.folder, DATE)


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """Calls and CPU seconds; bytes."""
    calls = ("opened in input", "opened in runs", "listed", "link", "rename", "mkdir", "remove")
    stages = ("plan", "identity", "score", "merge", "workers", "judge", "manifest", "report", "publish")
    sizes = ("plan.json", "outcome.json", "manifest.json", "report.json", "index.html")
    costs = [
        [item.case["files"], item.values["units"]]
        + [item.values["calls"].get(name, 0) for name in calls]
        + [item.values["stages"][name]["cpu"] for name in stages]
        + [item.cpu, item.peak_mb]
        for item in found
    ]
    of_bytes = [[item.case["files"], *(megabytes(item.values["bytes"][name]) for name in sizes)] for item in found]
    what = f"files of {ROWS_PER_FILE} rows"
    seconds = [f"{name}, CPU s" for name in stages]
    return (
        Table(f"{what}: calls and CPU", ["files", "units", *calls, *seconds, "all, CPU s", "peak PSS MB"], costs),
        Table(f"{what}: bytes", ["files", *(f"{name}, MB" for name in sizes)], of_bytes),
    )


FILES = Dimension(
    "files",
    f"{', '.join(f'{size:,}' for size in SIZES)} files of {ROWS_PER_FILE} rows and {COLUMNS} columns in one night",
    [{"files": size} for size in SIZES],
    prepare,
    run,
    tables,
)

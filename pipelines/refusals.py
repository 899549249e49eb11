"""What a night refuses before any row is scored: a place that it may not publish to, and a night without rows."""

from __future__ import annotations

from pathlib import Path

from pipelines.console import count
from pipelines.loading import LoadedJob
from pipelines.publishing import published_manifest
from schemas.errors import ConfigError, InputError, NoDataError
from schemas.job import Job
from schemas.plan import Plan


def refuse_foreign_target(loaded: LoadedJob, run_folder: Path, target: Path) -> None:
    """Raise ConfigError where the partition's place is out of reach, or holds what no run of this job published."""
    if _device(target) != _device(run_folder):
        message = (
            f"output.path ({loaded.table}) and output.runs ({loaded.runs}) are on different file "
            "systems: a partition cannot be put in its place in one step. Put both on one."
        )
        raise ConfigError(message, code="other_file_system")
    if not target.exists() and not target.is_symlink():
        return
    out = published_manifest(target)
    if out is None or target.is_symlink() or out["job"] != loaded.job.name:
        what = f"the partition of job '{out['job']}'" if out else "something that no run published"
        message = f"{target} is {what}: publishing would remove it. Move it, or set another output.path."
        raise ConfigError(message, code="foreign_target", target=str(target))


def refuse_empty(job: Job, plan: Plan) -> None:
    """Raise NoDataError or InputError for a night without rows, unless the job publishes it empty."""
    if plan.rows or plan.bad_files or job.input.on_empty == "ok":
        return
    message = (
        f"{plan.run_date}: {count(len(plan.files), 'file')} without any row. Nothing was published; "
        "what was out before stays. input.on_empty says what this means: skip, fail or ok."
    )
    kind = InputError if job.input.on_empty == "fail" else NoDataError
    raise kind(message, code="no_rows", files=len(plan.files))


def _device(path: Path) -> int:
    """The file system of the path, or of the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path.stat().st_dev

"""The pass on the runner that the job uses: in this machine's processes, on a Flink cluster, or on Dataflow."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import apache_beam as beam

from pipelines.beam_options import engine_pipeline, local_pipeline, names_a_runner
from pipelines.dataflow import dataflow_options
from pipelines.flink import addresses, flink_options
from pipelines.flink_job import FlinkJob, cluster_slots
from pipelines.known_plan import leave_plan
from pipelines.local_processes import processes_for
from pipelines.own_wheel import write_own_wheel
from pipelines.scoring import ScoreNight
from pipelines.worker_view import WorkerView
from schemas.errors import ConfigError
from schemas.job import Job
from schemas.runners import DataflowRunner, FlinkRunner

LABEL = "nightscore"
#: Or Beam would stage `pip freeze` of the driver's environment, which names its folders.
_NO_ENVIRONMENT = "--experiments=disable_logging_submission_environment"

#: Options of Beam's for a job on Flink that are ours to give.
_OURS = {
    "--job_name": "nightscore names the job after the run",
    "--flink_master": "give --flink-master before it",
    "--job_endpoint": "give --job-endpoint before it",
    "--parallelism": "give --parallelism before it",
}


def runs_here(view: WorkerView, flags: Sequence[str]) -> bool:
    """Whether the pass runs in processes of this machine that the driver starts itself."""
    return view.spec.job.runners.use == "local" and not names_a_runner(flags)


@contextmanager
def night_pipeline(view: WorkerView, flags: Sequence[str]) -> Iterator[beam.Pipeline]:
    """The pipeline of a night's pass as the job's runner runs it; what it ships to workers exists within the block.

    Leaves the plan for them in the run's folder. Raises ConfigError for flags that Beam does not know, and for a
    profile that does not fit the job.
    """
    runners, run_folder = view.spec.job.runners, Path(view.run_folder)
    if runs_here(view, flags):
        processes = processes_for(runners.local, len(view.plan.units), view.plan.rows)
        view = replace(view, spec=replace(view.spec, threads=processes.threads))
        yield _with_pass(local_pipeline(processes, flags), view, run_folder)
        return
    # Wherever else it runs, each worker is a Python process for one unit at a time.
    view = replace(view, spec=replace(view.spec, threads=1))
    with tempfile.TemporaryDirectory(prefix="nightscore-packages-") as folder:
        options = [f"--job_name={job_name(view)}", _NO_ENVIRONMENT]
        if runners.use != "local":
            profile = runners.flink if runners.use == "flink" else runners.dataflow
            options += [f"--extra_package={path}" for path in packages(profile, Path(view.spec.base), Path(folder))]
            options += flink_options(profile, Path(view.spec.base)) if isinstance(profile, FlinkRunner) else []
            options += dataflow_options(profile) if isinstance(profile, DataflowRunner) else []
            if profile.job_folder is not None:
                view = view.moved_to(profile.job_folder)
        yield _with_pass(engine_pipeline([*options, *flags]), view, run_folder)


def _with_pass(pipeline: beam.Pipeline, view: WorkerView, run_folder: Path) -> beam.Pipeline:
    leave_plan(run_folder, view.plan)
    pipeline | LABEL >> ScoreNight(view.spec, view.plan, view.run_folder)
    return pipeline


def packages(profile: FlinkRunner | DataflowRunner, base: Path, folder: Path) -> list[Path]:
    """The wheels that workers install: nightscore's own, written into `folder`, then those of the job.

    Raises ConfigError for a wheel that is not there.
    """
    found = [write_own_wheel(folder)]
    for name in profile.packages:
        path = base / name
        if not path.is_file():
            message = f"runners: packages: {path} does not exist; build the wheel of your package first"
            raise ConfigError(message, code="no_such_package", file=str(path))
        found.append(path)
    return found


def flink_job(view: WorkerView, flags: Sequence[str]) -> FlinkJob | None:
    """The job as Flink will know it; None on another runner, and where only the job server knows the cluster."""
    master = _flink_master(view.spec.job, flags)
    return None if master is None else FlinkJob(master, job_name(view), view.spec.job.runners.flink.parallelism)


def waits_for(job: Job, flags: Sequence[str]) -> str | None:
    """What the pass will have to wait for on its engine; None: nothing that is known."""
    master = _flink_master(job, flags)
    slots = cluster_slots(master) if master is not None else None
    return slots.shortage(job.runners.flink.parallelism) if slots is not None else None


def _flink_master(job: Job, flags: Sequence[str]) -> str | None:
    """Raises ConfigError for flags that would make another job of it than the one that is watched and cancelled."""
    if job.runners.use != "flink" or names_a_runner(flags):
        return None
    for flag in flags:
        name = flag.partition("=")[0]
        if name in _OURS:
            message = f"{name} after `--`: {_OURS[name]}. Nothing was started."
            raise ConfigError(message, code="beam_option_of_ours", option=name)
    return addresses(job.runners.flink).master


def job_name(view: WorkerView) -> str:
    """The job's name on the engine's own pages: lower-case letters, digits and `-`, as Dataflow wants it."""
    text = f"nightscore-{view.spec.job.name}-{view.plan.run_date}-{Path(view.run_folder).name}".lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")

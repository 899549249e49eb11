"""A night of many columns: specification, pipeline, reference profile, outcome, verdicts and report."""

from __future__ import annotations

import pickle
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scale.dimension import Case, Dimension, Found
from scale.stage_costs import StageCosts
from scale.tables import Table, megabytes
from scale.wide_job import DATE, WideJob

ROWS = 10_000
SIZES = (20, 100, 300, 1_000)
_MERGES = 5


def prepare(folder: Path, case: Case) -> None:
    """Make the job and its night."""
    job = WideJob(folder / f"wide-{case['columns']}", case["columns"]).make()
    if not job.night.exists():
        job.write_file("part.parquet", ROWS, 0)


def run(folder: Path, case: Case) -> dict[str, Any]:
    """What travels and is read for so many columns, then a whole `nightscore run`."""
    from scale.counted_run import run_counted  # noqa: PLC0415  # only in the process that measures

    job, costs = folder / f"wide-{case['columns']}", StageCosts()
    for name in ("scored", "runs"):
        shutil.rmtree(job / name, ignore_errors=True)
    sizes = _before_the_pass(job, costs)
    counted = run_counted(job, DATE)
    outcome = next(job.glob("runs/*/*/outcome.json")).read_bytes()
    _merge(job, outcome, costs)
    return counted | {"stages": counted["stages"] | costs.to_json(), "bytes": counted["bytes"] | sizes}


def _before_the_pass(job: Path, costs: StageCosts) -> dict[str, int]:
    """Sizes in bytes of what workers get."""
    from data_checks.reference_file import read_reference  # noqa: PLC0415
    from pipelines.engines import night_pipeline  # noqa: PLC0415
    from pipelines.loading import load_job  # noqa: PLC0415
    from pipelines.stages.plan import make_plan  # noqa: PLC0415
    from pipelines.worker_view import WorkerView  # noqa: PLC0415

    with costs.stage("load the job"):
        loaded = load_job(job)
    path = loaded.base / str(loaded.job.drift.reference)
    with costs.stage("read the reference"):
        read_reference(path)
    plan = make_plan(loaded.job, loaded.contract, loaded.base, DATE)
    with tempfile.TemporaryDirectory() as scratch, costs.stage("pipeline"):
        view = WorkerView(loaded.spec, plan, scratch)
        with night_pipeline(view, ["--runner=PortableRunner"]) as built:
            proto = built.to_runner_api().SerializeToString()
    sizes = {"specification": len(pickle.dumps(loaded.spec)), "pipeline": len(proto)}
    return sizes | {"reference": path.stat().st_size}


def _merge(job: Path, outcome: bytes, costs: StageCosts) -> None:
    """Merge the outcome of the night's only unit some times."""
    from pipelines.loading import load_job  # noqa: PLC0415
    from pipelines.scoring import MergeOutcomes  # noqa: PLC0415

    merging = MergeOutcomes(load_job(job).spec)
    merged = merging.create_accumulator()
    with costs.stage("merge some"):
        for _ in range(_MERGES):
            merged = merging.add_input(merged, outcome)
    with costs.stage("outcome.json"):
        merging.extract_output(merged)


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """CPU seconds; bytes."""
    stages = ("load the job", "read the reference", "pipeline", "score", "judge", "trend", "report", "publish")
    costs = []
    for item in found:
        cost = item.values["stages"]
        merging, writing = cost["merge some"]["cpu"] / _MERGES * 1e3, cost["outcome.json"]["cpu"] * 1e3
        costs.append(
            [
                *(item.case["columns"], *(cost[name]["cpu"] for name in stages)),
                *(merging, writing, cost["read the reference"]["rise_mb"], item.cpu, item.peak_mb),
            ]
        )
    sizes = ("specification", "pipeline", "reference", "outcome.json", "profile.json", "drift.json", "quality.json")
    sizes += ("manifest.json", "report.json", "index.html")
    of_bytes = [[item.case["columns"], *(megabytes(item.values["bytes"][name]) for name in sizes)] for item in found]
    seconds = [f"{name}, CPU s" for name in stages]
    more = ["merging an outcome, CPU ms", "writing one, CPU ms", "reference, MB of memory", "all, CPU s", "peak PSS MB"]
    return (
        Table(f"columns, a night of {ROWS:,} rows: CPU", ["columns", *seconds, *more], costs),
        Table(f"columns, a night of {ROWS:,} rows: bytes", ["columns", *(f"{name}, MB" for name in sizes)], of_bytes),
    )


COLUMNS = Dimension(
    "columns",
    f"{', '.join(f'{size:,}' for size in SIZES)} columns, {ROWS:,} rows",
    [{"columns": size} for size in SIZES],
    prepare,
    run,
    tables,
)

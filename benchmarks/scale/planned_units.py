"""A plan of many units: the plan, plan.json, the pipeline that is submitted, and what each worker reads of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scale.dimension import Case, Dimension, Found
from scale.stage_costs import StageCosts
from scale.tables import Table, megabytes
from scale.wide_job import DATE, WideJob

COLUMNS = 20
#: The default of job.yaml; a unit of one row group.
ROWS_PER_UNIT = 500_000
#: (files, row groups of each).
SHAPES = ((100, 1), (1_000, 1), (10_000, 1), (100_000, 1), (1, 1_000), (10, 1_000), (100, 1_000))


def prepare(folder: Path, case: Case) -> None:  # noqa: ARG001  # one job for all
    """Make the job that the pipeline is built for."""
    WideJob(folder / f"wide-{COLUMNS}", COLUMNS).make()


def planned(files: int, groups: int) -> Any:
    """A plan without files: names of the length that Spark gives, and digests that do not compress."""
    from pipelines.stages.plan import share_out  # noqa: PLC0415  # only in the process that measures
    from schemas.plan import InputFile, Plan  # noqa: PLC0415

    found = []
    for number in range(files):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        name = f"part-{number:05d}-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:28]}.c000.snappy.parquet"
        path = f"/data/wide/input/day={DATE}/{name}"
        rows = (ROWS_PER_UNIT,) * groups
        found.append(InputFile(number, path, name, 1 << 30, (1 << 60) + number, digest, rows, (("day", DATE),)))
    return Plan(DATE, f"day={DATE}", tuple(found), tuple(share_out(found, ROWS_PER_UNIT)))


def run(folder: Path, case: Case) -> dict[str, Any]:
    """Every step that the driver does for each unit before the pass, and a worker's reading of the plan."""
    from pipelines.engines import night_pipeline  # noqa: PLC0415
    from pipelines.input_digest import plan_digest, unit_digest  # noqa: PLC0415
    from pipelines.known_plan import PLAN_OF_WORKERS, known_plan  # noqa: PLC0415
    from pipelines.loading import load_job  # noqa: PLC0415
    from pipelines.worker_view import WorkerView  # noqa: PLC0415

    costs = StageCosts()
    spec = load_job(folder / f"wide-{COLUMNS}").spec
    with costs.stage("plan"):
        plan = planned(case["files"], case["groups"])
    with costs.stage("plan.json"):
        text = json.dumps(plan.to_json(), indent=1, ensure_ascii=False)
    with costs.stage("identity"):
        plan_digest(plan)
    with costs.stage("unit digests"):
        for unit in plan.units:
            unit_digest(unit)
    scratch = Path(tempfile.mkdtemp(dir=folder))
    try:
        with (
            costs.stage("pipeline"),
            night_pipeline(WorkerView(spec, plan, str(scratch)), ["--runner=PortableRunner"]) as built,
        ):
            proto = built.to_runner_api().SerializeToString()
        read = (scratch / PLAN_OF_WORKERS).stat().st_size
        with costs.stage("worker"):
            known_plan(str(scratch))
    finally:
        shutil.rmtree(scratch)
    return {"stages": costs.to_json(), "units": len(plan.units), "plan": len(text), "proto": len(proto), "read": read}


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """One line a plan."""
    names = ("plan", "plan.json", "identity", "unit digests", "pipeline", "worker")
    rows = [
        [item.case["files"], item.case["groups"], item.values["units"]]
        + [item.values["stages"][name]["cpu"] for name in names]
        + [item.values["stages"][name]["rise_mb"] for name in ("plan", "worker")]
        + [megabytes(item.values[name]) for name in ("plan", "read", "proto")]
        + [item.peak_mb]
        for item in found
    ]
    columns = ["files", "row groups of each", "units", *(f"{name}, CPU s" for name in names)]
    columns += ["plan, MB of memory", "the same in a worker", "plan.json, MB", "workers' plan, MB", "pipeline, MB"]
    return (Table(f"units planned, {COLUMNS} columns", [*columns, "peak PSS MB"], rows),)


UNITS = Dimension(
    "planned",
    "plans of up to 100,000 units, without data",
    [{"files": files, "groups": groups} for files, groups in SHAPES],
    prepare,
    run,
    tables,
)

"""Outcomes of many units: what is shuffled, merging them, the accumulator, and what the merged one grows to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scale.dimension import Case, Dimension, Found
from scale.stage_costs import StageCosts
from scale.tables import Table, megabytes
from scale.wide_job import DATE, WideJob

#: Rows of the unit that is scored; a unit of 500,000 has as many filled bins.
ROWS = 10_000
#: What the unit is taken to have, for the number of buckets.
ROWS_PER_UNIT = 500_000
#: (columns, units, with unique keys).
SHAPES = (
    *((20, units, unique) for unique in (False, True) for units in (100, 1_000, 10_000)),
    *((300, units, True) for units in (100, 1_000)),
    (2, 100_000, False),
)
_NAME = "part-000000.parquet"
#: What the driver writes, by the name of its size, with the stage that makes it.
_LEFT = {"outcome": "outcome.json", "manifest": "manifest"}


def job_of(folder: Path, case: Case) -> WideJob:
    """The job of a case."""
    unique = bool(case["unique"])
    return WideJob(folder / f"merged-{case['columns']}{'-unique' * unique}", case["columns"], unique=unique)


def prepare(folder: Path, case: Case) -> None:
    """Make the job and one file."""
    job = job_of(folder, case).make()
    if not job.night.exists():
        job.write_file(_NAME, ROWS, 0)


def run(folder: Path, case: Case) -> dict[str, Any]:
    """Score one unit, and merge as many like it."""
    from pipelines.loading import load_job  # noqa: PLC0415  # only in the process that measures
    from pipelines.manifest import build_manifest  # noqa: PLC0415
    from pipelines.scoring import MergeOutcomes  # noqa: PLC0415
    from pipelines.stages.plan import make_plan  # noqa: PLC0415
    from pipelines.tools import tools_for  # noqa: PLC0415
    from pipelines.unit_scoring import score_unit  # noqa: PLC0415

    loaded = load_job(job_of(folder, case).folder)
    plan = make_plan(loaded.job, loaded.contract, loaded.base, DATE)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        total = case["units"] * ROWS_PER_UNIT
        one = score_unit(plan.units[0], tools_for(loaded.spec), Path(scratch), total).to_json()
    costs, merging = StageCosts(), MergeOutcomes(loaded.spec)
    with costs.stage("all"):
        merged = merging.create_accumulator()
        costs.time_calls(merging, "add_input", "merge")
        for outcome in likes(one, case["units"]):
            merged = merging.add_input(merged, outcome)
    with costs.stage("outcome.json"):
        data = merging.extract_output(merged)
    with costs.stage("manifest"):
        manifest = json.dumps(build_manifest(loaded, plan, merged, "r", None), indent=1)
    return {
        "stages": costs.to_json(),
        "one": len(one),
        "named": len(json.dumps(json.loads(one)["files"])),
        "outcome": len(data),
        "manifest": len(manifest),
    }


def likes(one: bytes, units: int) -> Iterator[bytes]:
    """The outcomes of other units: names and numbers of their own, the same figures."""
    assert one.count(b'"parts":{"0":') == 1
    for number in range(units):
        text = one.replace(b'"parts":{"0":', b'"parts":{"%d":' % number).replace(b"part-00000-", b"part-%05d-" % number)
        yield text.replace(_NAME.encode(), b"part-%06d.parquet" % number).replace(b"unit-000000", b"unit-%06d" % number)


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """One line a case."""
    rows = []
    for item in found:
        units, stages = item.case["units"], item.values["stages"]
        one, named = item.values["one"] / 1e3, item.values["named"] / 1e3
        shuffled = one, named, megabytes(item.values["one"] * units)
        merging = stages["merge"]["cpu"] / units * 1e3, stages["all"]["rise_mb"]
        left = [(megabytes(item.values[name]), stages[stage]["cpu"]) for name, stage in _LEFT.items()]
        case = item.case["columns"], "yes" if item.case["unique"] else "no", units
        rows.append([*case, *shuffled, *merging, *left[0], *left[1]])
    columns = ["columns", "unique keys", "units", "outcome of one, kB", "of it names of key files, kB", "all, MB"]
    columns += ["merging one, CPU ms", "accumulator, MB", "outcome.json, MB", "CPU s", "manifest, MB", "CPU s"]
    return (Table("outcomes merged", columns, rows),)


OUTCOMES = Dimension(
    "merged",
    "merging up to 100,000 outcomes",
    [{"columns": columns, "units": units, "unique": unique} for columns, units, unique in SHAPES],
    prepare,
    run,
    tables,
)

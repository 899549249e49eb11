"""A text column of many different values, with and without expectations that count them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scale.dimension import Case, Dimension, Found
from scale.tables import Table, megabytes
from scale.wide_job import DATE, WideJob

COLUMN = "text_0002"
_FILE_ROWS, _GROUP_ROWS = 1_000_000, 250_000
_BLOCK = "expect_column_"
#: What is expected of the column, by the case's word.
EXPECTED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "nothing": [],
    "their number": [
        ("unique_value_count_to_be_between", {"min_value": 1}),
        ("proportion_of_unique_values_to_be_between", {"min_value": 0}),
    ],
    "a set": [
        ("distinct_values_to_be_in_set", {"value_set": ["category 00", "category 01"]}),
        ("most_common_value_to_be_in_set", {"value_set": ["category 00"]}),
    ],
}
#: Different values, rows, what is expected.
SHAPES = (
    *((count, 50_000, "a set") for count in (9_999, 10_000, 10_001)),
    *((count, count, what) for count in (1_000_000, 10_000_000) for what in EXPECTED),
)


def job_of(folder: Path, case: Case) -> WideJob:
    """The job of a case, of two numbers and a text."""
    name = f"categories-{case['different']}-{case['rows']}-{case['expected'].replace(' ', '-')}"
    return WideJob(folder / name, 3, unique=False)


def prepare(folder: Path, case: Case) -> None:
    """Make the job with the suite, and the night; nights of the same size are the same files."""
    job = job_of(folder, case)
    if job.folder.exists():
        return
    base = WideJob(folder / "categories", 3, unique=False).make()
    night = folder / "categories-nights" / f"{case['different']}-{case['rows']}"
    if not night.exists():
        _make_night(base, night, case["rows"], case["different"])
    shutil.copytree(base.folder, job.folder)
    job.night.mkdir(parents=True)
    for path in night.iterdir():
        os.link(path, job.night / path.name)
    with (job.folder / "job.yaml").open("a") as stream:
        stream.write(f"features: {{{COLUMN}: {{unknown: missing}}}}\n")
    suite = json.loads((job.folder / "suite.json").read_bytes())
    for kind, arguments in EXPECTED[case["expected"]]:
        rule = {"type": f"{_BLOCK}{kind}", "kwargs": {"column": COLUMN, **arguments}, "severity": "warning"}
        suite["expectations"].append(rule)
    (job.folder / "suite.json").write_text(json.dumps(suite))


def _make_night(job: WideJob, night: Path, rows: int, different: int) -> None:
    """Every value is a text of 17 characters, and occurs as often as any other."""
    night.mkdir(parents=True)
    for first in range(0, rows, _FILE_ROWS):
        count = min(_FILE_ROWS, rows - first)
        table = job.rows(count, first)
        numbers = pa.array(np.arange(first, first + count) % different + 10**7)
        texts = pc.binary_join_element_wise(pa.scalar("customer-"), numbers.cast(pa.string()), "")
        place = table.schema.get_field_index(COLUMN)
        table = table.set_column(place, COLUMN, texts)
        pq.write_table(table, night / f"part-{first // _FILE_ROWS:04d}.parquet", row_group_size=_GROUP_ROWS)


def run(folder: Path, case: Case) -> dict[str, Any]:
    """A whole `nightscore run`, and what it says of the column."""
    from scale.counted_run import run_counted  # noqa: PLC0415  # only in the process that measures

    job = job_of(folder, case).folder
    for name in ("scored", "runs"):
        shutil.rmtree(job / name, ignore_errors=True)
    found = run_counted(job, DATE)
    about = [item for item in found.pop("quality")["results"] if _is_about(item["expectation_config"])]
    told = {item["expectation_config"]["type"]: str(item["result"].get("observed_value"))[:200] for item in about}
    profile = json.loads(next(job.glob("runs/*/*/profile.json")).read_bytes())
    (column,) = (item for item in profile["columns"] if item["name"] == COLUMN)
    unseen = column["unseen"] or {}
    told["unseen"] = f"{unseen.get('total', 0):,}, overflow: {unseen.get('overflow')}"
    return found | {"told": told}


def _is_about(config: dict[str, Any]) -> bool:
    return bool(config["kwargs"].get("column") == COLUMN) and "null" not in config["type"]


def tables(found: Sequence[Found]) -> Sequence[Table]:
    """One line a case."""
    rows = [
        [item.case["different"], item.case["rows"], item.case["expected"], item.values["units"]]
        + [item.values["stages"]["score"]["cpu"] / item.case["rows"] * 1e6, item.values["stages"]["judge"]["cpu"]]
        + [megabytes(item.values["bytes"][name]) for name in ("outcome.json", "profile.json", "quality.json")]
        + [
            item.peak_mb,
            "; ".join(f"{name.removeprefix(_BLOCK)}: {text}" for name, text in item.values["told"].items()),
        ]
        for item in found
    ]
    columns = ["different values", "rows", "expected of them", "units", "score, CPU s a million rows", "judge, CPU s"]
    columns += ["outcome.json, MB", "profile.json, MB", "quality.json, MB", "peak PSS MB", "told"]
    return (Table("a text column of many different values", columns, rows),)


CATEGORIES = Dimension(
    "categories",
    "a text column of up to 10,000,000 different values",
    [{"different": different, "rows": rows, "expected": expected} for different, rows, expected in SHAPES],
    prepare,
    run,
    tables,
)

"""How large a job's pipeline is for Dataflow, which takes no graph above 10 MB, and what it does not grow with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost

from pipelines.engines import night_pipeline
from pipelines.loading import load_job
from pipelines.stages.plan import make_plan
from pipelines.worker_view import WorkerView
from schemas.card import write_card
from transforms.card_writing import About, card_for
from transforms.model_facts import inspect_model

DATE = "2024-03-01"
BUILD = Path(__file__).with_name("test_dataflow.py")
MOST_BYTES = 10_000_000
_JOB = """\
name: wide
input: {path: "input/day={date}/"}
models: [{name: m, path: model/m.ubj, card: model/m.card.json, output: {probability: p}}]
output: {columns: []}
checks: {suite: suite.json}
"""


def wide_job(root: Path, columns: int) -> Path:
    """A job of so many features, with two expectations on each and a unique key."""
    names = [f"feature_number_{number:04d}" for number in range(columns)]
    draw = np.random.default_rng(1)
    rows = pa.table({"id": np.arange(100), **{name: draw.normal(size=100) for name in names}})
    for folder in ("model", f"input/day={DATE}"):
        (root / folder).mkdir(parents=True)
    pq.write_table(rows, root / f"input/day={DATE}" / "rows.parquet", write_page_checksum=True)
    _train(rows, names, root / "model")
    fields = "".join(f"  - {{name: {name}, type: float64}}\n" for name in names)
    (root / "job.yaml").write_text(_JOB)
    (root / "schema.yaml").write_text(f"columns:\n  - {{name: id, type: int64, nullable: false, role: key}}\n{fields}")
    rules = [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}]
    for name in names:
        kwargs = {"column": name, "min_value": -100, "max_value": 100}
        rules.append({"type": "expect_column_values_to_be_between", "kwargs": kwargs})
        rules.append({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": name}})
    (root / "suite.json").write_text(json.dumps({"name": "wide", "expectations": rules}))
    return root


def _train(rows: pa.Table, names: list[str], folder: Path) -> None:
    frame = rows.select(names).to_pandas()
    parameters = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
    label = (frame.iloc[:, 0] > 0).astype(int)
    xgboost.train(parameters, xgboost.DMatrix(frame, label), num_boost_round=3).save_model(folder / "m.ubj")
    facts = inspect_model(folder / "m.ubj", rows)
    write_card(card_for(folder / "m.ubj", facts, rows, About("m")), folder / "m.card.json")


@pytest.mark.parametrize(
    ("columns", "most"),
    [(300, MOST_BYTES // 10), pytest.param(1000, MOST_BYTES // 4, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def test_a_wide_job_stays_below_a_quarter_of_what_dataflow_takes(tmp_path: Path, columns: int, most: int) -> None:
    """A column costs 2 kB: its rules, its feature and the card's 20 probe rows, in each of the five steps that need
    the specification, and in one coder. So 10 MB are reached by some 5,000 columns: docs/dataflow.md tells it."""
    job = wide_job(tmp_path / "job", columns)
    printed = subprocess.run([sys.executable, BUILD, job, DATE], capture_output=True, check=True)
    assert most / 3 < json.loads(printed.stdout)["bytes"] < most


def test_the_pipeline_does_not_grow_with_the_units(tmp_path: Path) -> None:
    """Workers read them from the run's folder. In the pipeline, 40,000 units took 10 MB."""
    loaded = load_job(wide_job(tmp_path / "job", 3))
    plan = make_plan(loaded.job, loaded.contract, loaded.base, DATE)
    many = replace(plan, units=tuple(replace(plan.units[0], number=number) for number in range(5000)))
    sizes = []
    for each in (plan, many):
        view = WorkerView(loaded.spec, each, str(tmp_path))
        with night_pipeline(view, ["--runner=PortableRunner"]) as pipeline:
            sizes.append(len(pipeline.to_runner_api().SerializeToString()))
    assert abs(sizes[1] - sizes[0]) < 100

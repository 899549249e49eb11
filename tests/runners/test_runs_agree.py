"""The same input gives the same bytes, however it is run, and the scores are the model's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost

DATE = "2024-03-01"
FINDINGS = ("quality.json", "drift.json", "profile.json", "outcome.json")


def write_night(job: Any, make_rows: Callable[..., pa.Table], order: list[int]) -> pa.Table:
    """Five files of several row groups, written in that order; all rows, by file."""
    tables = [make_rows(900, first_id=10_000 * number) for number in range(5)]
    for number in order:
        job.write(DATE, f"part-{number}.parquet", tables[number], row_group_size=400)
    return pa.concat_tables(tables)


def findings(job: Any, result: dict[str, Any]) -> dict[str, Any]:
    """What the run found, without the names of its attempts' files."""
    folder = job.run_folder(result)
    found = {name: json.loads((folder / name).read_bytes()) for name in FINDINGS}
    for name in ("parts", "quarantine"):
        for part in found["outcome.json"][name].values():
            del part["path"]
    del found["outcome.json"]["files"]
    return found


#: Of each kind of measure one: in files, by value, in order, with a condition.
MORE = [
    {"type": "expect_column_median_to_be_between", "kwargs": {"column": "x", "min_value": 0}},
    {"type": "expect_column_values_to_not_be_outliers", "kwargs": {"column": "x", "method": "iqr", "mostly": 0.5}},
    {"type": "expect_column_unique_value_count_to_be_between", "kwargs": {"column": "c", "min_value": 1}},
    {"type": "expect_column_distinct_values_to_be_in_set", "kwargs": {"column": "c", "value_set": ["u", "v", "w"]}},
    {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "n"}, "severity": "info"},
    {
        "type": "expect_column_mean_to_be_between",
        "kwargs": {"column": "x", "min_value": 0, "row_condition": 'col("c") == "u"', "condition_parser": "pandas"},
    },
]


def widen_suite(job: Any) -> None:
    """Add MORE to the job's suite, and allow examples."""
    path = job.root / "suite.json"
    suite = json.loads(path.read_text())
    path.write_text(json.dumps(suite | {"expectations": suite["expectations"] + MORE}))
    job.edit("job.yaml", "name: small", "name: small\nreport: {examples: true}")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_and_listing_order_change_no_byte(
    small_job: Any, make_rows: Callable[..., pa.Table], workers: int, tmp_path: Path
) -> None:
    widen_suite(small_job)
    write_night(small_job, make_rows, [0, 1, 2, 3, 4])
    first = small_job.run(DATE)
    parts, found = small_job.parts(DATE), findings(small_job, first)
    assert len(parts) > 3
    for path in (small_job.root / "input" / f"day={DATE}").iterdir():
        path.unlink()
    write_night(small_job, make_rows, [3, 0, 4, 2, 1])
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 1000\nrunners: {local: {mode: multi_processing}}")
    small_job.edit("job.yaml", "mode: multi_processing", f"mode: multi_processing, workers: {workers}")
    again = small_job.run(DATE)
    assert (again["status"], again["revision"]) == ("published", 2)
    assert small_job.parts(DATE) == parts
    assert findings(small_job, again) == found


def test_scores_are_those_of_booster_predict_with_pandas(small_job: Any, make_rows: Callable[..., pa.Table]) -> None:
    rows = write_night(small_job, make_rows, [0, 1, 2, 3, 4])
    small_job.run(DATE)
    frame = rows.select(["x", "n", "c"]).to_pandas().astype({"c": pd.CategoricalDtype(["u", "v", "w"])})
    booster = xgboost.Booster(model_file=small_job.root / "model" / "m.ubj")
    wanted = booster.predict(xgboost.DMatrix(frame, enable_categorical=True))
    scored = small_job.scored(DATE)
    assert scored["id"].equals(rows["id"])
    assert np.abs(scored["p"].to_numpy() - wanted).max() == 0.0
    assert scored["yes_or_no"].to_numpy().tolist() == (wanted >= np.float32(0.5)).astype(int).tolist()


def test_plain_readers_see_the_partition_and_every_row(small_job: Any, make_rows: Callable[..., pa.Table]) -> None:
    rows = write_night(small_job, make_rows, [0, 1, 2, 3, 4])
    small_job.run(DATE)
    table = small_job.root / "scored"
    by_arrow, by_pandas = pq.read_table(table), pd.read_parquet(table)
    query = f"select id, day, p, c from read_parquet('{table}/**/*.parquet', hive_partitioning = true) order by id"  # noqa: S608  # our own path
    by_duckdb = duckdb.sql(query).df()
    ids = sorted(rows["id"].to_pylist())
    assert sorted(by_arrow["id"].to_pylist()) == sorted(by_pandas["id"]) == by_duckdb["id"].tolist() == ids
    assert set(map(str, by_arrow["day"].to_pylist())) == {DATE}
    assert by_pandas["id"].dtype == "int64"
    assert by_arrow.schema.field("c").type == pa.string()

"""drift.history: once there are enough published nights, their own PSI decides what is unusual for a column."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Rows = Callable[..., pa.Table]
FIRST = date(2024, 3, 1)


def day(number: int) -> str:
    """The first of March is 1."""
    return (FIRST + timedelta(days=number - 1)).isoformat()


def with_x(rows: pa.Table, share: float) -> pa.Table:
    """So much of x is 17: training has that seldom."""
    x = rows["x"].to_numpy().copy()
    x[: round(share * len(x))] = 17.0
    return rows.set_column(1, "x", pa.array(x, from_pandas=True))


def run(job: Any, number: int, rows: pa.Table) -> dict[str, Any]:
    """Run that day; its drift.json."""
    job.write(day(number), "a.parquet", rows)
    result = job.run(day(number))
    assert result["status"] == "published", result["reasons"]
    return dict(json.loads((job.run_folder(result) / "drift.json").read_bytes()))


def column(drift: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in drift["columns"] if item["column"] == name)


def repeat(job: Any, number: int, *others: int) -> None:
    """As if the same night had been published on other days, too."""
    for other in others:
        for place in ("scored", "runs"):
            shutil.copytree(job.root / place / f"day={day(number)}", job.root / place / f"day={day(other)}")


@pytest.fixture(scope="module")
def unquiet(trained_job: Path, tmp_path_factory: pytest.TempPathFactory, make_rows: Rows, job_folder: Any) -> Any:
    """Three nights of which x moved far, each time about as far; n and c were quiet."""
    root = tmp_path_factory.mktemp("unquiet") / "job"
    shutil.copytree(trained_job, root)
    job = job_folder(root)
    job.edit("job.yaml", "checks: {suite: suite.json}\n", "")
    job.edit("job.yaml", "training: train/", "training: train/, history: {k: 3, runs: 3}, impact_rows: 0")
    for number, share in ((1, 0.50), (2, 0.52), (3, 0.54)):
        drift = run(job, number, with_x(make_rows(2_000, first_id=9_000 * number), share))
        assert column(drift, "x")["status"] == "drift"
        assert drift["settings"]["psi_from_history"] == {}
    return job


@pytest.fixture
def job(unquiet: Any, tmp_path: Path) -> Any:
    """A copy of the nights."""
    shutil.copytree(unquiet.root, tmp_path / "nights")
    return type(unquiet)(tmp_path / "nights")


def psi_of(job: Any, number: int, name: str) -> float:
    (path,) = (job.root / "runs" / f"day={day(number)}").glob("*/drift.json")
    return float(column(json.loads(path.read_bytes()), name)["psi"])


def test_the_threshold_is_mean_and_three_deviations_of_the_last_nights_and_stands_in_the_verdict(
    job: Any, make_rows: Rows
) -> None:
    drift = run(job, 4, with_x(make_rows(2_000), 0.52))
    found = drift["settings"]["psi_from_history"]
    assert set(found) == {"x", "n", "c", "p"}
    for name, threshold in found.items():
        values = np.array([psi_of(job, number, name) for number in (1, 2, 3)])
        expected = max(values.mean() + 3 * values.std(), 0.1)  # never below psi_warn
        assert threshold == pytest.approx(expected, rel=1e-12), name
    assert column(drift, "x")["psi"] > drift["settings"]["psi_drift"]
    assert column(drift, "x")["status"] == "ok"


def test_more_than_usual_is_drift(job: Any, make_rows: Rows) -> None:
    drift = run(job, 4, with_x(make_rows(2_000), 0.9))
    assert column(drift, "x")["status"] == "drift"
    assert f"drift from {drift['settings']['psi_from_history']['x']:.3g}" in column(drift, "x")["reasons"][0]


def test_only_the_last_nights_count(job: Any, make_rows: Rows) -> None:
    """Of three nights: the first one is the fourth from the end."""
    fourth = run(job, 4, with_x(make_rows(2_000), 0.52))
    fifth = run(job, 5, make_rows(2_000))
    values = np.array([psi_of(job, number, "x") for number in (2, 3, 4)])
    assert fifth["settings"]["psi_from_history"]["x"] == pytest.approx(values.mean() + 3 * values.std(), rel=1e-12)
    assert fourth["settings"]["psi_from_history"]["x"] != fifth["settings"]["psi_from_history"]["x"]


def test_while_nights_are_too_few_the_jobs_thresholds_hold(job: Any, make_rows: Rows) -> None:
    """One that cannot be read, or was held against another reference, is none."""
    (path,) = (job.root / "runs" / f"day={day(2)}").glob("*/drift.json")
    drift = json.loads(path.read_bytes())
    drift["settings"]["reference_digest"] = "another"
    for content in (b"{", json.dumps(drift).encode()):
        path.write_bytes(content)
        found = run(job, 4, with_x(make_rows(2_000), 0.52))
        assert found["settings"]["psi_from_history"] == {}
        assert column(found, "x")["status"] == "drift"


def test_without_history_the_jobs_thresholds_hold(job: Any, make_rows: Rows) -> None:
    job.edit("job.yaml", ", history: {k: 3, runs: 3}", "")
    drift = run(job, 4, with_x(make_rows(2_000), 0.52))
    assert (drift["settings"]["psi_from_history"], column(drift, "x")["status"]) == ({}, "drift")


def test_a_weekly_job_has_thresholds_from_history_too(job: Any, make_rows: Rows) -> None:
    """Only 60 days were looked back, whatever number of nights the job wanted."""
    job.edit("job.yaml", "runs: 3}", "runs: 13}")
    repeat(job, 3, *range(8, 86, 7))
    drift = run(job, 92, with_x(make_rows(2_000), 0.54))
    assert drift["settings"]["psi_from_history"]["x"] == pytest.approx(psi_of(job, 3, "x"), rel=0.1)
    assert column(drift, "x")["status"] == "ok"


def test_a_column_that_never_moves_at_all_stays_as_it_is(job: Any, make_rows: Rows) -> None:
    """Its PSI was 0 in every night, and a threshold of 0 made "too few values" of it: none is below psi_warn."""
    rows = pq.read_table(job.root / "train" / "rows.parquet").set_column(2, "n", pa.array([7] * 4_000))
    pq.write_table(rows, job.root / "train" / "rows.parquet")
    job.command("profile")
    shutil.rmtree(job.root / "scored")
    still = make_rows(2_000).set_column(2, "n", pa.array([7] * 2_000))
    first = run(job, 1, still)
    assert column(first, "n")["status"] == "ok"
    shutil.rmtree(job.root / "runs" / f"day={day(2)}")
    shutil.rmtree(job.root / "runs" / f"day={day(3)}")
    repeat(job, 1, 2, 3)
    drift = run(job, 4, still)
    assert drift["settings"]["psi_from_history"]["n"] == 0.1
    assert column(drift, "n")["status"] == "ok"

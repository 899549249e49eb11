"""Tonight beside the earlier published nights: rows of nights, the last ones, and thresholds from history."""

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

from data_checks.profile import Profile
from data_checks.reference import ReferenceProfile
from data_checks.reference_file import read_reference

Rows = Callable[..., pa.Table]
FIRST = date(2024, 3, 1)


def day(number: int) -> str:
    """The first of March is 1."""
    return (FIRST + timedelta(days=number - 1)).isoformat()


def moved(rows: pa.Table, *columns: str) -> pa.Table:
    """The rows with values of these columns that training has, and seldom."""
    far = {"x": pa.array(np.full(rows.num_rows, 17.0)), "n": pa.array(np.full(rows.num_rows, 49))}
    for name in columns:
        rows = rows.set_column(rows.column_names.index(name), name, far[name])
    return rows


def run(job: Any, number: int, rows: pa.Table) -> dict[str, Any]:
    """Run that day; its result."""
    job.write(day(number), "a.parquet", rows)
    return dict(job.run(day(number)))


def left(job: Any, result: dict[str, Any], name: str) -> Any:
    return json.loads((job.run_folder(result) / name).read_bytes())


def statuses(drift: Any) -> dict[str, str]:
    return {column["column"]: column["status"] for column in drift["columns"]}


@pytest.fixture(scope="module")
def earlier(trained_job: Path, tmp_path_factory: pytest.TempPathFactory, make_rows: Rows, job_folder: Any) -> Any:
    """Nights 1 to 4: quiet, x moved, nothing there, x and n moved. Night 5 was held: n and the critical c moved."""
    root = tmp_path_factory.mktemp("earlier") / "job"
    shutil.copytree(trained_job, root)
    job = job_folder(root)
    job.edit("job.yaml", "checks: {suite: suite.json}\n", "")
    job.edit("job.yaml", "training: train/", "training: train/, max_drifted_share: 100%, gate: hold, critical: [c]")
    for number, columns in ((1, ()), (2, ("x",)), (4, ("x", "n"))):
        result = run(job, number, moved(make_rows(600, first_id=1_000 * number), *columns))
        assert result["status"] == "published", result["reasons"]
    c = pa.array(["w"] * 600)
    held = run(job, 5, moved(make_rows(600), "n").set_column(3, "c", c))
    assert (held["status"], held["exit_code"]) == ("held", 6)
    return job


@pytest.fixture
def job(earlier: Any, tmp_path: Path) -> Any:
    """A copy of the nights."""
    shutil.copytree(earlier.root, tmp_path / "nights")
    return type(earlier)(tmp_path / "nights")


def rows_of(job: Any, number: int, rows: pa.Table) -> dict[str, int]:
    """Nights in a row, of the features."""
    found = left(job, run(job, number, rows), "trend.json")["nights_in_a_row"]
    return {name: nights for name, nights in found.items() if name != "p"}


# ---------------------------------------------------------------------------------------------------- nights in a row


def test_published_nights_in_a_row_are_counted_and_no_others(job: Any, make_rows: Rows) -> None:
    """Nothing was there on the third, and the fifth was held: neither is a published night."""
    assert rows_of(job, 6, moved(make_rows(600), "x", "n")) == {"x": 3, "n": 2}


def test_a_quiet_night_ends_the_row(job: Any, make_rows: Rows) -> None:
    assert rows_of(job, 6, moved(make_rows(600), "n")) == {"n": 2}
    assert rows_of(job, 7, moved(make_rows(600), "x", "n")) == {"n": 3, "x": 1}
    assert rows_of(job, 8, make_rows(600)) == {}


def test_a_night_that_is_run_again_does_not_count_itself_or_later_nights(job: Any, make_rows: Rows) -> None:
    assert rows_of(job, 2, moved(make_rows(600), "x", "n")) == {"x": 1, "n": 1}


BROKEN = [b"", b'{"format": "nightscore.drift", "vers', b"[]", b"{}", b"\xff\xfe", b"[" * 100_000]


@pytest.mark.parametrize("content", BROKEN, ids=["empty", "cut", "list", "other", "not text", "deep"])
def test_a_drift_json_that_cannot_be_read_ends_the_row_and_not_the_run(
    job: Any, make_rows: Rows, content: bytes
) -> None:
    (path,) = (job.root / "runs" / f"day={day(4)}").glob("*/drift.json")
    path.write_bytes(content)
    (path.parent / "profile.json").write_bytes(content)
    result = run(job, 6, moved(make_rows(600), "x"))
    trend = left(job, result, "trend.json")
    assert (result["status"], trend["nights_in_a_row"]["x"]) == ("published", 1)
    (before,) = trend["earlier"]
    assert before["run_date"] == day(4)
    assert before["reason"].startswith("its profile.json cannot be used: ")


@pytest.mark.parametrize("content", [b"[]", b'"run"', b"{}", b'{"run_id": 3, "models": []}', b"{", b"\xff"])
def test_a_manifest_that_cannot_be_read_is_no_published_night(job: Any, make_rows: Rows, content: bytes) -> None:
    """A list where an object should be ended tonight's run."""
    (job.partition(day(4)) / "_manifest.json").write_bytes(content)
    result = run(job, 6, moved(make_rows(600), "x", "n"))
    trend = left(job, result, "trend.json")
    assert (trend["nights_in_a_row"]["x"], trend["nights_in_a_row"]["n"]) == (2, 1)
    assert [night["run_date"] for night in trend["earlier"]] == [day(2)]


def test_a_night_whose_run_folder_is_gone_is_told_and_ends_the_row(job: Any, make_rows: Rows) -> None:
    shutil.rmtree(job.root / "runs" / f"day={day(4)}")
    trend = left(job, run(job, 6, moved(make_rows(600), "x")), "trend.json")
    assert (trend["nights_in_a_row"]["x"], trend["earlier"][0]["reason"]) == (1, "the run left no profile.json")


# ---------------------------------------------------------------------------------------------------- the last nights


def test_tonight_is_held_against_the_night_before_and_the_same_weekday(job: Any, make_rows: Rows) -> None:
    tonight = moved(make_rows(600, first_id=5_000), "x")
    trend = left(job, run(job, 8, tonight), "trend.json")
    assert [(night["label"], night["run_date"]) for night in trend["earlier"]] == [
        ("the night before", day(4)),
        ("the same weekday", day(1)),
    ]
    last, weekday = (night["columns"] for night in trend["earlier"])
    assert (last["x"]["psi"], last["x"]["status"], last["x"]["mean"]) == (0.0, "ok", 17.0)
    assert last["n"]["status"] == weekday["x"]["status"] == "drift"
    assert weekday["n"]["status"] == "ok"
    first = pq.read_table(job.root / "input" / f"day={day(1)}" / "a.parquet")
    assert weekday["x"]["mean"] == pytest.approx(np.nanmean(first["x"].to_numpy()), rel=1e-12)
    assert weekday["c"]["missing_rate"] == pytest.approx(first["c"].null_count / 600)
    assert set(last) == {"x", "n", "c", "p"}


def test_the_same_weekday_is_told_once_where_it_is_the_night_before(job: Any, make_rows: Rows) -> None:
    trend = left(job, run(job, 11, make_rows(600)), "trend.json")
    assert [(night["label"], night["run_date"]) for night in trend["earlier"]] == [("the night before", day(4))]


def test_the_first_night_has_no_earlier_ones(job: Any, make_rows: Rows) -> None:
    run_date = "2023-01-01"
    job.write(run_date, "a.parquet", make_rows(50))
    assert left(job, job.run(run_date), "trend.json")["earlier"] == []


def test_nights_on_another_reference_are_counted_but_not_compared(job: Any, make_rows: Rows) -> None:
    pq.write_table(make_rows(3_000), job.root / "train" / "rows.parquet")
    assert job.command("profile") == 0
    result = run(job, 6, moved(make_rows(600), "x"))
    trend = left(job, result, "trend.json")
    assert trend["nights_in_a_row"]["x"] == 3
    (before,) = trend["earlier"]
    assert (before["columns"], before["run_date"]) == ({}, day(4))
    assert "the profile was counted on the bins of another reference" in before["reason"]
    assert before["reason"] in (job.run_folder(result) / "index.html").read_text()


def test_without_a_reference_there_is_nothing_to_hold_tonight_against(job: Any, make_rows: Rows) -> None:
    job.edit("job.yaml", "gate: hold", "gate: warn")
    (job.root / "reference" / "profile.json").unlink()
    result = run(job, 6, moved(make_rows(600), "x"))
    assert left(job, result, "trend.json") == {"nights_in_a_row": {}, "earlier": []}


def test_the_profile_that_a_night_leaves_is_read_back_as_it_was(job: Any) -> None:
    reference = read_reference(job.root / "reference" / "profile.json")
    assert isinstance(reference, ReferenceProfile)
    (path,) = (job.root / "runs" / f"day={day(4)}").glob("*/profile.json")
    raw = json.loads(path.read_bytes())
    assert Profile.from_json(raw, reference).to_json() == raw

"""A real Flink cluster, two TaskManagers with a Python process each, gives the bytes of the local runner."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.files import file_sha256

pytestmark = [pytest.mark.flink, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
DATE = "2024-03-01"
FINDINGS = ("quality.json", "drift.json", "profile.json", "trend.json")
Rows = Callable[..., pa.Table]


def everything(job: Path, partition: str) -> dict[str, str]:
    """Name to sha256 of what was published, found out and set aside."""
    result = newest(job, partition)
    files = [*(result / name for name in FINDINGS), *sorted((result / "quarantine").glob("*"))]
    return {path.name: file_sha256(path) for path in [*files, *sorted((job / "scored" / partition).glob("*.parquet"))]}


def newest(job: Path, partition: str) -> Path:
    return max(path for path in (job / "runs" / partition).iterdir() if path.is_dir())


def workers_of(job: Path, partition: str) -> list[dict[str, Any]]:
    return list(json.loads((newest(job, partition) / "workers.json").read_bytes())["workers"])


def write_night(job: Any, make_rows: Rows, files: int = 24) -> None:
    """So many files of one unit each, with rows to set aside."""
    for number in range(files):
        rows = make_rows(1000, first_id=10_000 * number)
        n = rows["n"].to_pylist()
        n[number] = 999
        rows = rows.set_column(rows.column_names.index("n"), "n", pa.array(n))
        job.write(DATE, f"part-{number:02d}.parquet", rows, row_group_size=400)


@pytest.mark.parametrize("date", ["2013-07-01", "2013-07-27"])
def test_the_flights_have_the_same_bytes_on_two_task_managers(flink: Any, tmp_path: Path, date: str) -> None:
    for name in ("here", "there"):
        shutil.copytree(
            ROOT / "sample_data" / "flights", tmp_path / name, ignore=shutil.ignore_patterns("runs", "scored")
        )
    local = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", str(tmp_path / "here"), "--date", date, "-q"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert local.returncode == 0, local.stderr
    code, printed = flink.run(tmp_path / "there", date, "--parallelism", "2")
    assert code == 0, printed
    partition = f"flight_date={date}"
    found = everything(tmp_path / "there", partition)
    assert found == everything(tmp_path / "here", partition)
    assert any(name.startswith("part-") for name in found)


def test_each_task_manager_finishes_a_quarter_of_a_night_of_24_units(
    flink: Any, small_job: Any, make_rows: Rows
) -> None:
    write_night(small_job, make_rows)
    assert small_job.run(DATE)["status"] == "published"
    wanted = everything(small_job.root, f"day={DATE}")
    assert len([name for name in wanted if name.startswith("part-")]) == 2 * 24  # scored and quarantined
    code, printed = flink.run(small_job.root, DATE, "--parallelism", "2")
    assert code == 0, printed
    assert everything(small_job.root, f"day={DATE}") == wanted
    units = Counter[int]()
    for worker in workers_of(small_job.root, f"day={DATE}"):
        units[flink.owners[worker["pid"]]] += worker["units"]
    sys.stdout.write(f"units by TaskManager: {dict(units)}\n")
    assert set(units) == {flink.pid("task-manager-1"), flink.pid("task-manager-2")}
    assert sum(units.values()) == 24
    assert min(units.values()) >= 24 / 4


#: Its package is installed nowhere: workers have it from its wheel, the driver from PYTHONPATH.
DOUBLED = """
import pyarrow.compute as pc

def own_step(column):
    return pc.multiply(column, 2.0)
"""


def test_custom_steps_of_the_jobs_own_package_work_on_workers_that_never_had_it(
    flink: Any, small_job: Any, make_rows: Rows, give_own_step: Callable[..., None]
) -> None:
    write_night(small_job, make_rows, files=2)
    give_own_step(small_job, DOUBLED)
    code, printed = flink.run(small_job.root, DATE)
    assert code == 0, printed
    there = small_job.parts(DATE)
    subprocess.run([sys.executable, "-m", "pipelines", "run", str(small_job.root), "--date", DATE, "-q"], check=True)
    assert small_job.parts(DATE) == there


#: The night cannot end while the gate is there: a worker prepares five batches and then waits.
GATED = """
import pathlib
import time

CALLS = []

def own_step(column):
    CALLS.append(None)
    while len(CALLS) > 5 and pathlib.Path("{gate}").exists():
        time.sleep(0.05)
    return column
"""


def test_a_driver_that_is_told_to_end_cancels_the_job_and_a_local_run_goes_on(
    flink: Any, small_job: Any, make_rows: Rows, give_own_step: Callable[..., None], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    give_own_step(small_job, GATED.format(gate=gate))
    write_night(small_job, make_rows)
    assert small_job.run(DATE)["status"] == "published"
    wanted = small_job.parts(DATE)
    shutil.rmtree(small_job.root / "scored")
    gate.touch()
    process = flink.start_run(small_job.root, DATE)
    while not list(small_job.root.glob(f"runs/day={DATE}/*/units/unit-*.json")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 143, printed
    assert flink.newest_job()["state"] in ("CANCELLING", "CANCELED")
    gate.unlink()
    for _ in range(300):
        if (state := flink.newest_job()["state"]) == "CANCELED":
            break
        time.sleep(0.1)
    assert state == "CANCELED"
    assert not small_job.partition(DATE).exists()
    assert small_job.run(DATE, resume=True)["status"] == "published"
    assert small_job.parts(DATE) == wanted


def test_a_job_that_waits_for_slots_says_so_and_gives_up_its_place_when_told_to_end(
    flink: Any, small_job: Any, make_rows: Rows
) -> None:
    write_night(small_job, make_rows, files=2)
    flink.await_free_slots(2)
    process = flink.start_run(small_job.root, DATE, "--parallelism", "3")
    for line in process.stdout:
        if line.startswith("engine "):
            break
    assert line == (
        "engine    the job wants 3 slots, and 2 of the cluster's 2 are free: it waits for more TaskManagers; "
        "without them it fails in the end, so lower --parallelism\n"
    )
    drawn = newest(small_job.root, f"day={DATE}").name.rpartition("-")[2]
    while not flink.newest_job()["name"].endswith(f"-{drawn}"):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 143, printed
    assert flink.newest_job()["state"] == "CANCELED"
    flink.await_free_slots(2)
    code, printed = flink.run(small_job.root, DATE, "--parallelism", "2")
    assert code == 0, printed
    assert "engine " not in printed


def test_workers_that_cannot_reach_the_job_end_the_run_with_what_they_say(
    flink: Any, small_job: Any, make_rows: Rows, tmp_path: Path
) -> None:
    write_night(small_job, make_rows, files=1)
    small_job.edit("job.yaml", "name: small", "name: small\nrunners: {flink: {job_folder: /no/such/folder}}")
    code, printed = flink.run(small_job.root, DATE, "--result", str(tmp_path / "result.json"))
    assert code == 1, printed
    result = json.loads((tmp_path / "result.json").read_bytes())
    assert (result["code"], result["action"]) == ("engine_failed", "retry")
    assert "the engine gave the job up: EngineError: the worker on " in result["message"]
    assert f"does not see /no/such/folder/runs/day={DATE}/" in result["message"]
    assert "set runners' job_folder to that" in result["message"]
    assert not small_job.partition(DATE).exists()

"""One process of a run dies and the others live on: the run must end, and what it leaves must not come back."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from pipelines.rendering import render_again
from schemas.errors import ConfigError

DATE = "2024-03-01"
WORKING = ("staged", "units", "keys", "outgoing")
Rows = Callable[..., pa.Table]


def write_night(job: Any, make_rows: Rows) -> None:
    for number in range(20):
        job.write(DATE, f"{number}.parquet", make_rows(40_000, first_id=40_000 * number), row_group_size=20_000)
    job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 20000")


@contextmanager
def run_with_two_workers(job: Any) -> Iterator[tuple[subprocess.Popen[bytes], list[psutil.Process]]]:
    """A run that has begun to score, and its worker processes; none of them outlives the block."""
    options = ["--date", DATE, "--workers", "2", "--quiet", "--result", str(job.root / "last-result.json")]
    command = [sys.executable, "-m", "pipelines", "run", str(job.root), *options]
    with (job.root / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True)
    workers: list[psutil.Process] = []
    try:
        while not list((job.root / "runs").glob("*/*/units/unit-*.json")):
            assert process.poll() is None, "the run ended before it scored anything"
            time.sleep(0.02)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2
        yield process, workers
    finally:
        for one in [*workers, process]:
            try:
                one.kill()
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        process.wait()


def ended(process: psutil.Process) -> bool:
    """Gone, or waiting for whoever adopted it to notice."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def left_over(runs: Path) -> list[Path]:
    return [*(path for name in WORKING for path in runs.glob(f"*/{name}")), *runs.glob("publish-intent.json")]


def assert_kept(job: Any, result: dict[str, Any]) -> None:
    """Of an interrupted run there are the records of its finished units and the files that these name, and no more.

    The next run that does not resume it removes them.
    """
    folder = job.run_folder(result)
    headers = [json.loads(path.read_bytes().split(b"\n", 1)[0]) for path in sorted((folder / "units").iterdir())]
    named = {name for header in headers for name in header["files"]}
    inside = [path for name in ("staged", "keys") for path in (folder / name).rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in inside} == named
    assert len(headers) == result["facts"]["finished_units"] > 0
    assert (
        f"{len(headers)} of {result['facts']['units']} units are finished; go on with: nightscore run "
        in (result["message"])
    )
    assert {path.parent.name for path in left_over(folder.parent)} == {result["run_id"]}
    assert not (folder / "outgoing").exists()
    assert job.run(DATE)["rows"]["scored"] == 800_000
    assert left_over(folder.parent) == []


def test_a_worker_that_dies_ends_the_run_and_publishes_nothing(small_job: Any, make_rows: Rows) -> None:
    write_night(small_job, make_rows)
    with run_with_two_workers(small_job) as (process, workers):
        workers[0].kill()
        assert process.wait(timeout=60) == 1
        gone, alive = psutil.wait_procs(workers, timeout=10)
        assert (len(gone), alive) == (len(workers), [])
    result = json.loads((small_job.root / "last-result.json").read_bytes())
    assert (result["status"], result["exit_code"], result["action"]) == ("failed", 1, "retry")
    assert "a worker process ended before its work was done" in result["message"]
    assert not small_job.partition(DATE).exists()
    assert_kept(small_job, result)


def test_workers_do_not_outlive_a_killed_driver_for_long(small_job: Any, make_rows: Rows) -> None:
    write_night(small_job, make_rows)
    runs = small_job.root / "runs" / f"day={DATE}"
    with run_with_two_workers(small_job) as (process, workers):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(400):
            if all(ended(worker) for worker in workers):
                break
            time.sleep(0.05)
        assert all(ended(worker) for worker in workers)
    assert (small_job.root / "said").read_text() == ""  # whoever killed it knows
    (run,) = [folder.name for folder in runs.iterdir() if folder.is_dir()]
    message = rf"^run {run} of {DATE} has left no result: .* Go on with .*: nightscore run .* --date {DATE} --resume$"
    for asked in (None, run):
        with pytest.raises(ConfigError, match=message):
            render_again(small_job.root, DATE, asked, show=False)
    with pytest.raises(ConfigError, match=rf"^there is no run other of {DATE} in "):
        render_again(small_job.root, DATE, "other", show=False)
    assert small_job.run(DATE)["status"] == "published"
    assert small_job.scored(DATE).num_rows == 800_000
    assert left_over(runs) == []
    results = [
        json.loads((folder / "result.json").read_bytes())["status"] for folder in runs.iterdir() if folder.is_dir()
    ]
    assert sorted(results) == ["interrupted", "published"]


#: A scheduler signals the process that it started; a terminal's Ctrl-C reaches the workers as well.
SIGNALS = [(os.kill, signal.SIGTERM, 143), (os.killpg, signal.SIGTERM, 143), (os.killpg, signal.SIGINT, 130)]


@pytest.mark.parametrize(("send", "number", "code"), SIGNALS)
def test_a_signal_ends_the_run_with_its_own_code_and_the_workers_too(
    small_job: Any, make_rows: Rows, send: Callable[[int, int], None], number: int, code: int
) -> None:
    write_night(small_job, make_rows)
    with run_with_two_workers(small_job) as (process, workers):
        send(process.pid, number)
        assert process.wait(timeout=60) == code
        assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert not small_job.partition(DATE).exists()
    result = json.loads((small_job.root / "last-result.json").read_bytes())
    assert (result["status"], result["exit_code"], result["action"]) == ("interrupted", code, "retry")
    assert_kept(small_job, result)


def test_an_error_in_a_worker_process_arrives_with_all_its_facts(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(3000)
    rows = rows.set_column(
        rows.column_names.index("n"), "n", pa.array([1.5 if row == 1234 else 1.0 for row in range(3000)])
    )
    small_job.write(DATE, "a.parquet", rows, row_group_size=1000)
    result = small_job.run(DATE, workers=2)
    assert (result["exit_code"], result["code"], result["facts"]["row"]) == (3, "type_error", 1234)
    assert result["message"] == small_job.run(DATE)["message"]
    assert not small_job.partition(DATE).exists()


def test_a_disk_that_is_full_while_scoring_leaves_what_was_out(small_job: Any, make_rows: Rows) -> None:
    """A limit on the size of a file stands for the disk: every part is larger, every report smaller."""
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.run(DATE)
    before = small_job.parts(DATE)
    small_job.write(DATE, "a.parquet", make_rows(60_000))
    options = ["--date", DATE, "--quiet", "--result", str(small_job.root / "last-result.json")]
    ended = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", str(small_job.root), *options],
        stderr=subprocess.DEVNULL,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    result = json.loads((small_job.root / "last-result.json").read_bytes())
    assert (ended.returncode, result["exit_code"], result["code"], result["action"]) == (1, 1, "unexpected", "retry")
    assert "OSError" in result["message"]
    assert small_job.parts(DATE) == before
    assert left_over(small_job.root / "runs" / f"day={DATE}") == []
    assert small_job.run(DATE)["rows"]["scored"] == 60_000


def test_what_a_worker_wrote_after_its_run_was_closed_goes_with_the_next_run(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    runs = small_job.root / "runs" / f"day={DATE}"
    late = runs / "20240301T000000.000000Z-abcdef"
    (late / "staged").mkdir(parents=True)
    small_job.run(DATE)
    assert json.loads((late / "result.json").read_bytes())["status"] == "interrupted"
    (late / "units").mkdir()
    (late / "staged").mkdir()
    (late / "staged" / "part-00000-late.parquet").write_bytes(b"from a worker that did not know yet")
    small_job.run(DATE)
    assert left_over(runs) == []
    assert small_job.scored(DATE).num_rows == 20

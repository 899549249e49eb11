"""Workers that are started early are used, replaced where they died, and gone when nobody needs them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from pipelines import early_workers as module
from pipelines.early_workers import WORKER_COMMAND, early_workers, start_worker

DATE = "2024-03-01"


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: {0, 1})


def pids() -> list[int]:
    return [process.pid for process in module._early]


def fail_beside(processes: list[psutil.Process]) -> None:
    with early_workers(2):
        processes += [psutil.Process(pid) for pid in pids()]
        raise RuntimeError("of the run")


def test_those_without_work_are_gone_after_the_block() -> None:
    processes: list[psutil.Process] = []
    with pytest.raises(RuntimeError, match="of the run"):
        fail_beside(processes)
    assert [process.is_running() for process in processes] == [False, False]
    assert pids() == []


def test_there_are_no_more_of_them_than_cores() -> None:
    with early_workers(64):
        assert len(pids()) == 2


def test_no_worker_is_started_for_a_run_in_one_process() -> None:
    with early_workers(0):
        assert pids() == []


def test_one_that_died_is_replaced() -> None:
    with early_workers(1):
        (early,) = module._early
        early.send_signal(signal.SIGKILL)
        early.wait()
        taken = start_worker(WORKER_COMMAND, {"NIGHTSCORE_DRIVER": "0"})  # of another driver: it ends at once
        assert taken.pid != early.pid
        assert taken.wait(timeout=60) == 1
        assert pids() == []


def test_another_command_gets_a_process_of_its_own() -> None:
    with early_workers(1):
        early = pids()
        assert start_worker("exit $CODE", {"CODE": "5"}).wait(timeout=60) == 5
        assert pids() == early


def test_a_driver_that_is_killed_leaves_none(tmp_path: Path) -> None:
    code = (
        "import time; from pipelines.early_workers import _early, early_workers\n"
        "with early_workers(2): print([one.pid for one in _early], flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        early = [psutil.Process(int(pid)) for pid in driver.stdout.readline().strip("[]\n").split(",")]
        driver.kill()
    deadline = time.monotonic() + 60
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in early):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(job: Path, *options: str) -> tuple[int, set[int]]:
    """The exit code of a run and every process that it ever had as a child."""
    command = [sys.executable, "-m", "pipelines", "run", str(job), "--date", DATE, "--quiet", *options]
    seen: set[int] = set()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            seen |= {child.pid for child in psutil.Process(process.pid).children()}
            time.sleep(0.05)
    return process.returncode, seen


def test_a_run_works_with_those_that_were_started_early(small_job: Any, make_rows: Callable[..., pa.Table]) -> None:
    small_job.write(DATE, "a.parquet", make_rows(4000), row_group_size=1000)
    code, children = children_of(small_job.root, "--workers", "2")
    assert code == 0
    assert len(children) == 2
    assert small_job.scored(DATE).num_rows == 4000


def test_a_wrong_job_ends_with_its_own_code_and_no_worker(small_job: Any) -> None:
    small_job.edit("job.yaml", "name: small", "nmae: small")
    code, children = children_of(small_job.root, "--workers", "2")
    assert code == 2
    assert not any(psutil.pid_exists(pid) for pid in children)

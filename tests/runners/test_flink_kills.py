"""A TaskManager or a worker is killed in the middle of a night: Flink starts the job again, and the bytes are the same.

The moment is drawn from a seeded generator over read, predict, write and shuffle, and is logged. A run in which nothing
was started again fails the test: it would prove nothing. NIGHTSCORE_KILL_SEED draws other moments.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pytest

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.timeout(600)]

DATE = "2024-03-01"
UNITS = 12
ROWS = 60_000
SEED = int(os.environ.get("NIGHTSCORE_KILL_SEED", "7"))
Rows = Callable[..., pa.Table]

#: Says that a batch has been read and is about to be predicted.
STEP = """
import os, pathlib, uuid

def passed_on(column):
    folder = pathlib.Path("{moments}")
    (folder / f"{{os.getpid()}}-{{uuid.uuid4().hex}}").touch()
    return column
"""
OWN_STEP = """
runners: {flink: {packages: [kill_steps-1.0-py3-none-any.whl], parallelism: 2}}
features: {x: {steps: [custom: "kill_steps:passed_on"]}}
"""


@pytest.fixture
def night(small_job: Any, make_rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A job with a step of its own that leaves a mark before each prediction, and a night of UNITS units."""
    (tmp_path / "moments").mkdir()
    source = STEP.format(moments=tmp_path / "moments")
    wheel, info = small_job.root / "kill_steps-1.0-py3-none-any.whl", "kill_steps-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("kill_steps.py", source)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: kill-steps\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    driver = tmp_path / "driver"
    driver.mkdir()
    (driver / "kill_steps.py").write_text(source)
    monkeypatch.syspath_prepend(driver)
    monkeypatch.setenv("PYTHONPATH", str(driver))
    job = small_job.root / "job.yaml"
    job.write_text(job.read_text().replace("rows_per_unit: 1000", f"rows_per_unit: {ROWS}") + OWN_STEP)
    for number in range(UNITS):
        rows = make_rows(ROWS, first_id=ROWS * number)
        small_job.write(DATE, f"{number:02d}.parquet", rows, row_group_size=ROWS // 4)
    return small_job


@dataclass
class Watcher:
    """Looks at a run from outside until it does what it is to be killed in."""

    root: Path
    moments: Path
    flink: Any
    #: Those that are alive.
    workers: list[int] = field(default_factory=list)
    #: Names of staged parts.
    seen: set[str] = field(default_factory=set)

    def find(self, phase: str) -> int | None:
        """A worker that is in that phase now; 0 where it cannot be told which one."""
        self.workers = self.flink.alive_workers()
        if phase == "predict":
            return next((int(path.name.split("-")[0]) for path in self.moments.iterdir()), None)
        if phase == "read":
            return self.reader()
        run = max((path for path in self.root.glob(f"runs/day={DATE}/*") if path.is_dir()), default=None)
        if run is None or (run / "outcome.json").exists():
            return None
        finished = {path.stem.split("-")[1] for path in run.glob("units/unit-*.json")}
        if phase == "shuffle":
            return 0 if len(finished) == UNITS else None
        parts = {path.name for path in run.glob("staged/part-*")} - self.seen
        self.seen |= parts
        return 0 if any(f"{int(name.split('-')[1]):06d}" not in finished for name in parts) else None

    def reader(self) -> int | None:
        """A worker that has a file of the night open."""
        for pid in self.workers:
            with suppress(psutil.Error):
                if any(f"/input/day={DATE}/" in file.path for file in psutil.Process(pid).open_files()):
                    return pid
        return None

    def forget(self) -> None:
        """Take the next look as the first."""
        for path in self.moments.iterdir():
            path.unlink()


def await_phase(watcher: Watcher, phase: str, passes: int, process: Any) -> int:
    """The worker in the phase at its occurrence after `passes` others."""
    for left in range(passes, -1, -1):
        watcher.forget()
        while (found := watcher.find(phase)) is None:
            assert process.poll() is None, f"the run ended before it was seen to {phase}"
            time.sleep(0.004)
        if left:
            time.sleep(0.05)
    assert found is not None
    return found


def victim_of(flink: Any, target: str, worker: int, draw: np.random.Generator) -> int:
    """The process to kill: of those that still have something to do, if it is not told which."""
    if not worker:
        busy = flink.busy_task_managers()
        worker = int(draw.choice(sorted(pid for pid in flink.alive_workers() if flink.owners[pid] in busy)))
    while worker not in flink.owners:
        flink.look_at_workers()
    return int(worker if target == "worker" else flink.owners[worker])


def restarts(flink: Any) -> int:
    """How often the newest job was started again."""
    newest = flink.newest_job()
    history = flink.ask(f"/jobs/{newest['jid']}/exceptions?maxExceptions=20")["exceptionHistory"]["entries"]
    assert newest["state"] == "FINISHED", newest
    return len(history)


@pytest.mark.parametrize("phase", ["read", "predict", "write", "shuffle"])
@pytest.mark.parametrize("target", ["worker", "task manager"])
def test_a_killed_process_changes_no_byte(
    flink: Any,
    night: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    target: str,
    phase: str,
) -> None:
    draw = np.random.default_rng([SEED, len(phase), len(target)])
    assert night.run(DATE)["status"] == "published"
    wanted = night.parts(DATE)
    assert len(wanted) == UNITS
    watcher = Watcher(night.root, tmp_path / "moments", flink)
    process = flink.start_run(night.root, DATE, PYTHONPATH=os.environ["PYTHONPATH"])
    try:
        passes = 0 if phase == "shuffle" else int(draw.integers(0, 8))
        started = time.monotonic()
        worker = await_phase(watcher, phase, passes, process)
        with flink.held_still(watcher.workers):  # or the job may be over before its victim is found
            victim = victim_of(flink, target, worker, draw)
            os.kill(victim, signal.SIGKILL)
        finished = len(list(night.root.glob(f"runs/day={DATE}/*/units/unit-*.json")))
        moment = f"{phase}: killed {target} {victim} {time.monotonic() - started:.2f} s after the start, seed {SEED}"
        with capsys.disabled():
            sys.stdout.write(f"\n{moment}, pass {passes}, {finished} of {UNITS} units finished\n")
        printed, _ = process.communicate(timeout=240)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert process.returncode == 0, printed
    assert restarts(flink) >= 1
    assert night.parts(DATE) == wanted
    rows = night.scored(DATE)["id"]
    assert len(rows) == UNITS * ROWS == len(rows.unique())

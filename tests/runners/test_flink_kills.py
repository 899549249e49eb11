"""A TaskManager or a worker is killed in the middle of a night: Flink starts the job again, and the bytes are the same.

The moment is drawn from a seeded generator over read, predict, write and shuffle, and is logged. A run in which nothing
was started again proves nothing: it was over before it was killed. Then another moment is drawn, and the third such run
fails the test. NIGHTSCORE_KILL_SEED draws other moments.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
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
TRIES = 3
SEED = int(os.environ.get("NIGHTSCORE_KILL_SEED", "7"))
Rows = Callable[..., pa.Table]

#: Says that a batch has been read and is about to be predicted.
STEP = """
import os, pathlib, uuid

def own_step(column):
    folder = pathlib.Path("{moments}")
    (folder / f"{{os.getpid()}}-{{uuid.uuid4().hex}}").touch()
    return column
"""


@pytest.fixture
def night(small_job: Any, make_rows: Rows, give_own_step: Callable[..., None], tmp_path: Path) -> Any:
    """A job with a step of its own that leaves a mark before each prediction, and a night of UNITS units."""
    (tmp_path / "moments").mkdir()
    give_own_step(small_job, STEP.format(moments=tmp_path / "moments"))
    small_job.edit("job.yaml", "rows_per_unit: 1000", f"rows_per_unit: {ROWS}")
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


def await_phase(watcher: Watcher, phase: str, passes: int, process: Any) -> int | None:
    """The worker in the phase at its occurrence after `passes` others; None where the run ended before that."""
    for left in range(passes, -1, -1):
        watcher.forget()
        while (found := watcher.find(phase)) is None:
            if process.poll() is not None:
                return None
            time.sleep(0.004)
        if left:
            time.sleep(0.05)
    return found


def victim_of(flink: Any, target: str, worker: int, draw: np.random.Generator) -> int | None:
    """The process to kill: of those that still have something to do, if it is not told which; None if none has."""
    if not worker:
        busy = flink.busy_task_managers()
        candidates = sorted(pid for pid in flink.alive_workers() if flink.owners[pid] in busy)
        if not candidates:
            return None
        worker = int(draw.choice(candidates))
    while worker not in flink.owners:
        flink.look_at_workers()
    return int(worker if target == "worker" else flink.owners[worker])


def restarts(flink: Any) -> int:
    """How often the newest job was started again."""
    newest = flink.newest_job()
    history = flink.ask(f"/jobs/{newest['jid']}/exceptions?maxExceptions=20")["exceptionHistory"]["entries"]
    assert newest["state"] == "FINISHED", newest
    return len(history)


def kill_once(watcher: Watcher, target: str, phase: str, draw: np.random.Generator) -> tuple[str, str]:
    """Run the night, kill the target at a moment of the phase that is drawn; what happened, what the run printed."""
    passes = 0 if phase == "shuffle" else int(draw.integers(0, 8))
    process = watcher.flink.start_run(watcher.root, DATE)
    try:
        started = time.monotonic()
        happened = f"{phase}: the run was over before its {target} was killed, seed {SEED}, pass {passes}"
        if (worker := await_phase(watcher, phase, passes, process)) is not None:
            with watcher.flink.held_still(watcher.workers):  # or the job may be over before its victim is found
                if victim := victim_of(watcher.flink, target, worker, draw):
                    os.kill(victim, signal.SIGKILL)
                    moment = f"{time.monotonic() - started:.2f} s after the start, seed {SEED}, pass {passes}"
                    finished = len(list(watcher.root.glob(f"runs/day={DATE}/*/units/unit-*.json")))
                    happened = f"{phase}: killed {target} {victim} {moment}, {finished} of {UNITS} units finished"
        printed, _ = process.communicate(timeout=240)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert process.returncode == 0, printed
    return happened, printed


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
    for _ in range(TRIES):
        for folder in ("scored", "runs"):
            shutil.rmtree(night.root / folder)
        happened, printed = kill_once(Watcher(night.root, tmp_path / "moments", flink), target, phase, draw)
        with capsys.disabled():
            sys.stdout.write(f"\n{happened}\n")
        assert night.parts(DATE) == wanted
        rows = night.scored(DATE)["id"]
        assert len(rows) == UNITS * ROWS == len(rows.unique())
        if restarts(flink):
            (run,) = (night.root / "runs" / f"day={DATE}").glob("*/workers.json")
            assert json.loads(run.read_bytes())["restarts"]
            assert "\nengine    started the job again, " in printed
            return
    pytest.fail(f"none of {TRIES} runs was killed before it was over")

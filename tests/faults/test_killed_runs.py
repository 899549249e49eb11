"""Whole runs killed with SIGKILL at random moments, publishing included, beside a reader that never stops."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

DATE = "2024-03-01"
KILLS = 25
#: Rows of the two versions of the night, which take turns.
VERSIONS = (300_000, 280_000)


def write_version(job: Any, make_rows: Callable[..., pa.Table], rows: int) -> None:
    for number in range(4):
        count = rows // 4
        job.write(DATE, f"{number}.parquet", make_rows(count, first_id=1_000_000 * number), row_group_size=20_000)


def start(job: Any, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipelines", "run", str(job.root), "--date", DATE, "--quiet", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


class Reader(threading.Thread):
    """Reads the table without a pause; a read that finds files gone is tried again, and counted as -1."""

    def __init__(self, job: Any, read: Callable[[Path], pa.Table | None]) -> None:
        super().__init__(daemon=True)
        self.job, self.read, self.stop = job, read, threading.Event()
        self.seen: Counter[int] = Counter()

    def run(self) -> None:
        while not self.stop.is_set():
            table = self.read(self.job.root / "scored")
            if table is None:
                self.seen[-1] += 1
                continue
            ids = table["id"]
            self.seen[len(ids) if len(set(ids.to_pylist())) == len(ids) else -2] += 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_read_is_one_version_whole_whenever_a_run_is_killed(
    small_job: Any, make_rows: Callable[..., pa.Table], read_beside_a_swap: Callable[[Path], pa.Table | None]
) -> None:
    write_version(small_job, make_rows, VERSIONS[0])
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 20000")
    started = time.monotonic()
    assert start(small_job).wait() == 0
    lasts = time.monotonic() - started
    reader = Reader(small_job, read_beside_a_swap)
    reader.start()
    draw = random.Random(20130701)  # noqa: S311  # moments of a test
    moments = [draw.uniform(0.2, 1.0) for _ in range(KILLS - 5)] + [draw.uniform(0.9, 1.02) for _ in range(5)]
    survived = 0
    for turn, moment in enumerate(moments):
        write_version(small_job, make_rows, VERSIONS[(turn + 1) % 2])
        process = start(small_job, *(("--workers", "2") if turn % 8 == 7 else ()))
        time.sleep(lasts * moment)
        os.killpg(process.pid, signal.SIGKILL)
        survived += process.wait() == 0
    write_version(small_job, make_rows, 240_000)
    assert start(small_job).wait() == 0
    reader.stop.set()
    reader.join()
    sys.stdout.write(
        f"a run lasts {lasts:.1f} s; {survived} of {KILLS} ended before the kill; reads by rows: {dict(reader.seen)}\n"
    )
    assert set(reader.seen) <= {-1, *VERSIONS, 240_000}
    assert reader.seen[VERSIONS[0]] > 0
    assert survived < KILLS / 2
    assert small_job.scored(DATE).num_rows == 240_000
    runs = small_job.root / "runs" / f"day={DATE}"
    assert not [*runs.glob("*/staged"), *runs.glob("*/outgoing"), *runs.glob("publish-intent.json")]
    assert all((folder / "result.json").exists() for folder in runs.iterdir() if folder.is_dir())

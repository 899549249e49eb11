"""A worker process computes with one thread, and starts no pool of threads that would take the others' cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import pyarrow as pa

from pipelines.local_processes import processes_for, usable_cores
from schemas.runners import LocalRunner

DATE = "2024-03-01"
#: 22 on two cores: some 15 of Beam and gRPC that wait for messages and timers, and gRPC's engine, which has 4 to 16 of
#: them with the cores. A pool of BLAS, OpenMP or Arrow would come on top with one thread for each core.
MOST_THREADS = 22 + 12
_POOLS_OF_A_WORKER = """
import json
from pipelines.thread_pools import one_thread
one_thread()
import numpy, pyarrow, scipy.linalg, sklearn.ensemble, threadpoolctl, xgboost
pools = [[pool["user_api"], pool["num_threads"]] for pool in threadpoolctl.threadpool_info()]
print(json.dumps({"pools": pools, "arrow": pyarrow.cpu_count()}))
"""


def test_no_library_has_a_pool_in_a_worker_whatever_the_environment_says() -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8"}
    command = [sys.executable, "-W", "ignore", "-c", _POOLS_OF_A_WORKER]
    found = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert {kind for kind, _ in found["pools"]} == {"blas", "openmp"}
    assert {threads for _, threads in found["pools"]} == {1}
    assert found["arrow"] == 1


def test_one_thread_of_a_scoring_worker_does_all_the_work(small_job: Any, make_rows: Callable[..., pa.Table]) -> None:
    for number in range(4):
        small_job.write(DATE, f"{number}.parquet", make_rows(300_000, first_id=300_000 * number))
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 100000")
    command = [sys.executable, "-m", "pipelines", "run", str(small_job.root), "--date", DATE, "--workers", "2", "-q"]
    looks: dict[int, list[dict[int, float]]] = {}
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            if list(small_job.root.glob("runs/*/*/staged/*.parquet")):
                for child in psutil.Process(process.pid).children(recursive=True):
                    with suppress(psutil.Error):
                        look = {thread.id: thread.user_time + thread.system_time for thread in child.threads()}
                        looks.setdefault(child.pid, []).append(look)
            time.sleep(0.05)
    assert process.returncode == 0
    assert len(looks) == 2
    for worker, found in looks.items():
        assert max(map(len, found)) <= MOST_THREADS
        # The process's first thread may still import what another worker has imported already.
        used = {one: max(look.get(one, 0.0) for look in found) for look in found for one in look if one != worker}
        grown = {one: seconds - found[0].get(one, 0.0) for one, seconds in used.items()}
        assert sum(grown.values()) > 0.3, "the worker was not seen scoring"
        assert max(grown.values()) >= 0.9 * sum(grown.values())


def test_in_one_process_the_model_has_all_usable_cores() -> None:
    assert processes_for(LocalRunner(mode="in_memory"), units=9, rows=9).threads == usable_cores()
    assert processes_for(LocalRunner(mode="multi_processing", workers=2), units=9, rows=9).threads == 1

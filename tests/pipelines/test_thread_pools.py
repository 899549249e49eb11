"""BLAS starts no threads at the command line's start, unless somebody asked for them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ASK = """
from pipelines.thread_pools import without_blas_pool
without_blas_pool()
import numpy
from threadpoolctl import threadpool_info
print(*[pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"])
"""


@pytest.mark.parametrize(("asked", "threads"), [(None, {"1"}), ("2", {"2"})])
def test_blas_has_one_thread_or_as_many_as_the_environment_says(asked: str | None, threads: set[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if asked:
        environment["OPENBLAS_NUM_THREADS"] = asked
    ended = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) == threads

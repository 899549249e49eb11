"""TaskManagers and workers that share nothing with the driver but the storage of the job, and see it elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytestmark = [pytest.mark.flink, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
DATE = "2024-03-01"
Rows = Callable[..., pa.Table]


@pytest.fixture
def storage(tmp_path: Path, small_job: Any, job_folder: Any) -> Any:
    """The small job on a storage of its own."""
    place = tmp_path / "storage"
    place.mkdir()
    return job_folder(Path(shutil.move(small_job.root, place / "job")))


@pytest.fixture
def apart(flink_tools: None, flink_cluster: Any, storage: Any, tmp_path: Path) -> Iterator[Any]:
    """A cluster of two TaskManagers that see the storage under /mnt/night, and nothing of the driver's folders."""
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        assert not os.environ.get("CI"), "CI must be able to make a mount namespace"
        pytest.skip("needs the right to make a mount namespace")
    jars = Path(os.environ.get("FLINK_JARS", ROOT / "build" / "flink" / "jars"))
    folder = tmp_path / "cluster"
    for each in (jars, folder):
        each.mkdir(parents=True, exist_ok=True)
    kept = [ROOT / ".venv", ROOT / "deploy", jars, folder]
    script = [str(HERE / "only_storage.sh"), str(ROOT), str(storage.root.parent), *map(str, kept), "--"]
    cluster = flink_cluster(folder, ["unshare", "--mount", *script])
    cluster.up()
    yield cluster
    cluster.down()


def seen_by_workers(cluster: Any, *command: str) -> subprocess.CompletedProcess[str]:
    """A command where the worker pool is."""
    enter = ["nsenter", "--mount", "--target", str(cluster.pid("worker-pool"))]
    return subprocess.run([*enter, *command], check=False, capture_output=True, text=True, cwd="/")


def test_a_night_is_scored_with_the_storage_alone(apart: Any, storage: Any, make_rows: Rows) -> None:
    python = str(ROOT / ".venv" / "bin" / "python")
    assert "No module named 'pipelines'" in seen_by_workers(apart, python, "-c", "import pipelines").stderr
    assert seen_by_workers(apart, "test", "-e", str(storage.root)).returncode == 1
    assert seen_by_workers(apart, "test", "-e", "/mnt/night/job/job.yaml").returncode == 0
    for number in range(6):
        storage.write(DATE, f"{number}.parquet", make_rows(1000, first_id=5000 * number), row_group_size=400)
    storage.run(DATE)
    here = storage.parts(DATE)
    assert len(here) == 6
    storage.edit("job.yaml", "name: small", "name: small\nrunners: {flink: {job_folder: /mnt/night/job}}")
    code, printed = apart.run(storage.root, DATE, "--parallelism", "2")
    assert code == 0, printed
    assert storage.parts(DATE) == here

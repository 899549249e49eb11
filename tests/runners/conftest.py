"""A Flink cluster of several processes on this machine, as deploy/flink/cluster.sh starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "deploy" / "flink" / "cluster.sh"
TOOLS = ("java", "javac", "mvn")


@dataclass
class FlinkCluster:
    """A cluster that is up: where its processes' records and logs are, and how a run reaches it."""

    folder: Path
    #: What its processes saw of the file system, if not all of it: words before a command.
    namespace: Sequence[str] = ()
    addresses: dict[str, str] = field(default_factory=dict)
    #: Process of a Python worker to that of its TaskManager.
    owners: dict[int, int] = field(default_factory=dict)

    def up(self, task_managers: int = 2) -> None:
        """Start it on free ports and wait until it is ready."""
        options = ["--task-managers", str(task_managers), "--folder", str(self.folder), "--ports", "free"]
        done = subprocess.run(
            [*self.namespace, str(CLUSTER), "up", *options], capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (self.folder / "connection.env").read_text().splitlines()
        self.addresses = dict(line.split("=", 1) for line in lines)

    def down(self) -> None:
        """Stop what `up` started."""
        subprocess.run(
            [str(CLUSTER), "down", "--folder", str(self.folder)], check=True, capture_output=True, timeout=60
        )

    def pid(self, name: str) -> int:
        """The process of a record, such as task-manager-1."""
        return int((self.folder / "pids" / name).read_text().split()[0])

    def start_run(self, job: Path, date: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        """`nightscore run --runner flink` on it, begun."""
        command = [sys.executable, "-m", "pipelines", "run", str(job), "--date", date, "--runner", "flink", *options]
        # From the job's own folder: no source of the project may be found by accident.
        return subprocess.Popen(
            command,
            cwd=job,
            env={**os.environ, **self.addresses, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, job: Path, date: str, *options: str, **environment: str) -> tuple[int, str]:
        """The exit code of a run and what it printed."""
        process = self.start_run(job, date, *options, **environment)
        with ThreadPoolExecutor(1) as pool:
            printed = pool.submit(process.communicate, timeout=280)
            while not printed.done():
                self.look_at_workers()
                time.sleep(0.1)
        return process.returncode, printed.result()[0]

    def look_at_workers(self) -> None:
        """Note whose each new worker is, while its TaskManager still listens for it."""
        started = {event["pid"]: event for event in self.pool_events() if event["event"] == "started"}
        for pid in started.keys() - self.owners.keys():
            if psutil.pid_exists(pid):  # the TaskManager of one that is gone may be gone, too
                with suppress(LookupError):
                    self.owners[pid] = self.listener(int(started[pid]["control_endpoint"].rpartition(":")[2]))

    def ask(self, path: str) -> Any:
        """What Flink's REST interface answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.addresses['FLINK_MASTER']}{path}", timeout=10) as answer:
            return json.load(answer)

    def alive_workers(self) -> list[int]:
        """Python workers that run now and are known to `owners`."""
        self.look_at_workers()
        ended = {event["pid"] for event in self.pool_events() if event["event"] == "ended"}
        return [pid for pid in self.owners if pid not in ended and psutil.pid_exists(pid)]

    @contextmanager
    def held_still(self, pids: Sequence[int]) -> Iterator[None]:
        """Stops the processes within the block, so that what they work at cannot end before its moment is used."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def await_free_slots(self, number: int) -> None:
        """Wait until so many are free: Flink frees those of a job a moment after it has ended."""
        for _ in range(600):
            if self.ask("/overview")["slots-available"] >= number:
                return
            time.sleep(0.1)
        pytest.fail(f"no {number} slots were free within a minute")

    def newest_job(self) -> dict[str, Any]:
        """The job that was submitted last, as Flink's overview tells it; without a name where there is none."""
        jobs: list[dict[str, Any]] = self.ask("/jobs/overview")["jobs"]
        return max(jobs, key=lambda job: int(job["start-time"]), default={"name": "", "state": ""})

    def busy_task_managers(self) -> set[int]:
        """Processes of TaskManagers that run a task of the newest job now."""
        path = f"/jobs/{self.newest_job()['jid']}"
        found = set()
        for vertex in self.ask(path)["vertices"]:
            for item in self.ask(f"{path}/vertices/{vertex['id']}/taskmanagers")["taskmanagers"]:
                if item["status"] == "RUNNING":
                    found.add(self.listener(int(item["taskmanager-id"].partition("-")[0].rpartition(":")[2])))
        return found

    def listener(self, port: int) -> int:
        """The TaskManager that listens on the port. Raises LookupError when none does any more."""
        for record in (self.folder / "pids").glob("task-manager-*"):
            with suppress(psutil.Error, FileNotFoundError):
                pid = self.pid(record.name)
                found = psutil.Process(pid).net_connections()
                if any(item.status == psutil.CONN_LISTEN and item.laddr.port == port for item in found):
                    return pid
        raise LookupError(port)

    def pool_events(self) -> list[dict[str, Any]]:
        """What the worker pool did: each worker's id, process and the TaskManager's control endpoint."""
        lines = (self.folder / "logs" / "worker-pool.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture(scope="session")
def flink_tools() -> None:
    """Skips where there is no Java or Maven; in CI they are a must."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        assert not os.environ.get("CI"), f"CI needs {missing} for the tests on Flink"
        pytest.skip(f"a Flink cluster needs {', '.join(missing)}")


@pytest.fixture(scope="session")
def flink(flink_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """A cluster of two TaskManagers that several tests share."""
    cluster = FlinkCluster(tmp_path_factory.mktemp("flink"))
    cluster.up()
    yield cluster
    cluster.down()


@pytest.fixture(scope="session")
def flink_cluster() -> type[FlinkCluster]:
    """Makes a cluster of one's own."""
    return FlinkCluster


@pytest.fixture
def give_own_step(
    make_wheel: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Any, str], None]]:
    """`give_own_step(job, source)`: feature x goes through the source's `own_step`, on two TaskManagers.

    It is installed nowhere: workers have it from its wheel, drivers from PYTHONPATH, this process from sys.path.
    """
    name = "night_steps"

    def give(job: Any, source: str) -> None:
        wheel = make_wheel(job.root, name, source)
        sources = tmp_path / "own_sources"
        sources.mkdir()
        (sources / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(sources)
        monkeypatch.setenv("PYTHONPATH", str(sources))
        path = job.root / "job.yaml"
        path.write_text(
            f"{path.read_text()}\n"
            f"runners: {{flink: {{packages: [{wheel.name}], parallelism: 2}}}}\n"
            f"features: {{x: {{steps: [custom: '{name}:own_step']}}}}\n"
        )

    yield give
    sys.modules.pop(name, None)

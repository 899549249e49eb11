"""deploy/flink/cluster.sh: what it starts, what it says when it cannot, and that it stops all of that and no more."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

DEPLOY = Path(__file__).parents[2] / "deploy" / "flink"
MEMBERS = ["job-manager", "job-server", "supervisor", "task-manager-1", "task-manager-2", "worker-pool"]
PORTS = ["REST", "RPC", "BLOB", "JOB", "ARTIFACT", "EXPANSION", "WORKER_POOL"]
Eventually = Callable[[Callable[[], object]], None]


@dataclass(frozen=True)
class Cluster:
    """A cluster of its own folder, and the script that manages it."""

    folder: Path
    script: Path = DEPLOY / "cluster.sh"

    def __call__(self, verb: str, *options: str, **environment: str) -> tuple[int, str]:
        """The exit code of a verb, and what it printed."""
        command = [str(self.script), verb, "--folder", str(self.folder), *options]
        where = {**os.environ, "FLINK_PYTHON": sys.executable, **environment}
        done = subprocess.run(
            command, env=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=550
        )
        return done.returncode, done.stdout

    def processes(self) -> dict[str, int]:
        """Name to process id of what has a record, the workers left out."""
        records = sorted((self.folder / "pids").glob("[!.]*"))
        return {each.name: self.pid(each.name) for each in records if not each.name.startswith("python-worker-")}

    def pid(self, name: str) -> int:
        return int((self.folder / "pids" / name).read_text().split()[0])

    def workers(self) -> dict[int, int]:
        """Process id of each worker that was started to the port at which its TaskManager controls it."""
        lines = (self.folder / "logs" / "worker-pool.log").read_text().splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        started = [each for each in events if each["event"] == "started"]
        return {each["pid"]: int(each["control_endpoint"].rpartition(":")[2]) for each in started}

    def addresses(self) -> dict[str, str]:
        """What connection.env says."""
        return dict(line.split("=") for line in (self.folder / "connection.env").read_text().splitlines())

    def task_managers(self) -> int:
        """How many Flink knows."""
        address = self.addresses()["FLINK_MASTER"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{address}/overview", timeout=30) as answer:
            return int(json.load(answer)["taskmanagers"])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that is not up yet, and is down afterwards."""
    missing = [tool for tool in ("java", "javac", "jar", "mvn", "curl") if shutil.which(tool) is None]
    if missing:
        assert not os.environ.get("CI"), f"CI needs {missing} for the tests of the cluster"
        pytest.skip(f"a Flink cluster needs {', '.join(missing)}")
    made = Cluster(tmp_path / "cluster")
    yield made
    made("down")


@pytest.fixture
def copied(tmp_path: Path) -> Cluster:
    """The script beside a list of two jars, for what it says about jars. Nothing of it is ever up."""
    there = tmp_path / "project" / "deploy" / "flink"
    shutil.copytree(DEPLOY, there)
    jars = tmp_path / "jars"
    jars.mkdir()
    for name in ("a-1.jar", "b-2.jar"):
        (jars / name).write_text(name)
    listed = "".join(f"{hashlib.sha256(each.name.encode()).hexdigest()}  {each.name}\n" for each in jars.iterdir())
    (there / "jars.sha256").write_text(listed)
    return Cluster(tmp_path / "cluster", there / "cluster.sh")


def listeners(pid: int) -> set[tuple[str, int]]:
    found = psutil.Process(pid).net_connections(kind="tcp")
    return {(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN}


def is_loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return bool((getattr(ip, "ipv4_mapped", None) or ip).is_loopback)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def run_job(cluster: Cluster, wheel: Path, output: Path) -> tuple[list[dict[str, Any]], set[tuple[str, str, int]]]:
    """What the small job wrote, and (process, address, port) of all listeners that were seen while it ran."""
    addresses = cluster.addresses()
    script = str(Path(__file__).with_name("staged_module_job.py"))
    places = [addresses["FLINK_JOB_ENDPOINT"], addresses["FLINK_WORKER_POOL"], str(wheel), str(output)]
    job = subprocess.Popen([sys.executable, script, *places], stderr=subprocess.PIPE, text=True)
    seen: set[tuple[str, str, int]] = set()
    while job.poll() is None:
        seen |= {(name, *each) for name, pid in cluster.processes().items() for each in listeners(pid)}
        time.sleep(0.5)
    assert job.returncode == 0, job.communicate()[1]
    job.communicate()
    lines = [line for part in output.parent.glob(f"{output.name}-*") for line in part.read_text().splitlines()]
    return [json.loads(line) for line in lines], seen


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_a_cluster_works_replaces_what_dies_and_leaves_nothing(
    cluster: Cluster,
    subtests: pytest.Subtests,
    make_wheel: Callable[..., Path],
    eventually: Eventually,
    tmp_path: Path,
) -> None:
    code, printed = cluster("up", "--task-managers", "2", "--ports", "free")
    assert code == 0, printed
    processes = cluster.processes()

    with subtests.test("status names every process"):
        code, printed = cluster("status")
        assert code == 0
        assert list(processes) == MEMBERS
        assert [line.split()[:4] for line in printed.splitlines()] == [
            [name, "alive", "pid", str(pid)] for name, pid in processes.items()
        ]

    with subtests.test("a second up starts nothing"):
        code, printed = cluster("up", "--task-managers", "2", "--ports", "free")
        assert (code, printed) == (0, f"==> up already: {cluster.folder}\n")
        assert cluster.processes() == processes

    wheel = make_wheel(tmp_path, "staged_module")
    written, seen = run_job(cluster, wheel, tmp_path / "output")
    with subtests.test("workers of both TaskManagers work, with a module that only the staged wheel has"):
        assert sorted(each["element"] for each in written) == list(range(40))
        ports = cluster.workers()
        task_managers = {name for each in written for name, _, port in seen if port == ports[each["pid"]]}
        assert task_managers == {"task-manager-1", "task-manager-2"}
        (module,) = {each["module"] for each in written}
        assert Path(module).is_relative_to(cluster.folder / "packages")

    with subtests.test("whatever listens, listens on loopback"):
        assert {name for name, _, _ in seen} == {*MEMBERS} - {"supervisor"}
        assert [each for each in seen if not is_loopback(each[1])] == []
        assert max(len([each for each in seen if each[0] == name]) for name in MEMBERS) > 5  # Beam's own in Flink

    with subtests.test("a TaskManager and a worker pool that were killed are replaced"):
        for name in ("task-manager-1", "worker-pool"):
            os.kill(processes[name], signal.SIGKILL)
        eventually(
            lambda: {cluster.pid(name) for name in ("task-manager-1", "worker-pool")}.isdisjoint(processes.values())
        )
        eventually(lambda: cluster.task_managers() == 2)
        assert cluster("status")[0] == 0

    with subtests.test("down leaves no process"):
        assert cluster("down")[0] == 0
        assert [pid for pid in [*processes.values(), *cluster.workers()] if not is_gone(pid)] == []
        assert [each.pid for each in psutil.process_iter() if str(cluster.folder) in " ".join(_words(each))] == []
        assert cluster("down")[0] == 0
        assert cluster("status") == (1, f"cluster.sh: nothing is up in {cluster.folder}\n")


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


@pytest.mark.flink
def test_a_port_that_is_taken_is_named(cluster: Cluster) -> None:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    ports = {f"FLINK_{name}_PORT": str(each.getsockname()[1]) for name, each in zip(PORTS, listeners, strict=True)}
    try:
        for each in listeners[:-1]:
            each.close()
        code, printed = cluster("up", **ports)
    finally:
        listeners[-1].close()
    name, port = list(ports.items())[-1]
    assert (code, printed) == (1, f"cluster.sh: port {port} is taken: set {name} to another one, or use --ports free\n")
    assert not cluster.folder.exists()


def test_a_port_that_is_none_is_named(cluster: Cluster) -> None:
    code, printed = cluster("up", FLINK_REST_PORT="http")
    assert (code, printed) == (1, "cluster.sh: FLINK_REST_PORT is 'http': a port is a number from 1 to 65535\n")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda jars: (jars / "b-2.jar").write_text("b-3"), "missing, or without the sha256 of jars.sha256: b-2.jar."),
        (lambda jars: (jars / "a-1.jar").unlink(), "missing, or without the sha256 of jars.sha256: a-1.jar."),
        (lambda jars: (jars / "c-3.jar").touch(), "not in jars.sha256: c-3.jar."),
    ],
    ids=["changed", "missing", "unexpected"],
)
@pytest.mark.flink
def test_a_jar_that_is_not_the_listed_one_is_named(
    cluster: Cluster, copied: Cluster, tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    jars = tmp_path / "jars"
    spoil(jars)
    code, printed = copied("up", "--ports", "free", FLINK_JARS=str(jars))
    assert (code, printed) == (1, f"cluster.sh: {words} Remove {jars} and try again\n")
    assert not copied.folder.exists()


@pytest.mark.flink
def test_a_folder_of_somebody_else_is_not_touched(cluster: Cluster, copied: Cluster, tmp_path: Path) -> None:
    mine = copied.folder / "logs" / "mine.log"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    code, printed = copied("up", "--ports", "free", FLINK_JARS=str(tmp_path / "jars"))
    assert code == 1
    assert printed.endswith("is not empty and was not made by cluster.sh: choose another --folder\n")
    assert mine.read_text() == "precious"


def record(cluster: Cluster, name: str, process: subprocess.Popen[bytes], started: str | None = None) -> None:
    """Leave a record of a process as `up` would."""
    sys.path.insert(0, str(DEPLOY))
    try:
        from worker_processes import started_at
    finally:
        sys.path.remove(str(DEPLOY))
    pids = cluster.folder / "pids"
    pids.mkdir(parents=True, exist_ok=True)
    (pids / name).write_text(f"{process.pid} {started or started_at(process.pid)}\n")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that takes no notice of SIGTERM."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_process_that_has_got_the_pid_of_a_dead_one_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    cluster = Cluster(tmp_path / "cluster")
    record(cluster, "task-manager-1", sleeper, started="12345")
    assert cluster("status")[0] == 1
    assert cluster("down")[0] == 0
    assert sleeper.poll() is None
    assert list((cluster.folder / "pids").iterdir()) == []


def test_a_process_that_takes_no_notice_of_sigterm_is_killed(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    cluster = Cluster(tmp_path / "cluster")
    record(cluster, "task-manager-1", sleeper)
    assert cluster("status")[0] == 0
    assert cluster("down")[0] == 0
    assert sleeper.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["sideways"], "unknown command 'sideways': use up, down or status"),
        (["up", "--slots", "3"], "unknown option '--slots'"),
        (["up", "--task-managers"], "--task-managers needs a value"),
        (["up", "--task-managers", "0"], "--task-managers is '0': from 1 to 99"),
        (["up", "--ports", "8081"], "--ports is '8081': fixed or free"),
    ],
)
def test_a_word_that_is_not_understood_is_named(words: list[str], complaint: str) -> None:
    done = subprocess.run([str(DEPLOY / "cluster.sh"), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"cluster.sh: {complaint}\n")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say() -> None:
    scripts = sorted(str(each) for each in DEPLOY.glob("*.sh"))
    done = subprocess.run(
        ["shellcheck", "--external-sources", "--source-path", str(DEPLOY.parents[1]), *scripts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""

"""What a run listens on: nothing in one process, loopback alone with several, and strangers are refused there."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apache_beam
import grpc
import psutil
import pyarrow as pa
import pytest
from apache_beam.portability.api import beam_artifact_api_pb2, beam_artifact_api_pb2_grpc, beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import worker_pool_main

from pipelines.engine_job import run_on_engine
from pipelines.loopback import LISTENING, LOOPBACK, loopback_only
from pipelines.watched_workers import watched_workers
from schemas.errors import WorkerError

DATE = "2024-03-01"
#: As the kernel shows them: gRPC binds to the second, which is 127.0.0.1 on a socket that could do IPv6, too.
ON_LOOPBACK = {LOOPBACK, f"::ffff:{LOOPBACK}"}
Rows = Callable[..., pa.Table]


def start(job: Any, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "pipelines", words[0], str(job.root), *words[1:]])


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def sockets(one: psutil.Process) -> list[Any]:
    try:
        return [found for found in one.net_connections("inet") if found.status == psutil.CONN_LISTEN]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def looks(process: subprocess.Popen[bytes]) -> Iterator[list[tuple[int, str, int]]]:
    """(process, address, port) of everything that is listened on, again and again until the run ends."""
    while process.poll() is None:
        yield [(one.pid, found.laddr.ip, found.laddr.port) for one in family(process) for found in sockets(one)]
        time.sleep(0.1)


def write_night(job: Any, make_rows: Rows) -> None:
    for number in range(6):
        job.write(DATE, f"{number}.parquet", make_rows(40_000, first_id=40_000 * number), row_group_size=20_000)
    job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 20000")


def test_several_workers_listen_on_loopback_alone(small_job: Any, make_rows: Rows) -> None:
    write_night(small_job, make_rows)
    process = start(small_job, "run", "--date", DATE, "--workers", "2", "--quiet")
    seen = list(looks(process))
    assert process.returncode == 0
    listening = [look for look in seen if look]
    assert len(listening) >= 10, "the run was not looked at while it scored"
    assert {address for look in listening for _, address, _ in look} <= ON_LOOPBACK
    # The driver's four servers; workers listen on nothing.
    assert {pid for look in listening for pid, _, _ in look} == {process.pid}
    assert len({port for look in listening for _, _, port in look}) == 4


def test_profiling_with_several_workers_listens_on_loopback_alone(small_job: Any) -> None:
    process = start(small_job, "profile", "--workers", "2")
    listening = [look for look in looks(process) if look]
    assert process.returncode == 0
    assert len(listening) >= 3
    assert {address for look in listening for _, address, _ in look} <= ON_LOOPBACK


def test_a_run_in_one_process_listens_on_nothing(small_job: Any, make_rows: Rows) -> None:
    write_night(small_job, make_rows)
    process = start(small_job, "run", "--date", DATE, "--workers", "1", "--quiet")
    seen = list(looks(process))
    assert process.returncode == 0
    assert len(seen) >= 10
    assert [look for look in seen if look] == []


def ask_for_a_file(port: int, path: Path, metadata: list[tuple[str, str]]) -> bytes:
    """What the artifact service of Beam's control server hands to whoever asks."""
    with grpc.insecure_channel(f"{LOOPBACK}:{port}") as channel:
        stub = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
        payload = beam_runner_api_pb2.ArtifactFilePayload(path=str(path)).SerializeToString()
        artifact = beam_runner_api_pb2.ArtifactInformation(type_urn="beam:artifact:type:file:v1", type_payload=payload)
        request = beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)
        return b"".join(part.data for part in stub.GetArtifact(request, metadata=metadata, timeout=20))


def a_server() -> Any:
    """The servers of a pass, as Beam starts them."""
    return worker_handlers.GrpcServer(
        worker_handlers.StateServicer(),
        SimpleNamespace(provision_info=None),
        SimpleNamespace(),
    )


def test_a_stranger_gets_nothing_from_the_driver(tmp_path: Path) -> None:
    """Beam's control server reads any file of the driver's user for whoever connects: on loopback all users can."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"of the driver's user")
    with loopback_only() as servers:
        server = a_server()
        servers.known.add("worker_0-of-this-run")
        try:
            for shown in ([], [("worker_id", "worker_0")]):
                with pytest.raises(grpc.RpcError, match="not a worker of this run"):
                    ask_for_a_file(server.control_port, secret, shown)
            known = [("worker_id", "worker_0-of-this-run")]
            assert ask_for_a_file(server.control_port, secret, known) == b"of the driver's user"
        finally:
            server.close()


def test_the_id_of_a_worker_cannot_be_guessed() -> None:
    with watched_workers() as workers:
        server = a_server()
        try:
            ids = [
                worker_handlers.WorkerHandler._registered_environments["beam:env:harness_subprocess_python:v1"][0](
                    b"true", None, None, server
                ).worker_id
                for _ in range(2)
            ]
        finally:
            server.close()
    assert workers.servers.known == set(ids)
    assert [len(one.rpartition("-")[2]) for one in ids] == [32, 32]


def test_outside_of_a_pass_beam_is_as_it_was() -> None:
    with watched_workers():
        assert all(vars(module)["grpc"] is not grpc for module in LISTENING)
    assert all(vars(module)["grpc"] is grpc for module in LISTENING)
    found = worker_handlers.WorkerHandler._registered_environments["beam:env:harness_subprocess_python:v1"]
    assert found == (worker_handlers.SubprocessSdkWorkerHandler, bytes)


class WorkerOfAnEngine:
    """A pipeline on an engine whose worker is this process, as with --environment_type=LOOPBACK."""

    def __init__(self) -> None:
        self.listening: list[Any] = []

    def run(self) -> WorkerOfAnEngine:
        before = sockets(psutil.Process())
        _, server = worker_pool_main.BeamFnExternalWorkerPoolServicer.start()
        self.listening = [found for found in sockets(psutil.Process()) if found not in before]
        server.stop(0).wait()
        return self

    def wait_until_finish(self) -> None:
        """It is finished."""


def test_a_driver_that_is_an_engines_worker_itself_listens_on_loopback_alone() -> None:
    pipeline = WorkerOfAnEngine()
    run_on_engine(pipeline)
    assert len(pipeline.listening) == 1
    assert {found.laddr.ip for found in pipeline.listening} <= ON_LOOPBACK


# ----------------------------------------------------------------------------------------------- a Beam of another kind


def test_a_server_that_binds_elsewhere_is_not_started() -> None:
    with loopback_only(), pytest.raises(WorkerError, match=r"a server binds to 0\.0\.0\.0:0.* nothing was started"):
        worker_handlers.grpc.server(None).add_insecure_port("0.0.0.0:0")


def test_a_worker_is_not_started_beside_a_port_that_was_opened_in_another_way() -> None:
    ports = {f"{name}_port": 1 for name in ("control", "data", "state", "logging")}
    with watched_workers():
        make = worker_handlers.WorkerHandler._registered_environments["beam:env:harness_subprocess_python:v1"][0]
        with pytest.raises(WorkerError, match=r"port 1 was opened in another way.*apache-beam that nightscore pins"):
            make(b"true", None, None, SimpleNamespace(**ports))


def test_a_module_without_a_grpc_of_its_own_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(worker_handlers, "grpc")
    with pytest.raises(WorkerError, match="worker_handlers has no `grpc` of its own"), loopback_only():
        pass


def test_no_other_module_of_beam_listens_in_a_pass() -> None:
    """Where Beam opens a port: a new place must be looked at before this version is pinned."""
    root = Path(apache_beam.__path__[0])
    found = set()
    for source in root.rglob("*.py"):
        text = source.read_text()
        if "_insecure_port(" in text or "_secure_port(" in text:
            calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
            if any(node.attr in ("add_insecure_port", "add_secure_port") for node in calls):
                found.add(source.relative_to(root).with_suffix("").as_posix().replace("/", "."))
    ours = {module.__name__.removeprefix("apache_beam.") for module in LISTENING}
    started_by_hand = {"runners.portability.expansion_service_main", "testing.test_stream_service"}
    assert {name for name in found if not name.endswith("_test")} == ours | started_by_hand


def test_what_is_said_of_an_open_port_reaches_result_json(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_night(small_job, make_rows)
    monkeypatch.delattr(worker_handlers, "grpc")
    result = small_job.run(DATE, workers=2)
    assert (result["status"], result["exit_code"], result["code"]) == ("failed", 1, "open_listener")
    assert json.loads((small_job.run_folder(result) / "result.json").read_bytes())["message"] == result["message"]

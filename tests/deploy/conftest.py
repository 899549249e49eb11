"""A runner and a cluster to test the files of deploy/flink with."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    endpoints_pb2,
)

DEPLOY = Path(__file__).parents[2] / "deploy" / "flink"


@dataclass
class Runner(
    beam_provision_api_pb2_grpc.ProvisionServiceServicer,
    beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceServicer,
    beam_fn_api_pb2_grpc.BeamFnControlServicer,
    beam_fn_api_pb2_grpc.BeamFnLoggingServicer,
):
    """What a TaskManager is for a worker pool and its workers: one server that tells, hands out and listens."""

    staged: Mapping[str, bytes] = field(default_factory=dict)
    url: str = ""
    asked_by: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self.server = grpc.server(futures.ThreadPoolExecutor(16))
        self.url = f"localhost:{self.server.add_insecure_port('localhost:0')}"
        beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(self, self.server)
        beam_artifact_api_pb2_grpc.add_ArtifactRetrievalServiceServicer_to_server(self, self.server)
        beam_fn_api_pb2_grpc.add_BeamFnControlServicer_to_server(self, self.server)
        beam_fn_api_pb2_grpc.add_BeamFnLoggingServicer_to_server(self, self.server)
        self.server.start()

    def stop(self) -> None:
        """Close the control channels and be gone, as a TaskManager that was killed."""
        self.closed.set()
        self.server.stop(0).wait()

    def GetProvisionInfo(self, _request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - Beam's name
        self.asked_by.append(str(dict(context.invocation_metadata())["worker_id"]))
        information = beam_provision_api_pb2.ProvisionInfo(dependencies=[_artifact(name) for name in self.staged])
        options = {"default_sdk_harness_log_level": "WARNING", "job_name": "night"}
        information.pipeline_options.update({f"beam:option:{name}:v1": value for name, value in options.items()})
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=information)

    def ResolveArtifacts(self, request: Any, _context: Any) -> Any:  # noqa: N802 - Beam's name
        return beam_artifact_api_pb2.ResolveArtifactsResponse(replacements=request.artifacts)

    def GetArtifact(self, request: Any, _context: Any) -> Iterator[Any]:  # noqa: N802 - Beam's name
        role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(request.artifact.role_payload)
        content = self.staged[role.staged_name]
        for start in range(0, len(content), 200):  # in several messages, as big files come
            yield beam_artifact_api_pb2.GetArtifactResponse(data=content[start : start + 200])

    def Control(self, _requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802 - Beam's name
        self.connected.append(str(dict(context.invocation_metadata())["worker_id"]))
        self.closed.wait()
        yield from ()

    def Logging(self, _requests: Any, _context: Any) -> Iterator[Any]:  # noqa: N802 - Beam's name
        self.closed.wait()
        yield from ()


def _artifact(name: str) -> Any:
    role = beam_runner_api_pb2.ArtifactStagingToRolePayload(staged_name=name)
    file = beam_runner_api_pb2.ArtifactFilePayload(path=f"/staged/{name}")
    return beam_runner_api_pb2.ArtifactInformation(
        type_urn=common_urns.artifact_types.FILE.urn,
        type_payload=file.SerializeToString(),
        role_urn=common_urns.artifact_roles.STAGING_TO.urn,
        role_payload=role.SerializeToString(),
    )


@dataclass
class Pool:
    """A worker pool of deploy/flink in a process of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def order(self, runner: Runner, worker_id: str = "1-1") -> Any:
        """What a TaskManager sends for a worker."""
        here = endpoints_pb2.ApiServiceDescriptor(url=runner.url)
        return beam_fn_api_pb2.StartWorkerRequest(
            worker_id=worker_id,
            control_endpoint=here,
            logging_endpoint=here,
            artifact_endpoint=here,
            provision_endpoint=here,
        )

    def start(self, runner: Runner, worker_id: str = "1-1") -> str:
        """Order a worker; the error, or nothing."""
        with self.stub() as stub:
            return str(stub.StartWorker(self.order(runner, worker_id), timeout=200).error)

    def stub(self) -> Any:
        return _Stub(self.port)

    def events(self, event: str) -> list[dict[str, Any]]:
        """The pool's lines about workers, of one kind."""
        lines = (self.folder / "pool.log").read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in found if each["event"] == event]

    def pid(self) -> int:
        """The process of the worker that was started last."""
        return int(self.events("started")[-1]["pid"])


class _Stub:
    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])

    def __enter__(self) -> Any:
        grpc.channel_ready_future(self._channel).result(timeout=60)
        return beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(self._channel)

    def __exit__(self, *_: object) -> None:
        self._channel.close()


@pytest.fixture
def make_runner() -> Iterator[Callable[..., Runner]]:
    """`make_runner(staged)`: a runner that hands out these files; all of them are stopped in the end."""
    runners: list[Runner] = []

    def make(staged: Mapping[str, bytes] | None = None) -> Runner:
        runners.append(Runner(staged or {}))
        runners[-1].start()
        return runners[-1]

    yield make
    for each in runners:
        each.stop()


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    """A pool of its own for one test."""
    yield from _running_pool(tmp_path)


@pytest.fixture(scope="module")
def idle_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """A pool for orders that it refuses: it never has a worker, so tests can share it."""
    yield from _running_pool(tmp_path_factory.mktemp("pool"))


@pytest.fixture
def pool_of_flink(tmp_path: Path, flink_jobs: _FlinkJobs) -> Iterator[Pool]:
    """A pool that knows a Flink with the jobs of `flink_jobs`."""
    yield from _running_pool(tmp_path, f"--flink-master={flink_jobs.address}")


@pytest.fixture
def flink_jobs() -> Iterator[_FlinkJobs]:
    """Flink's REST interface, with jobs that a test adds."""
    jobs = _FlinkJobs()
    with jobs.server:
        threading.Thread(target=jobs.server.serve_forever, daemon=True).start()
        yield jobs
        jobs.server.shutdown()


class _FlinkJobs:
    def __init__(self) -> None:
        self.states: list[tuple[str, str]] = []
        self.asked = 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        jobs = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.path == "/jobs/overview"
                answer = {"jobs": [{"name": name, "state": state} for name, state in jobs.states]}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())
                jobs.asked += 1

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _running_pool(folder: Path, *options: str) -> Iterator[Pool]:
    port = _free_port()
    command = [sys.executable, str(DEPLOY / "worker_pool.py"), "--port", str(port)]
    folders = [f"--{name}={folder / name}" for name in ("packages", "logs", "pids")]
    with (folder / "pool.log").open("wb") as log:
        process = subprocess.Popen([*command, *folders, *options], stdout=log, stderr=log)
    yield Pool(folder, port, process)
    process.terminate()
    process.wait(60)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """`eventually(condition)` waits until it holds; a minute is more than any of them takes."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "did not happen within a minute"
            time.sleep(0.05)

    return wait

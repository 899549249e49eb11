"""A pool of Python workers beside Flink's TaskManagers, for hosts without Docker: Beam's environment type EXTERNAL.

    python worker_pool.py --port 50000 --packages FOLDER

It needs apache-beam and nothing else. Beam's own pool (`worker_pool_main`) listens on all interfaces, starts whatever
`python` is first on PATH, and does not install what a job staged; this one listens on loopback unless told otherwise,
starts the Python that runs it, and installs staged wheels into a folder of their own, which workers import first.

Whoever reaches the port can run code as the user of this process: keep it on loopback, or inside one pod.
"""

# ruff: noqa: INP001  # beside worker_pool.py, a script: no package

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    endpoints_pb2,
)
from google.protobuf import json_format, text_format
from staged_packages import Package, StagingError, prepare
from worker_processes import WorkerError, WorkerProcesses
from worker_watch import Order, Watch

#: Seconds that a runner has to answer what it wants of a worker that it just asked for.
_ANSWER = 60.0


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):  # type: ignore[misc]  # Beam has no types
    """The service that TaskManagers call: one worker process a request, installed and connected when it returns."""

    def __init__(self, processes: WorkerProcesses, packages: Path) -> None:
        self._processes = processes
        self._packages = packages
        self._installing = threading.Lock()  # two TaskManagers ask at once: one installs, the other finds it done

    def StartWorker(  # noqa: N802  # Beam's name
        self, request: beam_fn_api_pb2.StartWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StartWorkerResponse:
        """A response without an error once the worker is connected, else what went wrong."""
        try:
            info = _provision_info(request)
            package = self._package(request, info)
            order = Order(request.worker_id, context.peer(), request.control_endpoint.url, _job_name(info))
            self._processes.start(order, worker_environment(request, info, package))
        except grpc.RpcError as error:
            where = request.provision_endpoint.url
            return _refusal(request, f"the runner at {where} does not answer: {error.code().name}: {error.details()}")
        except (StagingError, WorkerError, OSError) as error:
            return _refusal(request, f"{type(error).__name__}: {error}")
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(  # noqa: N802  # Beam's name
        self, request: beam_fn_api_pb2.StopWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StopWorkerResponse:
        """An empty response once the worker has ended, be it by itself."""
        self._processes.stop(request.worker_id, context.peer())
        return beam_fn_api_pb2.StopWorkerResponse()

    def _package(
        self, request: beam_fn_api_pb2.StartWorkerRequest, info: beam_provision_api_pb2.ProvisionInfo
    ) -> Package:
        endpoint = info.artifact_endpoint.url or request.artifact_endpoint.url
        with self._installing, _channel(endpoint) as channel:
            return prepare(info.dependencies, channel, request.worker_id, self._packages)


def worker_environment(
    request: beam_fn_api_pb2.StartWorkerRequest, info: beam_provision_api_pb2.ProvisionInfo, package: Package
) -> dict[str, str]:
    """The environment of a worker process: this one's, and what Beam's boot code would set."""
    control = info.control_endpoint.url or request.control_endpoint.url
    logs = info.logging_endpoint.url or request.logging_endpoint.url
    environment = {
        # One thread a worker: the parallelism is Flink's, and a model's own threads would only get in its way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **os.environ,
        "WORKER_ID": request.worker_id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options, indent=None),
        "SEMI_PERSISTENT_DIRECTORY": str(package.folder),
        "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(control),
        "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(logs),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(package.site), os.environ.get("PYTHONPATH")])),
    }
    if info.HasField("status_endpoint"):
        environment["STATUS_API_SERVICE_DESCRIPTOR"] = _descriptor(info.status_endpoint.url)
    return environment


def serve(host: str, port: int, pool: WorkerPool) -> grpc.Server:
    """The started server; OSError when the port is taken, which gRPC by itself would share with another process."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=[("grpc.so_reuseport", 0)])
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        message = f"cannot listen on {host}:{port}: is it taken?"
        raise OSError(message) from error
    server.start()
    return server


def main() -> int:
    """Serve until SIGTERM or SIGINT, then end every worker."""
    arguments = _arguments()
    for folder in filter(None, [arguments.pids, arguments.logs]):
        folder.mkdir(parents=True, exist_ok=True)
    processes = WorkerProcesses(arguments.pids, arguments.logs, Watch(arguments.flink_master))
    try:
        server = serve(arguments.host, arguments.port, WorkerPool(processes, arguments.packages.resolve()))
    except OSError as error:
        print(f"worker_pool.py: {error}", file=sys.stderr)  # noqa: T201  # a script's last word
        return 1
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()
    server.stop(0)
    processes.stop_all()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Starts Python workers for Flink's TaskManagers.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    parser.add_argument("--port", type=int, default=50000)
    parser.add_argument("--packages", type=Path, required=True, help="folder for what jobs stage, kept and shared")
    parser.add_argument(
        "--flink-master", help="HOST:PORT of Flink's REST interface: ends what is left of finished jobs"
    )
    parser.add_argument("--logs", type=Path, help="folder for a log a worker (default: the pool's own output)")
    parser.add_argument("--pids", type=Path, help="folder for a file with pid and start time a worker")
    return parser.parse_args()


def _refusal(request: beam_fn_api_pb2.StartWorkerRequest, error: str) -> beam_fn_api_pb2.StartWorkerResponse:
    """What the runner fails the attempt with, and shows to the driver; logged here too."""
    logging.getLogger(__name__).warning("worker %s did not start: %s", request.worker_id, error)
    return beam_fn_api_pb2.StartWorkerResponse(error=error)


def _provision_info(request: beam_fn_api_pb2.StartWorkerRequest) -> beam_provision_api_pb2.ProvisionInfo:
    with _channel(request.provision_endpoint.url) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        message = beam_provision_api_pb2.GetProvisionInfoRequest()
        return stub.GetProvisionInfo(message, metadata=[("worker_id", request.worker_id)], timeout=_ANSWER).info


def _job_name(info: beam_provision_api_pb2.ProvisionInfo) -> str:
    """The job's name, which Flink has too; empty when the runner does not tell."""
    options = json_format.MessageToDict(info.pipeline_options)
    return str(options.get("beam:option:job_name:v1") or "")


def _channel(endpoint: str) -> grpc.Channel:
    """A channel to a TaskManager on this host or in this pod: never through a proxy."""
    return grpc.insecure_channel(endpoint, options=[("grpc.enable_http_proxy", 0)])


def _descriptor(url: str) -> str:
    return str(text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url)))


if __name__ == "__main__":
    sys.exit(main())

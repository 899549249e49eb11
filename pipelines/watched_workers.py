"""The local runner's worker processes, watched: when one dies or fails, the pass ends at once.

Beam notices a dead worker only where it reads from it: never when the worker had not connected yet, and not before
the others have done all of their work. So the processes are started here, in place of Beam's own way, and when one
has died the others are killed and all that Beam has asked of them, and will ask, is answered with an error.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Any

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    GrpcWorkerHandler,
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)
from google.protobuf import json_format, text_format

from pipelines.answered_connection import AnsweredConnection
from pipelines.broken_connections import broken_connections_are_quiet
from pipelines.dead_worker import Death
from pipelines.early_workers import dismiss_early, start_worker
from pipelines.local_worker import DRIVER
from pipelines.loopback import LOOPBACK, Servers, loopback_only

#: Seconds that a worker has to end by itself when its work is done, or when it was told to.
_GRACE = 5.0


@dataclass
class Workers:
    """The worker processes of one pass."""

    servers: Servers
    #: The first one that died; the others were killed.
    death: Death | None = None
    #: Whether those that were left were told to end.
    stopped: bool = False
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _connections: list[AnsweredConnection] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def connected(self, connection: Any) -> AnsweredConnection:
        """Beam's connection to a worker; an error of one worker is the answer of all."""
        answered = AnsweredConnection(connection, self._failed)
        self._connections.append(answered)
        return answered

    def _failed(self, error: str) -> None:
        for connection in self._connections:
            connection.answer_all(error)

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Count the process in; it is killed at once where another has died already."""
        with self._lock:
            self._processes.append(process)
            if self.death is not None:
                process.kill()

    def died(self, process: subprocess.Popen[bytes]) -> None:
        """Remember the first death, and kill the others: their work cannot be finished, and they could still write."""
        with self._lock:
            if self.death is None:
                self.death = Death(process.pid, process.returncode)
                for other in self._processes:
                    other.kill()
        # At each death, since Beam may have made a connection after the first one, and would wait for its answer.
        self._failed("a worker process ended before its work was done")

    def stop(self) -> None:
        """Tell all to end in the middle of what they do."""
        with self._lock:
            self.stopped = True
            for process in self._processes:
                process.terminate()


@contextmanager
def watched_workers() -> Iterator[Workers]:
    """In the block, worker processes of the local runner are started here, on servers on loopback."""
    with loopback_only() as servers, broken_connections_are_quiet():
        workers = Workers(servers)
        register = WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
        register(partial(WatchedWorker, workers))
        try:
            yield workers
        finally:
            register(SubprocessSdkWorkerHandler)
            dismiss_early()


class WatchedWorker(GrpcWorkerHandler):  # type: ignore[misc]  # Beam has no types
    """Beam's handle on one worker process. Its id is a secret between the two."""

    control_conn: Any

    def __init__(self, workers: Workers, command: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        workers.servers.must_hold(_ports(grpc_server))
        super().__init__(state, provision_info, grpc_server)
        self.control_conn = workers.connected(self.control_conn)
        self._workers = workers
        self._command = command.decode()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._killed = False
        workers.servers.known.add(self.worker_id)

    @property
    def worker_id(self) -> str:
        """What the process shows at every call."""
        return self._id

    @worker_id.setter
    def worker_id(self, number: str) -> None:
        # Beam numbers its workers, and looks for their connections by this name.
        self._id = f"{number}-{token_hex(16)}"

    def host_from_worker(self) -> str:
        return LOOPBACK

    def start_worker(self) -> None:
        control = endpoints_pb2.ApiServiceDescriptor(url=self.control_address)
        options = self.provision_info.provision_info.pipeline_options
        environment = {
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
            "WORKER_ID": self.worker_id,
            DRIVER: str(os.getpid()),
        }
        self._process = start_worker(self._command, environment)
        self._workers.add(self._process)
        self._watch = threading.Thread(target=self._until_it_ends, args=(self._process,), name="watch_worker")
        self._watch.start()

    def _until_it_ends(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        # While everything is closed an exit is no news. A signal is, where it is not ours: it may be what made Beam
        # close everything.
        ours = self._killed or (self._workers.stopped and code == -signal.SIGTERM)
        if not ours and (code < 0 or not self._closing):
            self._workers.died(process)

    def close(self) -> None:
        self._closing = True
        if sys.exc_info()[0] is not None:
            # The pass has failed or was interrupted. A worker that is not connected yet would wait for ever, another
            # one end its unit for nothing.
            self._workers.stop()
        with suppress(grpc.RpcError):
            super().close()
        # Beam gets no further where the connection is broken.
        self.stop_worker()

    def stop_worker(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._killed = True
            self._process.kill()
        self._watch.join()


def _ports(grpc_server: Any) -> list[int]:
    return [getattr(grpc_server, f"{name}_port", 0) for name in ("control", "data", "state", "logging")]

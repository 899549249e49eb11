"""The local runner's worker processes, watched: when one dies, the pass ends at once.

Beam notices a dead worker only where it reads from it: never when the worker had not connected yet, and not before
the others have done all of their work. So the processes are started here, in place of Beam's own way, and when
one has died the rest is killed and everything that Beam still waits for is aborted, as Beam does for containers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Any

from apache_beam.portability import python_urns
from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    GrpcWorkerHandler,
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)
from google.protobuf import json_format, text_format

from pipelines.local_worker import DRIVER
from pipelines.loopback import LOOPBACK, Servers, loopback_only
from schemas.errors import WorkerError

#: Seconds that a worker has to end by itself when its work is done.
_GRACE = 5.0
#: Seconds between two attempts to abort what Beam waits for: it may go on to wait for something else.
_AGAIN = 0.1


@dataclass(frozen=True)
class Death:
    """A worker process that ended before its work was done."""

    pid: int
    #: As subprocess has it: below zero for a signal.
    code: int

    def error(self) -> WorkerError:
        """What to tell about it; facts: `pid`, `signal` and `exit_code`, one of which is None."""
        by_signal = -self.code if self.code < 0 else None
        how = f"exit code {self.code}" if by_signal is None else f"signal {by_signal} ({_name(by_signal)})"
        message = (
            f"a worker process ended before its work was done: process {self.pid}, {how}. Nothing was published. "
            "Most often memory was short: run again with fewer --workers, or see what the process said last."
        )
        facts = {"pid": self.pid, "signal": by_signal, "exit_code": None if by_signal else self.code}
        return WorkerError(message, code="worker_ended", **facts)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of real time"


@dataclass
class Workers:
    """The worker processes of one pass."""

    servers: Servers
    #: The first one that died; the others were killed.
    death: Death | None = None
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

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


@contextmanager
def watched_workers() -> Iterator[Workers]:
    """In the block, worker processes of the local runner are started here, on servers on loopback."""
    with loopback_only() as servers:
        workers = Workers(servers)
        register = WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
        register(partial(WatchedWorker, workers))
        try:
            yield workers
        finally:
            register(SubprocessSdkWorkerHandler)


class WatchedWorker(GrpcWorkerHandler):  # type: ignore[misc]  # Beam has no types
    """Beam's handle on one worker process. Its id is a secret between the two."""

    def __init__(self, workers: Workers, command: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        workers.servers.must_hold(_ports(grpc_server))
        super().__init__(state, provision_info, grpc_server)
        self._workers = workers
        self._command = command.decode()
        self._closing = threading.Event()
        self._stopped = False
        self._watch = threading.Thread(target=self._until_it_ends, name="watch_worker", daemon=True)
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
        environment = os.environ | {
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
            "WORKER_ID": self.worker_id,
            DRIVER: str(os.getpid()),
        }
        command = ["/bin/sh", "-c", self._command]
        self._process = subprocess.Popen(command, env=environment)  # noqa: S603  # beam_options wrote it
        self._workers.add(self._process)
        self._watch.start()

    def _until_it_ends(self) -> None:
        code = self._process.wait()
        # While everything is closed an exit is no news, but a signal from elsewhere may be what closes everything.
        if self._stopped or (self._closing.is_set() and code >= 0):
            return
        self._workers.died(self._process)
        while not self._closing.wait(_AGAIN):
            # Answers may come in meanwhile, which changes what abort() goes through.
            with suppress(RuntimeError):
                self.control_conn.abort(RuntimeError("a worker process of this pass has died"))

    def close(self) -> None:
        self._closing.set()
        try:
            super().close()
        finally:
            # Beam gets no further where the connection is broken.
            self.stop_worker()

    def stop_worker(self) -> None:
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            # One that connects after everything was closed would wait for ever.
            self._stopped = True
            self._process.kill()
        self._watch.join()


def _ports(grpc_server: Any) -> list[int]:
    return [getattr(grpc_server, f"{name}_port", 0) for name in ("control", "data", "state", "logging")]

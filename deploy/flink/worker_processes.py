"""The processes that a pool started: each one is watched, and goes when its runner is gone."""

# ruff: noqa: INP001  # beside worker_pool.py, a script: no package

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from worker_watch import Order, Watch

#: Seconds in which a worker must have connected to its runner. Importing the stack on a busy machine takes ten or so.
_CONNECT = 120.0
#: Seconds in which a worker that is told to stop may end by itself: its control channel was closed just before.
_BY_ITSELF = 2.0
#: Seconds between asking a worker to end (SIGTERM) and making it (SIGKILL).
_GRACE = 5.0
#: Seconds between two looks at the workers and their runners.
_LOOK = 1.0
#: How the record of a worker is named, before its pid.
_RECORD = "python-worker-"


class WorkerError(Exception):
    """A worker did not start; the message has the end of its log. The runner shows it to the driver."""


@dataclass(frozen=True)
class Worker:
    """A running process and who ordered it."""

    order: Order
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid


class WorkerProcesses:
    """The living workers of a pool. All methods may be called from any thread."""

    def __init__(self, pids: Path | None, logs: Path | None, watch: Watch) -> None:
        self._pids = pids
        self._logs = logs
        self._workers: list[Worker] = []
        self._started = len(list(logs.glob("worker-*.log"))) if logs else 0  # those of a pool before this one stay
        self._lock = threading.Lock()
        threading.Thread(target=self._keep_watch, args=(watch,), daemon=True).start()

    def start(self, order: Order, environment: Mapping[str, str]) -> Worker:
        """A worker that is connected to its runner.

        The runner waits without an end for a worker whose start succeeded, so one that dies before is an error here.
        """
        with self._lock:
            self._started += 1
            log = self._logs / f"worker-{self._started:04d}.log" if self._logs else None
        read, write = os.pipe()
        try:
            worker = Worker(order, _launch(write, environment, log))
        finally:
            os.close(write)
        with self._lock:
            self._workers.append(worker)
        self._record(worker)
        say("started", order, pid=worker.pid, log=str(log) if log else None)
        try:
            self._await_connection(worker, read, log)
        finally:
            os.close(read)
        return worker

    def stop(self, worker_id: str, peer: str) -> None:
        """End the worker of that id that this connection ordered.

        Nothing when it has ended, or when the connection is a new one (after half an hour without a call it is): other
        TaskManagers have workers of that id too, and before it says stop, a runner closes the worker's control channel.
        """
        with self._lock:
            named = [each for each in self._workers if (each.order.worker_id, each.order.peer) == (worker_id, peer)]
        for each in named:
            if not _has_ended(each.process, _BY_ITSELF):
                _end(each.process, _GRACE)

    def stop_all(self) -> None:
        """End every worker, all at once."""
        with self._lock:
            workers = list(self._workers)
        for each in workers:
            each.process.terminate()
        deadline = time.monotonic() + _GRACE
        for each in workers:
            _end(each.process, max(0.0, deadline - time.monotonic()))
        self._forget_ended()

    def _await_connection(self, worker: Worker, ready: int, log: Path | None) -> None:
        readable, _, _ = select.select([ready], [], [], _CONNECT)
        if readable and os.read(ready, 1):
            return
        what = "ended before it was connected" if readable else f"was not connected after {_CONNECT:.0f} s"
        _end(worker.process, _GRACE)
        end = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log else "see the log of the worker pool"
        message = f"worker {worker.order.worker_id} (pid {worker.pid}) {what}: {end.strip()}"
        raise WorkerError(message)

    def _keep_watch(self, watch: Watch) -> None:
        while True:
            time.sleep(_LOOK)
            self._forget_ended()
            with self._lock:
                workers = {each.pid: each for each in self._workers}
            for pid, verdict in watch.look({pid: each.order for pid, each in workers.items()}).items():
                say(verdict, workers[pid].order, pid=pid)
                threading.Thread(target=_end, args=(workers[pid].process, _GRACE), daemon=True).start()

    def _forget_ended(self) -> None:
        with self._lock:
            ended = [each for each in self._workers if each.process.poll() is not None]
            self._workers = [each for each in self._workers if each not in ended]
        for each in ended:
            say("ended", each.order, pid=each.pid, exit_code=each.process.returncode)
        self._sweep_records()

    def _record(self, worker: Worker) -> None:
        """Leave pid and start time where `cluster.sh` finds them, should this pool be killed."""
        if self._pids:
            path = self._pids / f"{_RECORD}{worker.pid}"
            hidden = path.with_name(f".{path.name}")
            hidden.write_text(f"{worker.pid} {started_at(worker.pid)}\n", encoding="utf-8")
            hidden.replace(path)

    def _sweep_records(self) -> None:
        """Remove the records of workers that are gone, also those of a pool before this one."""
        for path in self._pids.glob(f"{_RECORD}*") if self._pids else ():
            pid, _, start = path.read_text(encoding="utf-8").strip().partition(" ")
            if not start or started_at(int(pid)) != start:
                path.unlink()


def say(event: str, order: Order, **facts: object) -> None:
    """Write one line of JSON about a worker to the log."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    known = {"time": moment, "event": event, "worker_id": order.worker_id, "control_endpoint": order.control_endpoint}
    print(json.dumps(known | facts), flush=True)  # noqa: T201  # the pool's log is its standard output


def started_at(pid: int) -> str:
    """When the process started, in the words of `cluster.sh`: ticks since boot, or what `ps` says; empty when gone."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[19]
        except (FileNotFoundError, ProcessLookupError):
            return ""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def _launch(ready: int, environment: Mapping[str, str], log: Path | None) -> subprocess.Popen[bytes]:
    script = str(Path(__file__).with_name("pool_worker.py"))
    command = [sys.executable, "-P", script, "--ready", str(ready), "--pool", str(os.getpid())]
    with (log or Path(os.devnull)).open("ab") as file:
        output = file if log else None
        return subprocess.Popen(  # noqa: S603  # our own script
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[ready]
        )


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    process.terminate()
    if not _has_ended(process, grace):
        process.kill()
        process.wait()


def _has_ended(process: subprocess.Popen[bytes], within: float) -> bool:
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True

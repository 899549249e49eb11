"""One run at a time for each partition, held by the kernel: a lock dies with its process, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import NotReadyError

_LOCK = ".lock"


@contextlib.contextmanager
def partition_lock(partition_runs: Path, run_id: str, now: str) -> Iterator[None]:
    """Hold the lock of the partition's runs. Raises NotReadyError (exit 75) naming the holder when it is taken.

    `now` is told to the next one who waits. The file stays; only the kernel's lock on it counts.
    """
    partition_runs.mkdir(parents=True, exist_ok=True)
    path = partition_runs / _LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(partition_runs.name, path) from None
        owner = {"run_id": run_id, "host": socket.gethostname(), "pid": os.getpid(), "since": now}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(partition: str, path: Path) -> NotReadyError:
    try:
        owner = json.loads(path.read_bytes())
        holder = f"run {owner['run_id']} (process {owner['pid']} on {owner['host']}) since {owner['since']}"
    except (OSError, ValueError, KeyError):
        owner, holder = {}, "another run"
    message = f"{partition} is held by {holder}. Wait for it to end, then run again."
    return NotReadyError(message, code="locked", **owner)

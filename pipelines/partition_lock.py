"""One run at a time for each partition, held by the kernel: a lock dies with its process, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.errors import NotReadyError

_LOCK = ".lock"
_MAX_OWNER_BYTES = 4096


@contextlib.contextmanager
def partition_lock(partition_runs: Path, run_id: str, now: str) -> Iterator[None]:
    """Hold the lock of the partition's runs. Raises NotReadyError (exit 75) naming the holder when it is taken.

    `now`, as ISO 8601 with its zone, is told to the next one who waits. The file stays; only the kernel's lock on it
    counts.
    """
    partition_runs.mkdir(parents=True, exist_ok=True)
    path = partition_runs / _LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(partition_runs.name, path, now) from None
        owner = {"run_id": run_id, "host": socket.gethostname(), "pid": os.getpid(), "since": now}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        try:
            yield
        finally:
            # Or whoever comes when the next holder has the lock, and has not written yet, would be told of this one.
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _taken(partition: str, path: Path, now: str) -> NotReadyError:
    owner = _owner(path)
    holder = "another run"
    if owner:
        since, moment = owner["since"], datetime.fromisoformat(now)
        with contextlib.suppress(ValueError, TypeError):
            since = f"{_clock(datetime.fromisoformat(since), moment)}, {age(datetime.fromisoformat(since), moment)}"
        holder = f"run {owner['run_id']} (process {owner['pid']} on {owner['host']}) since {since}"
    message = f"{partition} is held by {holder}. Wait for it to end, then run again."
    return NotReadyError(message, code="locked", **owner)


def _owner(path: Path) -> dict[str, Any]:
    """What the holder wrote of itself; nothing where it has not yet, or it makes no sense."""
    kinds = {"run_id": str, "host": str, "pid": int, "since": str}
    try:
        with path.open("rb") as stream:
            owner = json.loads(stream.read(_MAX_OWNER_BYTES))
        if all(isinstance(owner[key], kind) for key, kind in kinds.items()):
            return {key: owner[key] for key in kinds}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return {}


def _clock(since: datetime, now: datetime) -> str:
    """The time, with the date unless it is today's."""
    since = since.astimezone(UTC)
    return f"{since:%H:%M:%S} UTC" if since.date() == now.astimezone(UTC).date() else f"{since:%Y-%m-%d %H:%M:%S} UTC"


def age(since: datetime, now: datetime) -> str:
    """How long ago in the largest unit that fits, rounded down: `12 minutes ago`. Another host's clock may be ahead."""
    seconds = int((now - since).total_seconds())
    for word, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= length:
            number = seconds // length
            return f"{number:,} {word}{'' if number == 1 else 's'} ago"
    return "just now"

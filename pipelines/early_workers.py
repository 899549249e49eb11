"""Worker processes that are started before there is work for them: they import while the driver imports and plans.

This module imports nothing of weight itself: the workers would wait for it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.local_worker import DRIVER, EARLY

#: A worker imports from the working directory only where its driver does: `nightscore` does not, `python -m` does.
_SAFE_PATH = "" if {"", str(Path.cwd())} & set(sys.path) else "-P "
#: What starts a worker process, for a shell.
WORKER_COMMAND = f"exec {shlex.quote(sys.executable)} {_SAFE_PATH}-m pipelines.local_worker"

_early: list[subprocess.Popen[bytes]] = []


@contextmanager
def early_workers(workers: int) -> Iterator[None]:
    """Start so many; those that the block has no work for are gone after it.

    No more than the cores that may be used, since further ones would hold up the first.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    environment = os.environ | {DRIVER: str(os.getpid())}
    command = ["/bin/sh", "-c", f"{WORKER_COMMAND} {EARLY}"]
    try:
        while len(_early) < min(workers, usable):
            _early.append(subprocess.Popen(command, stdin=subprocess.PIPE, env=environment))  # noqa: S603  # our own
        yield
    finally:
        dismiss_early()


def start_worker(command: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A worker process with these variables added to its environment: an early one, where `command` starts such."""
    while command == WORKER_COMMAND and _early:
        process = _early.pop(0)
        with suppress(OSError):  # it has died: another one takes its place
            _tell(process, environment)
            return process
        process.wait()
    return subprocess.Popen(["/bin/sh", "-c", command], env=os.environ | environment)  # noqa: S603  # our own


def _tell(process: subprocess.Popen[bytes], environment: Mapping[str, str]) -> None:
    if process.stdin is not None:
        with process.stdin as stream:
            stream.write(json.dumps(dict(environment)).encode())


def dismiss_early() -> None:
    """End those that have no work."""
    while _early:
        process = _early.pop()
        process.kill()
        process.communicate()

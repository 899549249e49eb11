"""What a command costs with all its processes: CPU seconds, wall seconds, peak memory. Imports next to nothing.

A process's peak RSS is inherited by the one that is started from it, so what measures must itself be small.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Set by some environments for other reasons; each would change what is measured.
_UNSET = (
    "PYTHONDONTWRITEBYTECODE",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OMP_NUM_THREADS",
    "PYTHONPROFILEIMPORTTIME",
)
_POLL_SECONDS = 0.1
_LIBRARIES = ("apache-beam", "pyarrow", "numpy", "pandas", "xgboost-cpu", "xgboost")


@dataclass(frozen=True)
class Cost:
    """What one command cost."""

    #: User and system time of the process and of all descendants that were waited for.
    cpu: float
    wall: float
    #: Largest sum of PSS over the process tree, looked at every 0.1 s: shared pages count once.
    peak_mb: float
    #: Largest resident size of any one process.
    max_rss_mb: float
    #: CPU seconds that everything else on the machine used meanwhile, per second: 0 on a quiet machine.
    others: float
    output: str


def measure(command: Sequence[str]) -> Cost:
    """Run a command in the project's root; its standard error is shown. Exits where it fails."""
    busy, started = _busy_seconds(), time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    memory = _Memory(process.pid)
    memory.start()
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    memory.stop()
    if process.returncode:
        sys.exit(f"exit code {process.returncode} of {' '.join(command)}\n{output}")
    cpu = usage.ru_utime + usage.ru_stime
    others = max(_busy_seconds() - busy - cpu, 0.0) / wall
    return Cost(cpu, wall, memory.peak / 1024, usage.ru_maxrss / 1024, others, output)


def environment() -> dict[str, str]:
    """The environment of a measured command."""
    return {name: value for name, value in os.environ.items() if name not in _UNSET}


class _Memory(threading.Thread):
    """Watches the sum of PSS of a process and its descendants, in KiB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            self.peak = max(self.peak, sum(_pss(pid) for pid in _family(self._pid)))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:  # the thread has ended
            continue
        for child in found:
            yield from _family(int(child))


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:  # the process has ended
        pass
    return 0


def _busy_seconds() -> float:
    """CPU seconds that the machine has worked since it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _wait, irq, soft_irq, _steal = fields
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, str]:
    """What a figure depends on besides the code."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = int(_lines("/proc/meminfo")[0].split()[1]) / 1024**2
    found = {
        "processor": f"{models[0] if models else platform.processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()

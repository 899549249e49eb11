"""What Linux tells about processes: whose child, what it cost so far, how much memory it holds."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SIGCHLD_BIT = 1 << 16
_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Facts:
    """One process at one moment; seconds of CPU are user and system time."""

    pid: int
    parent: int
    #: Since boot, in ticks: tells a process from a later one of the same number.
    started: int
    own: float
    #: Of its children that ended and that it waited for, and of theirs.
    waited_for: float

    @property
    def cpu(self) -> float:
        """Its own seconds and those of the descendants that were waited for."""
        return self.own + self.waited_for


def adopt_orphans() -> None:
    """From now on every descendant whose parent ends becomes a child of this process, daemons included."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def facts(pid: int) -> Facts | None:
    """The process's facts, also of one that has ended and was not waited for yet; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    user, system, children_user, children_system = (int(field) / _TICKS for field in fields[11:15])
    return Facts(pid, int(fields[1]), int(fields[19]), user + system, children_user + children_system)


def children(pid: int) -> Iterator[int]:
    """The numbers of its children."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from map(int, listed.read_text().split())
        except OSError:  # the thread has ended
            continue


def family(pid: int) -> Iterator[int]:
    """The process and all its descendants."""
    yield pid
    for child in children(pid):
        yield from family(child)


def pss_mb(pid: int) -> float:
    """Its proportional share of resident memory: a page that n processes share counts 1/n in each. 0: it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def forgets_children(pid: int) -> bool:
    """Whether it ignores SIGCHLD: then the kernel does not add its children's time to its own."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigIgn:"):
                return bool(int(line.split()[1], 16) & _SIGCHLD_BIT)
    except OSError:
        pass
    return False


def busy_seconds() -> float:
    """CPU seconds that the machine has worked since it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _wait, irq, soft_irq, _steal = fields
    return (user + nice + system + irq + soft_irq) / _TICKS

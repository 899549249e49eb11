"""What a command costs with everything that it starts: daemons and JVMs included, and a cluster that stands already.

The measuring process adopts orphans, so a daemon that left its parent is still waited for and its time counted. Of
processes whose parent forgets them (it ignores SIGCHLD) the last look counts, at most 0.1 s too little.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from whole_job.process_table import (
    Facts,
    adopt_orphans,
    busy_seconds,
    children,
    facts,
    family,
    forgets_children,
    pss_mb,
)

_LOOK_SECONDS = 0.1
#: Looking at the memory of a large process takes long and stops it meanwhile: rest so many times as long.
_REST = 10
_NAP = 0.02
#: Daemons have so long to end after the command.
_GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Command:
    """A command to measure, and when to stop it."""

    words: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    #: Standard output and error go to files there.
    logs: Path
    max_seconds: float = 3_600.0
    max_mb: float = 20_000.0
    #: Processes that serve the command and were started before it: theirs and their descendants' share counts, too.
    standing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What it cost."""

    #: User and system seconds of all processes.
    cpu: float
    wall: float
    #: Largest sum of PSS at one moment, in MB of 1024² bytes.
    peak_mb: float
    #: Largest PSS of any one process.
    peak_process_mb: float
    #: Of the process that was started itself: the driver.
    driver_cpu: float
    driver_peak_mb: float
    #: Most processes at one moment.
    processes: int
    #: Cores that everything else on the machine used meanwhile: 0 on a quiet machine.
    others: float
    #: None when it ended with 0, else why not.
    error: str | None


def measure(command: Command) -> Cost:
    """Run the command to its end and that of its daemons. Interrupted, it ends them all."""
    adopt_orphans()
    forget_ended()
    with (command.logs / "stdout").open("wb") as out, (command.logs / "stderr").open("wb") as err:
        environment = dict(command.environment)
        process = subprocess.Popen(
            command.words, cwd=command.cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
    watch = _Watch(command, process)
    try:
        return watch.to_the_end()
    except BaseException:
        watch.kill()
        raise


def forget_ended() -> None:
    """Wait for adopted processes that have ended meanwhile, such as an earlier cluster's: no later command's cost."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


@dataclass
class _Watch:
    """The running command; `process` is waited for by number, never through Popen."""

    command: Command
    process: subprocess.Popen[bytes]
    seen: dict[tuple[int, int], Facts] = field(default_factory=dict)
    #: Processes whose time nobody adds up but the last look.
    forgotten: set[tuple[int, int]] = field(default_factory=set)
    peaks: dict[int, float] = field(default_factory=dict)
    peak: float = 0.0
    most: int = 0
    reaped: float = 0.0
    status: int | None = None
    last: Facts | None = None
    #: CPU seconds of what stood before, when the driver had ended.
    standing_cpu: float = 0.0
    stopped: str | None = None

    def to_the_end(self) -> Cost:
        busy, own, started = busy_seconds(), time.process_time(), time.monotonic()
        standing = self._standing_cpu()
        look_at = wall = 0.0
        while self.status is None or self._wait_for_daemons(wall, time.monotonic() - started):
            self._reap()
            elapsed = time.monotonic() - started
            if self.status is None:
                wall = elapsed
            if elapsed >= look_at:
                before = time.monotonic()
                self._look()
                spent = time.monotonic() - before
                look_at = elapsed + spent + max(_LOOK_SECONDS, _REST * spent)
                self._limit(elapsed)
            time.sleep(_NAP)
        cpu = self.reaped + self._lost() + self.standing_cpu - standing
        elapsed = time.monotonic() - started
        others = (busy_seconds() - busy - cpu - (time.process_time() - own)) / elapsed
        return self._cost(cpu, wall, max(others, 0.0))

    def _cost(self, cpu: float, wall: float, others: float) -> Cost:
        driver = self.process.pid
        return Cost(
            cpu=cpu,
            wall=wall,
            peak_mb=self.peak,
            peak_process_mb=max(self.peaks.values(), default=0.0),
            driver_cpu=self.last.own if self.last else 0.0,
            driver_peak_mb=self.peaks.get(driver, 0.0),
            processes=self.most,
            others=others,
            error=self.stopped or (self._why() if self.status else None),
        )

    def _reap(self) -> None:
        """Wait for every child that has ended."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            except ChildProcessError:
                return
            if ended is None:
                return
            last = facts(ended.si_pid)
            _, status, usage = os.wait4(ended.si_pid, 0)
            self.reaped += usage.ru_utime + usage.ru_stime
            if last is not None:
                self.forgotten.discard((last.pid, last.started))
            if ended.si_pid == self.process.pid:
                self.status = self.process.returncode = os.waitstatus_to_exitcode(status)
                self.last = last
                self.standing_cpu = self._standing_cpu()

    def _stood_before(self) -> set[int]:
        """Processes of what serves the command: daemons of an earlier one are adopted, too, and so are children."""
        return set[int]().union(*map(family, self.command.standing))

    def _started(self) -> set[int]:
        """Processes that the command has started."""
        return set(family(os.getpid())) - {os.getpid()} - self._stood_before()

    def _look(self) -> None:
        """Note what every process costs and holds now."""
        pids, total, forgetful = self._started() | self._stood_before(), 0.0, dict[int, bool]()
        for pid in pids:
            found = facts(pid)
            if found is None:
                continue
            key = (pid, found.started)
            self.seen[key] = found
            if found.parent not in forgetful:
                forgetful[found.parent] = found.parent != os.getpid() and forgets_children(found.parent)
            # What stood before is counted from look to look, whoever its parent is by now.
            if forgetful[found.parent] and pid not in self.command.standing:
                self.forgotten.add(key)
            else:
                self.forgotten.discard(key)
            memory = pss_mb(pid)
            self.peaks[pid] = max(self.peaks.get(pid, 0.0), memory)
            total += memory
        self.peak, self.most = max(self.peak, total), max(self.most, len(pids))

    def _lost(self) -> float:
        return sum(self.seen[key].cpu for key in self.forgotten)

    def _standing_cpu(self) -> float:
        found = (facts(pid) for root in self.command.standing for pid in family(root))
        return sum(one.cpu for one in found if one is not None)

    def _limit(self, elapsed: float) -> None:
        if self.stopped:
            return
        if elapsed > self.command.max_seconds:
            self._stop(f"stopped after {elapsed:,.0f} s")
        elif self.peak > self.command.max_mb:
            self._stop(f"stopped at {self.peak:,.0f} MB")

    def _stop(self, why: str) -> None:
        self.stopped = why
        self.kill()

    def kill(self) -> None:
        """End all that the command has started."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        """To everything that the command has started, never to what stood before."""
        for pid in self._started():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _wait_for_daemons(self, wall: float, elapsed: float) -> bool:
        """Whether some are still there; those that do not end by themselves are ended."""
        if not set(children(os.getpid())) - self._stood_before():
            return False
        over = elapsed - wall - _GRACE_SECONDS
        if over > 0:
            self._signal(signal.SIGTERM if over < _GRACE_SECONDS else signal.SIGKILL)
        return True

    def _why(self) -> str:
        lines = (self.command.logs / "stderr").read_text(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing on standard error")
        return f"exit code {self.status}: {last[-300:]}"

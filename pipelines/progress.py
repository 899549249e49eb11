"""How far the pass is, from the records of finished units: they appear in the run's folder on every runner."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol

#: Seconds between two lines where there is no terminal. Who reads a scheduler's log wants to see that a run is alive,
#: and 120 lines an hour are not too many; a night that ends earlier has none.
LINE_SECONDS = 30.0
#: Seconds between two looks for a bar on a terminal, at least.
LOOK_SECONDS = 0.25
#: Looking takes at most this share of the time: a folder of 100,000 records takes some 0.1 s to list.
LOOK_SHARE = 0.02

_RECORD = re.compile(r"unit-([0-9]+)\.json")
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True)
class Progress:
    """How far a pass is at one moment."""

    #: Rows of finished units, those of an earlier run among them.
    done: int
    total: int
    #: Rows that this run has scored, and the seconds since it began to.
    scored: int
    seconds: float

    @property
    def speed(self) -> float:
        """Rows a second since the pass began, the start of its workers included."""
        return self.scored / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At this speed; None before the first unit and after the last one."""
        return (self.total - self.done) / self.speed if self.speed and self.done < self.total else None

    def words(self) -> str:
        """`3,500,000 of 20,000,000 rows, 210,000 a second, about 79 s left`, as far as it is known."""
        text = f"{self.done:,} of {self.total:,} rows"
        if self.speed:
            text += f", {self.speed:,.0f} a second"
        return text if self.seconds_left is None else f"{text}, about {_duration(self.seconds_left)} left"


def _duration(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


@dataclass
class FinishedUnits:
    """The units whose records are in the folder. Those that are there at first were finished by an earlier run."""

    folder: Path
    #: Of the whole plan.
    rows: int
    #: By number of the unit.
    rows_per_unit: Mapping[int, int]
    clock: Callable[[], float] = monotonic
    _seen: set[str] = field(default_factory=set)
    _done: int = 0

    def __post_init__(self) -> None:
        self._look()
        self._reused = self._done
        self._start = self.clock()

    def progress(self) -> Progress:
        """Look into the folder."""
        self._look()
        return Progress(self._done, self.rows, self._done - self._reused, self.clock() - self._start)

    def _look(self) -> None:
        # A folder that is not there yet, or a storage that is away for a moment, must not decide the fate of a night.
        with suppress(OSError), os.scandir(self.folder) as entries:
            fresh = {entry.name for entry in entries} - self._seen
            self._seen |= fresh
            records = filter(None, map(_RECORD.fullmatch, fresh))
            self._done += sum(self.rows_per_unit.get(int(record[1]), 0) for record in records)


class Waiting(Protocol):
    """What tells that the pass has ended; a threading.Event."""

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds for it; whether it has ended."""


def tell_lines(units: FinishedUnits, say: Callable[[str], None], ended: Waiting) -> None:
    """Say how far the pass is every LINE_SECONDS until it has ended."""
    while not ended.wait(LINE_SECONDS):
        say(units.progress().words())


def show_bar(units: FinishedUnits, ended: Waiting) -> None:
    """A bar on stderr until the pass has ended, which leaves nothing behind."""
    # Imported here: a run under a scheduler does not pay for it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = TextColumn("score    "), BarColumn(), TextColumn("{task.fields[words]}")
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task, pause = bar.add_task("score", total=None, words=""), LOOK_SECONDS
        while not ended.wait(pause):
            before = units.clock()
            now = units.progress()
            pause = max(LOOK_SECONDS, (units.clock() - before) / LOOK_SHARE)
            bar.update(task, total=now.total, completed=now.done, words=now.words())


@contextmanager
def meanwhile(tell: Callable[[Waiting], None]) -> Iterator[None]:
    """Run `tell` in a thread until the block ends: a local pipeline blocks its own."""
    ended = threading.Event()
    thread = threading.Thread(target=tell, args=(ended,), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

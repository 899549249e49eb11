"""What a run says: one line a stage, figures in it, and never a value of a row."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self, TextIO

_POLL_SECONDS = 0.25


class Console:
    """Lines to one stream; nothing when quiet."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.quiet = quiet

    def line(self, stage: str, text: str) -> None:
        """`stage     text`, further lines of the text under the first."""
        if not self.quiet:
            _write(self.stream, stage, text)

    def problem(self, stage: str, text: str) -> None:
        """A line that is said in any case: to stderr when quiet."""
        _write(sys.stderr if self.quiet else self.stream, stage, text)

    @contextmanager
    def progress(self, run_folder: Path, rows: int, rows_per_unit: dict[int, int]) -> Iterator[None]:
        """A bar with rows a second and the time left while the units' records appear; only on a terminal."""
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        with _Bar(run_folder / "units", rows, rows_per_unit):
            yield


def _write(stream: TextIO, stage: str, text: str) -> None:
    """A terminal that went away must not decide the fate of a night; control characters are shown, not sent."""
    first, *more = ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in text.split("\n")]
    with contextlib.suppress(OSError, ValueError):
        stream.write("".join([f"{stage:<10}{first}\n", *(f"{'':<10}{line}\n" for line in more)]))
        stream.flush()


class _Bar:
    """Watches the folder of unit records from a thread, since a local pipeline blocks until it is done."""

    def __init__(self, units: Path, rows: int, rows_per_unit: dict[int, int]) -> None:
        # Imported here: a run under a scheduler does not pay for it.
        from rich.console import Console as RichConsole  # noqa: PLC0415
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        columns = (TextColumn("scoring"), BarColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=RichConsole(stderr=True), transient=True)
        self._task = self._bar.add_task("scoring", total=rows, speed="")
        self._units, self._rows = units, rows_per_unit
        self._done = threading.Event()
        self._start = monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._bar.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self._bar.stop()

    def _watch(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            names = {path.stem.split("-")[1] for path in self._units.glob("unit-*.json")}
            done = sum(self._rows.get(int(name), 0) for name in names)
            speed = done / max(monotonic() - self._start, _POLL_SECONDS)
            self._bar.update(self._task, completed=done, speed=f"{done:,} rows, {speed:,.0f} a second")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `1,234 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Bytes in the unit that reads best."""
    value = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":  # noqa: PLR2004
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    raise AssertionError

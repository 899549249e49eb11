"""What a run says: one line a stage, figures in it, and never a value of a row."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from pipelines.progress import FinishedUnits, meanwhile, show_bar, tell_lines


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
    def progress(self, run_folder: Path, rows: int, rows_per_unit: Mapping[int, int]) -> Iterator[None]:
        """Rows, rows a second and the time left while the records of units appear: a bar on a terminal, else lines.

        Units whose records are there already are done, and do not count for the speed.
        """
        if self.quiet:
            yield
            return
        units = FinishedUnits(run_folder / "units", rows, rows_per_unit)
        on_terminal = sys.stderr.isatty()
        say = partial(self.line, "score")
        with meanwhile(partial(show_bar, units) if on_terminal else partial(tell_lines, units, say)):
            yield


def _write(stream: TextIO, stage: str, text: str) -> None:
    """A terminal that went away must not decide the fate of a night; control characters are shown, not sent."""
    first, *more = ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in text.split("\n")]
    with contextlib.suppress(OSError, ValueError):
        stream.write("".join([f"{stage:<10}{first}\n", *(f"{'':<10}{line}\n" for line in more)]))
        stream.flush()


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

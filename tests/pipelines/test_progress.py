"""How far a pass is: what is said, when, and what it costs to know."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console as RichConsole

from pipelines import progress
from pipelines.console import Console
from pipelines.progress import LINE_SECONDS, LOOK_SECONDS, FinishedUnits, Progress, show_bar, tell_lines

DATE = "2024-03-01"


@dataclass
class Pass:
    """A pass that is played: a clock that only its waiting moves, and records that appear with it."""

    folder: Path
    #: Numbers of the units that are finished during each wait; the pass has ended when there are no more.
    script: list[list[int]]
    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def finish(self, units: list[int]) -> None:
        self.folder.mkdir(exist_ok=True)
        for number in units:
            (self.folder / f"unit-{number:06d}.json").touch()

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        self.now += timeout
        if not self.script:
            return True
        self.finish(self.script.pop(0))
        return False


def lines_of(played: Pass, rows: int, rows_per_unit: dict[int, int]) -> list[str]:
    said: list[str] = []
    tell_lines(FinishedUnits(played.folder, rows, rows_per_unit, played.clock), said.append, played)
    return said


def test_a_line_every_thirty_seconds_says_rows_speed_and_time_left(tmp_path: Path) -> None:
    played = Pass(tmp_path / "units", [[], [3, 0], [1], [2, 4]])
    assert lines_of(played, 20_000_000, dict.fromkeys(range(5), 4_000_000)) == [
        "0 of 20,000,000 rows",
        "8,000,000 of 20,000,000 rows, 133,333 a second, about 90 s left",
        "12,000,000 of 20,000,000 rows, 133,333 a second, about 60 s left",
        "20,000,000 of 20,000,000 rows, 166,667 a second",
    ]
    assert played.waits == [LINE_SECONDS] * 5


def test_a_pass_that_ends_within_thirty_seconds_says_nothing(tmp_path: Path) -> None:
    assert lines_of(Pass(tmp_path / "units", []), 10, {0: 10}) == []


def test_reused_units_are_done_and_make_no_speed(tmp_path: Path) -> None:
    played = Pass(tmp_path / "units", [[], [2]])
    played.finish([0, 1])
    assert lines_of(played, 9_000, {0: 3_000, 1: 3_000, 2: 600, 3: 2_400}) == [
        "6,000 of 9,000 rows",
        "6,600 of 9,000 rows, 10 a second, about 4 min left",
    ]


def test_only_records_of_finished_units_of_the_plan_count(tmp_path: Path) -> None:
    played = Pass(tmp_path / "units", [[0]])
    played.finish([])
    others = (
        "failed-000001.json",
        ".unit-000001.json.0123",
        "unit-000001.json.part",
        "unit-x.json",
        "unit-000007.json",
    )
    for name in others:
        (played.folder / name).touch()
    assert lines_of(played, 30, {0: 10, 1: 20}) == ["10 of 30 rows, 0 a second, about 60 s left"]


def test_numbers_of_more_than_six_digits_are_read(tmp_path: Path) -> None:
    played = Pass(tmp_path / "units", [[1_234_567]])
    assert lines_of(played, 300, {1_234_567: 300}) == ["300 of 300 rows, 10 a second"]


def test_a_folder_that_goes_away_changes_nothing(tmp_path: Path) -> None:
    played = Pass(tmp_path / "units", [[0], []])
    units = FinishedUnits(played.folder, 30, {0: 10, 1: 20}, played.clock)
    played.wait(1)
    assert units.progress().done == 10
    (played.folder / "unit-000000.json").unlink()
    played.folder.rmdir()
    assert units.progress().done == 10


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.4, "about 1 s"), (119, "about 119 s"), (120, "about 2 min"), (7199, "about 120 min"), (7200, "about 2.0 h")],
)
def test_time_left_has_the_unit_that_reads_best(seconds: float, words: str) -> None:
    assert Progress(done=1, total=2, scored=1, seconds=seconds).words().endswith(f", {words} left")


def test_at_the_very_start_there_is_no_speed() -> None:
    assert Progress(done=0, total=5, scored=0, seconds=0.0).words() == "0 of 5 rows"


# ------------------------------------------------------------------------------------------------------------- a bar


def test_the_bar_shows_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda **_: RichConsole(file=shown, force_terminal=True, width=120))
    played = Pass(tmp_path / "units", [[0], [1], [2, 3], []])
    show_bar(FinishedUnits(played.folder, 400, dict.fromkeys(range(4), 100), played.clock), played)
    assert "400 of 400 rows, 400 a second" in shown.getvalue()


def test_a_folder_that_is_slow_to_list_is_looked_at_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 records are listed in some 0.1 s: looking four times a second would take almost half of a core."""
    played = Pass(tmp_path / "units", [[0], [1], [2]])
    units = FinishedUnits(played.folder, 4, dict.fromkeys(range(4), 1), played.clock)
    real = progress.os.scandir

    def slow(folder: Path) -> Any:
        played.now += 0.1
        return real(folder)

    monkeypatch.setattr(progress.os, "scandir", slow)
    show_bar(units, played)
    assert played.waits == [LOOK_SECONDS, *[pytest.approx(5.0)] * 3]


def test_a_look_reads_only_the_names_that_are_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Pass(tmp_path / "units", [[5]])
    played.finish(list(range(5)))
    units = FinishedUnits(played.folder, 6, dict.fromkeys(range(6), 1), played.clock)
    played.wait(1)
    read: list[str] = []

    class Spy:
        def fullmatch(self, name: str) -> re.Match[str] | None:
            read.append(name)
            return re.fullmatch(r"unit-([0-9]+)\.json", name)

    monkeypatch.setattr(progress, "_RECORD", Spy())
    assert units.progress().done == 6
    assert read == ["unit-000005.json"]


# ------------------------------------------------------------------------------------------------------- the console


def test_without_a_terminal_the_console_says_lines_of_the_stage_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    out, enough = io.StringIO(), threading.Event()
    console = Console(out)
    real = console.line

    def line(stage: str, text: str) -> None:
        real(stage, text)
        enough.set()

    monkeypatch.setattr(console, "line", line)
    with console.progress(tmp_path, 3_000, {0: 1_000, 1: 2_000}):
        assert enough.wait(60)
    assert out.getvalue().splitlines()[0] == "score     0 of 3,000 rows"
    said = len(out.getvalue())
    assert [thread for thread in threading.enumerate() if thread.name == "progress"] == []
    assert len(out.getvalue()) == said


def test_a_quiet_console_does_not_even_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    monkeypatch.setattr("pipelines.console.FinishedUnits", lambda *_: pytest.fail("it looked"))
    out = io.StringIO()
    with Console(out, quiet=True).progress(tmp_path, 1, {0: 1}):
        pass
    assert out.getvalue() == ""


def test_an_error_of_the_pass_ends_the_telling_and_is_raised(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="of the pass"), Console(io.StringIO()).progress(tmp_path, 1, {0: 1}):
        raise RuntimeError("of the pass")
    assert [thread for thread in threading.enumerate() if thread.name == "progress"] == []


def test_a_run_on_a_terminal_shows_a_bar_while_it_scores(small_job: Any, make_rows: Callable[..., pa.Table]) -> None:
    for number in range(20):
        small_job.write(DATE, f"{number}.parquet", make_rows(40_000, first_id=40_000 * number), row_group_size=40_000)
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 40000")
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "pipelines", "run", str(small_job.root), "--date", DATE, "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment) as process:
        os.close(theirs)
        shown = read_all(ours)
        printed = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0
    moments = [int(found.replace(",", "")) for found in re.findall(r"([0-9,]+) of 800,000 rows", shown)]
    assert moments == sorted(moments)
    assert len(set(moments)) >= 3, "the bar did not move"
    assert re.search(r"[0-9,]+ a second, about [0-9]+ s left", shown)
    assert "rows published" not in shown
    assert " of 800,000 rows" not in printed
    assert "800,000 rows" in printed


def read_all(terminal: int) -> str:
    """What is written to a terminal until its last writer has gone."""
    found = b""
    try:
        while chunk := os.read(terminal, 65_536):
            found += chunk
    except OSError:  # Linux says so at the end
        pass
    finally:
        os.close(terminal)
    return found.decode()

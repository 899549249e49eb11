"""Runs that die at known points: the next run cleans up and publishes, and one that resumes has the same bytes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

DATE = "2024-03-01"
UNITS = 6
Rows = Callable[..., pa.Table]
Say = pytest.CaptureFixture[str]
Point = tuple[str, str, int]

#: While units are scored and merged.
IN_THE_PASS: list[Point] = [
    ("pipelines.unit_scoring:open_span", "before", 6),  # read
    ("pipelines.unit_scoring:predict", "after", 7),
    ("pipelines.stages.write:PartWriter.finish_even_if_empty", "before", 5),  # write
    ("pipelines.stages.write:PartWriter.finish_even_if_empty", "after", 9),
    ("data_checks.file_measures:FileMeasures.write", "after", 3),
    ("pipelines.unit_records:UnitRecords._put", "before", 1),
    ("pipelines.unit_records:UnitRecords._put", "before", 4),
    ("pipelines.unit_records:UnitRecords._put", "after", 4),
    ("pipelines.scoring:look_into_bucket", "before", 1),  # shuffle
    ("pipelines.scoring:MergeOutcomes.extract_output", "before", 1),
    ("pipelines.scoring:write_once", "before", 1),
    ("pipelines.scoring:write_once", "after", 2),
]
#: Between the pass and the intent to publish: every step of the driver.
BEFORE_THE_INTENT: list[Point] = [
    ("pipelines.night:Night._keep_quarantine", "after", 1),
    ("pipelines.night:judge", "after", 1),
    ("pipelines.night:trend_of", "before", 1),
    ("pipelines.night:build_manifest", "before", 1),
    ("pipelines.night:Night._write_findings", "after", 1),
    ("pipelines.night:Night._report", "after", 1),
    ("pipelines.night:publish", "before", 1),
    ("pipelines.publishing:_assemble", "after", 1),
    ("pipelines.publishing:write_json", "before", 2),  # the manifest came first; this is the intent
]
AFTER_THE_INTENT: list[Point] = [
    ("pipelines.publishing:write_json", "after", 2),
    ("pipelines.publishing:put_folder", "before", 1),
    ("pipelines.publishing:put_folder", "after", 1),
    ("pipelines.publishing:write_json", "before", 3),  # the result
    ("pipelines.publishing:write_json", "after", 3),
    ("pipelines.publishing:publish", "after", 1),
]


def name(value: Any) -> str:
    return f"{value[1]} {value[0].partition(':')[2]} {value[2]}" if isinstance(value, tuple) else ""


@pytest.mark.slow
@pytest.mark.parametrize("point", [*IN_THE_PASS, *BEFORE_THE_INTENT], ids=name)
def test_killed_before_it_publishes_the_next_run_cleans_up_or_goes_on(
    faulty_night: Any, fault: Any, point: Point, capsys: Say, tmp_path: Path
) -> None:
    assert faulty_night.die(fault(*point)) == -signal.SIGKILL
    assert not faulty_night.job.partition(DATE).exists()
    finished = faulty_night.finished()
    assert finished == UNITS or point in IN_THE_PASS
    (killed,) = [path.name for path in faulty_night.runs.iterdir() if path.is_dir()]
    plain = faulty_night.copy(tmp_path / "plain")
    (line,) = plain.says(capsys)
    assert line.startswith(f"recover   cleaned up run {killed}, which was cut short; nothing of it was published")
    assert (f"{finished} finished unit" in line) == (finished > 0)
    said = faulty_night.says(capsys, "--resume")
    if finished:
        assert said == [f"resume    {finished} of 6 units of run {killed} are reused"]
    else:
        assert said[-1].startswith(f"resume    nothing is reused: run {killed} ended before a unit was finished")


@pytest.mark.slow
@pytest.mark.parametrize("point", AFTER_THE_INTENT, ids=name)
def test_killed_while_it_publishes_the_next_run_finishes_that(
    faulty_night: Any, fault: Any, point: Point, capsys: Say, tmp_path: Path
) -> None:
    assert faulty_night.die(fault(*point)) == -signal.SIGKILL
    (killed,) = [path.name for path in faulty_night.runs.iterdir() if path.is_dir()]
    intended = (faulty_night.runs / "publish-intent.json").exists()
    wanted = [f"recover   finished publishing run {killed}, which a crash had cut short"] if intended else []
    assert intended or point[0].endswith(":publish")
    plain = faulty_night.copy(tmp_path / "plain")
    assert plain.says(capsys) == wanted
    said = faulty_night.says(capsys, "--resume")
    assert said == [
        *wanted,
        f"resume    nothing is reused: the latest run of day={DATE} was not interrupted; every unit is scored",
    ]
    manifest = json.loads((faulty_night.job.partition(DATE) / "_manifest.json").read_bytes())
    assert (manifest["revision"], manifest["supersedes"]) == (2, killed)


#: Of one of two workers; the moment is somewhere in its work.
IN_A_WORKER: list[Point] = [
    ("pipelines.unit_scoring:open_span", "before", 8),
    ("pipelines.unit_scoring:predict", "before", 9),
    ("pipelines.stages.write:PartWriter.finish_even_if_empty", "after", 7),
    ("pipelines.unit_records:UnitRecords._put", "after", 3),
    ("pipelines.scoring:look_into_bucket", "before", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize("point", IN_A_WORKER, ids=name)
def test_a_worker_is_killed_and_two_others_go_on_with_the_same_bytes(
    faulty_night: Any, fault: Any, point: Point, capsys: Say
) -> None:
    assert faulty_night.die(fault(*point), "--workers", "2") == 1
    result = json.loads((faulty_night.job.root / "last-result.json").read_bytes())
    assert (result["code"], result["exit_code"], result["action"]) == ("worker_ended", 1, "retry")
    finished = result["facts"]["finished_units"]
    assert finished == faulty_night.finished() > 0
    said = faulty_night.says(capsys, "--resume", "--workers", "2")
    assert said == [f"resume    {finished} of 6 units of run {result['run_id']} are reused"]


@pytest.mark.parametrize(
    ("point", "finished"),
    [(("pipelines.unit_records:UnitRecords._put", "after", 4), 4), (("pipelines.night:judge", "before", 1), UNITS)],
    ids=name,
)
def test_a_run_that_a_scheduler_ends_goes_on_with_what_was_finished(
    faulty_night: Any, fault: Any, point: Point, finished: int, capsys: Say
) -> None:
    assert faulty_night.die(fault(*point, signal.SIGTERM)) == 143
    result = json.loads((faulty_night.job.root / "last-result.json").read_bytes())
    assert (result["status"], result["exit_code"], result["facts"]["finished_units"]) == ("interrupted", 143, finished)
    said = faulty_night.says(capsys, "--resume")
    assert said == [f"resume    {finished} of 6 units of run {result['run_id']} are reused"]


@pytest.mark.slow
def test_workers_that_only_find_finished_units_load_no_model(faulty_night: Any, fault: Any) -> None:
    assert faulty_night.die(fault("pipelines.night:judge")) == -signal.SIGKILL
    loading = fault("pipelines.scoring:tools_for")
    assert faulty_night.start(loading, "--resume", "--workers", "2").wait(timeout=200) == 0
    assert not (faulty_night.folder / "died").exists()
    # As a check of the check: the same dies where a unit is to be scored.
    assert faulty_night.die(loading, "--workers", "2") == 1


def test_a_run_that_is_killed_again_and_again_comes_to_its_end(faulty_night: Any, fault: Any, capsys: Say) -> None:
    for turn, finished in ((2, 2), (3, 5)):
        after_some_units = fault("pipelines.unit_records:UnitRecords._put", "after", turn)
        assert faulty_night.die(after_some_units, "--resume") == -signal.SIGKILL
        assert faulty_night.finished() == finished
    newest = max(path.name for path in faulty_night.runs.iterdir() if path.is_dir())
    assert faulty_night.says(capsys, "--resume") == [f"resume    5 of 6 units of run {newest} are reused"]


def test_on_a_disk_that_fills_up_the_finished_units_are_kept(faulty_night: Any, make_rows: Rows, capsys: Say) -> None:
    """A limit on the size of a file stands for the disk: only the part of the large file is larger."""
    job = faulty_night.job
    job.write(DATE, "6.parquet", make_rows(60_000, first_id=500_000))
    options = ["--date", DATE, "--quiet", "--result", str(job.root / "last-result.json")]
    ended = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", str(job.root), *options],
        stderr=subprocess.DEVNULL,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    result = json.loads((job.root / "last-result.json").read_bytes())
    assert (ended.returncode, result["code"], result["action"]) == (1, "unexpected", "retry")
    assert faulty_night.finished() == result["facts"]["finished_units"] > 0
    assert not list(faulty_night.runs.glob("*/staged/part-00006-*"))
    done = job.run(DATE, resume=True)
    assert (done["status"], done["rows"]["scored"]) == ("published", 60_000 + UNITS * 899)
    assert faulty_night.left_over() == []


def test_of_two_drivers_one_publishes_and_the_other_says_who_holds_the_partition(faulty_night: Any, fault: Any) -> None:
    job = faulty_night.job
    first = faulty_night.start(fault("pipelines.night:judge", "before", 1, signal.SIGSTOP))
    try:
        os.waitpid(first.pid, os.WUNTRACED)  # until it is stopped
        command = [sys.executable, "-m", "pipelines", "run", str(job.root), "--date", DATE, "--quiet"]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode == 75
        (run_id,) = [path.name for path in faulty_night.runs.iterdir() if path.is_dir()]
        lines = [line for line in second.stderr.splitlines() if line.startswith("wait")]
        host = os.uname().nodename
        assert len(lines) == 1
        start = f"wait      day={DATE} is held by run {run_id} (process {first.pid} on {host}) since "
        assert lines[0].startswith(start)
        since = lines[0].removeprefix(start).removesuffix(". Wait for it to end, then run again.")
        hour, age = since.split(", ")
        assert hour.endswith(" UTC")
        assert age.endswith(" ago")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert first.wait(timeout=200) == 0
    assert job.parts(DATE).items() <= faulty_night.wanted.items()
    assert not (faulty_night.runs / ".lock").read_bytes()

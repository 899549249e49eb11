"""A worker process of the local runner dies: the run ends within ten seconds, says who died, and --resume finishes it.

The moments are drawn (NIGHTSCORE_SEED draws others) and logged. A kill that came too late to end its run does not
count: it is drawn again.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import psutil
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipelines.beam_options import local_pipeline
from pipelines.dead_worker import Death
from pipelines.local_processes import Processes
from pipelines.pass_running import run_pipeline
from schemas.errors import WorkerError

DATE = "2024-03-01"
SEED = int(os.environ.get("NIGHTSCORE_SEED", "20240301"))
#: Seconds from the death of a worker to the end of the run, at most.
NOTICED_WITHIN = 10.0
UNITS = 12
ROWS = 40_000
Rows = Callable[..., pa.Table]
LOG = logging.getLogger(__name__)


@dataclass
class Run:
    """A run that goes on."""

    process: subprocess.Popen[str]
    folder: Path

    def workers(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.process.pid).children(recursive=True)
            return sorted(found, key=lambda one: one.pid)
        return []

    def records(self) -> int:
        return len(list(self.folder.glob("*/units/unit-*.json")))

    def has_open(self, worker: psutil.Process, part: str) -> bool:
        """Whether the worker has a file open whose path has that part."""
        with suppress(OSError):
            return any(part in str(link.readlink()) for link in Path(f"/proc/{worker.pid}/fd").iterdir())
        return False

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Whether the condition came true before the run ended."""
        while self.process.poll() is None:
            if condition():
                return True
            time.sleep(0.002)
        return False


def write_night(job: Any, make_rows: Rows) -> None:
    for number in range(UNITS):
        job.write(DATE, f"{number:02d}.parquet", make_rows(ROWS, first_id=ROWS * number), row_group_size=ROWS)
    job.edit("job.yaml", "rows_per_unit: 1000", f"rows_per_unit: {ROWS}")


@contextmanager
def begun(job: Any, *options: str) -> Iterator[Run]:
    command = [sys.executable, "-m", "pipelines", "run", str(job.root), "--date", DATE, "--workers", "2", "--quiet"]
    command += ["--result", str(job.root / "last-result.json"), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        run = Run(process, job.root / "runs" / f"day={DATE}")
        try:
            assert run.wait_for(lambda: len(run.workers()) == 2), "no workers were started"
            yield run
        finally:
            for one in [*run.workers(), process]:
                with suppress(psutil.NoSuchProcess, ProcessLookupError):
                    one.kill()


# ------------------------------------------------------------------------------------------------------------- moments


def while_starting(run: Run, draw: random.Random) -> psutil.Process | None:
    """One that has begun to work for the run: before that another one would take its place."""

    def begun_by(worker: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return bool(worker.net_connections("tcp"))
        return False

    run.wait_for(lambda: any(map(begun_by, run.workers())))
    time.sleep(draw.uniform(0, 1))
    return draw.choice(list(filter(begun_by, run.workers())) or [None])


def while_reading_or_predicting(run: Run, draw: random.Random) -> psutil.Process | None:
    return _with_open(run, draw, "/input/", draw.uniform(0, 0.02))


def while_writing(run: Run, draw: random.Random) -> psutil.Process | None:
    return _with_open(run, draw, "/staged/", 0)


def _with_open(run: Run, draw: random.Random, part: str, pause: float) -> psutil.Process | None:
    after, worker = draw.randrange(UNITS // 2), draw.choice(run.workers() or [None])
    if worker is None or not run.wait_for(lambda: run.records() >= after and run.has_open(worker, part)):
        return None
    time.sleep(pause)
    return worker


def while_idle(run: Run, draw: random.Random) -> psutil.Process | None:
    """One that has done all of its units while the other has not."""
    time.sleep(draw.uniform(0, 0.1))
    workers = run.workers()

    def rests(worker: psutil.Process) -> bool:
        before = worker.cpu_times()
        time.sleep(0.1)
        now = worker.cpu_times()
        return (now.user, now.system) == (before.user, before.system)

    found: list[psutil.Process] = []

    def one_rests() -> bool:
        found[:] = [worker for worker in workers if run.records() and rests(worker)]
        return bool(found)

    with suppress(psutil.NoSuchProcess):
        return found[0] if run.wait_for(one_rests) else None
    return None


def while_merging(run: Run, draw: random.Random) -> psutil.Process | None:
    worker = draw.choice(run.workers() or [None])
    if not run.wait_for(lambda: run.records() == UNITS):
        return None
    time.sleep(draw.uniform(0, 0.1))
    return worker


MOMENTS = [while_starting, while_starting, while_reading_or_predicting, while_writing, while_merging]


def draws(number: int) -> random.Random:
    return random.Random(SEED + number)  # noqa: S311  # moments, not secrets


def killed(job: Any, moment: Callable[..., psutil.Process | None], draw: random.Random) -> dict[str, Any]:
    """The result of a run that a killed worker ended."""
    for attempt in range(10):
        with begun(job) as run:
            worker = moment(run, draw)
            if worker is None or run.process.poll() is not None:
                continue
            records = run.records()
            worker.kill()
            at = time.monotonic()
            shown = run.process.communicate(timeout=120)[1]
            code = run.process.returncode
            seconds = time.monotonic() - at
        said = json.loads((job.root / "last-result.json").read_bytes())
        place = f"seed {SEED}, {moment.__name__}, attempt {attempt}"
        LOG.warning("%s: killed after %d units; exit code %d after %.1f s", place, records, code, seconds)
        if code == 0:
            assert said["status"] == "published"
            continue
        assert seconds <= NOTICED_WITHIN
        assert code == 1
        assert (said["facts"]["pid"], said["facts"]["signal"]) == (worker.pid, signal.SIGKILL)
        assert shown == f"failed    {said['message']}\n"
        return dict(said)
    pytest.fail("no kill ended its run")


@pytest.mark.parametrize(("number", "moment"), list(enumerate(MOMENTS)))
def test_a_killed_worker_ends_the_run_within_ten_seconds_and_resume_finishes_it(
    small_job: Any, make_rows: Rows, number: int, moment: Callable[..., psutil.Process | None]
) -> None:
    write_night(small_job, make_rows)
    said = killed(small_job, moment, draws(number))
    assert (said["status"], said["exit_code"], said["action"], said["code"]) == ("failed", 1, "retry", "worker_ended")
    assert "signal 9 (SIGKILL)" in said["message"]
    assert "fewer --workers" in said["message"]
    resumed = small_job.run(DATE, workers=2, resume=True)
    assert resumed["status"] == "published"
    parts = small_job.parts(DATE)
    small_job.run(DATE)
    assert small_job.parts(DATE) == parts


def test_a_worker_that_is_killed_while_it_waits_for_the_other_ends_the_run(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(100), row_group_size=100)
    small_job.write(DATE, "b.parquet", make_rows(2_000_000, first_id=1000), row_group_size=2_000_000)
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 100")
    said = killed(small_job, while_idle, draws(0))
    assert (said["code"], said["rows"]) == ("worker_ended", {})
    assert not small_job.partition(DATE).exists()


def test_a_signal_while_workers_start_ends_the_run_and_them(small_job: Any, make_rows: Rows) -> None:
    """Beam waits for ever for a worker that connects when everything was closed already."""
    write_night(small_job, make_rows)
    with begun(small_job) as run:
        assert run.wait_for(lambda: bool(list(run.folder.glob("*/plan.json"))))
        workers = run.workers()
        run.process.terminate()
        assert run.process.wait(timeout=60) == 143
        assert psutil.wait_procs(workers, timeout=10)[1] == []


# --------------------------------------------------------------------------------------------- ends of other kinds


def pipeline_of(command: str) -> beam.Pipeline:
    """Two workers that are started by that command."""
    environment = SubprocessSDKEnvironment.from_command_string(command)
    options = PipelineOptions(["--direct_running_mode=in_memory", "--direct_num_workers=2"])
    pipeline = beam.Pipeline(runner=FnApiRunner(default_environment=environment), options=options)
    pipeline | beam.Create([1, 2, 3]) | beam.Reshuffle() | beam.Map(str)
    return pipeline


def test_a_worker_that_cannot_even_start_ends_the_pass() -> None:
    at = time.monotonic()
    with pytest.raises(WorkerError, match=r"process [0-9]+, exit code 3\. Nothing was published") as caught:
        run_pipeline(pipeline_of("exit 3"))
    assert time.monotonic() - at <= NOTICED_WITHIN
    assert (caught.value.facts["exit_code"], caught.value.facts["signal"]) == (3, None)


def test_a_worker_that_ends_itself_well_in_the_middle_of_its_work_is_dead_all_the_same() -> None:
    pipeline = local_pipeline(Processes(workers=2, threads=1))
    pipeline | beam.Create([0]) | beam.Reshuffle() | beam.Map(os._exit)
    with pytest.raises(WorkerError, match=r"exit code 0\. .* fewer --workers"):
        run_pipeline(pipeline)


@pytest.mark.parametrize("elements", [["not a number", 3600], [3600, "not a number"]])
def test_an_error_in_one_worker_does_not_wait_for_what_the_other_does(elements: list[Any]) -> None:
    """Beam itself would read the second worker's error when the first one has done all of its work."""
    pipeline = local_pipeline(Processes(workers=2, threads=1))
    pipeline | beam.Create(elements) | beam.Reshuffle() | beam.Map(time.sleep)
    with pytest.raises(RuntimeError, match="'str' object cannot be interpreted"):
        run_pipeline(pipeline)
    assert psutil.Process().children() == []


def test_a_death_is_told_by_signal_or_by_exit_code() -> None:
    killed_by, ended = Death(12, -9).error(), Death(13, 1).error()
    assert killed_by.facts == {"pid": 12, "signal": 9, "exit_code": None}
    assert ended.facts == {"pid": 13, "signal": None, "exit_code": 1}
    assert "process 12, signal 9 (SIGKILL)." in killed_by.message
    assert "process 13, exit code 1." in ended.message
    assert "signal 40 (of real time)" in Death(14, -40).error().message


def test_no_worker_is_left_behind_by_a_pass_that_failed() -> None:
    before = psutil.Process().children()
    with pytest.raises(WorkerError):
        run_pipeline(pipeline_of("sleep 0.2; exit 3"))
    assert psutil.Process().children() == before

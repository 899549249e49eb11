"""A night of six units and what an uninterrupted run makes of it; runs of it that die at a known point."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.files import file_sha256

DATE = "2024-03-01"
UNITS = 6
WORKING = ("staged", "units", "keys", "outgoing", "units-taken")
FINDINGS = ("quality.json", "drift.json", "profile.json")
SCRIPT = Path(__file__).with_name("dying_run.py")
MEDIAN = {"type": "expect_column_median_to_be_between", "kwargs": {"column": "x", "min_value": 0}}


@dataclass(frozen=True)
class Fault:
    """Where a run dies: see dying_run.py."""

    point: str
    when: str = "before"
    turn: int = 1
    signal: int = signal.SIGKILL

    def __str__(self) -> str:
        return f"{self.when} {self.point.partition(':')[2]} {self.turn}"


class FaultyNight:
    """A job with one night, and everything that its run has to give."""

    def __init__(self, job: Any, wanted: dict[str, str]) -> None:
        self.job, self.wanted = job, wanted
        self.runs: Path = job.root / "runs" / f"day={DATE}"
        self.folder: Path = job.root.parent / "fault"

    def start(self, fault: Fault, *options: str) -> subprocess.Popen[bytes]:
        """The run in a process and a session of its own."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        words = [fault.point, fault.when, str(fault.turn), str(int(fault.signal)), str(self.folder)]
        more = ["--date", DATE, "--result", str(self.job.root / "last-result.json"), *options]
        command = [sys.executable, str(SCRIPT), *words, str(self.job.root), *more]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, start_new_session=True, stdout=quiet, stderr=quiet)

    def die(self, fault: Fault, *options: str) -> int:
        """The exit code of a run that met its fault."""
        code = self.start(fault, *options).wait(timeout=200)
        assert (self.folder / "died").exists(), f"{fault} was not reached"
        return code

    @property
    def died(self) -> dict[str, Any]:
        """Which process met the fault."""
        return dict(json.loads((self.folder / "died").read_text()))

    def copy(self, root: Path) -> FaultyNight:
        """The same, as it is now, elsewhere."""
        shutil.copytree(self.job.root, root / "job", symlinks=True)
        return FaultyNight(type(self.job)(root / "job"), self.wanted)

    def finished(self) -> int:
        """Records of the newest run."""
        newest = max(path for path in self.runs.iterdir() if path.is_dir())
        return len(list((newest / "units").glob("unit-*.json")))

    def left_over(self) -> list[Path]:
        """What only a running pass needs."""
        return [*(path for name in WORKING for path in self.runs.glob(f"*/{name}")), *self.runs.glob("*.json")]

    def says(self, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
        """What a run in this process says of the runs before it; it publishes everything that it has to."""
        capsys.readouterr()
        assert self.job.command("run", "--date", DATE, *options) == 0
        lines = capsys.readouterr().out.splitlines()
        assert everything(self.job) == self.wanted
        assert self.left_over() == []
        assert all((folder / "result.json").exists() for folder in self.runs.iterdir() if folder.is_dir())
        return [line for line in lines if line.startswith(("recover", "resume"))]


def everything(job: Any) -> dict[str, str]:
    """Name to sha256 of what is published, and of what its run found out and set aside."""
    run_id = json.loads((job.partition(DATE) / "_manifest.json").read_bytes())["run_id"]
    folder = job.root / "runs" / f"day={DATE}" / run_id
    assert json.loads((folder / "result.json").read_bytes())["status"] == "published"
    files = [*(folder / name for name in FINDINGS), *sorted((folder / "quarantine").iterdir())]
    return job.parts(DATE) | {path.name: file_sha256(path) for path in files}


@pytest.fixture(scope="session")
def whole_night(
    trained_job: Path, job_folder: Any, make_rows: Callable[..., pa.Table], tmp_path_factory: pytest.TempPathFactory
) -> FaultyNight:
    """The night before any run of it, and what a run of it gives."""
    job = job_folder(tmp_path_factory.mktemp("whole-night") / "job")
    shutil.copytree(trained_job, job.root)
    suite = json.loads((job.root / "suite.json").read_text())
    (job.root / "suite.json").write_text(json.dumps(suite | {"expectations": [*suite["expectations"], MEDIAN]}))
    job.edit("job.yaml", "suite: suite.json", "suite: suite.json, max_quarantined: {share: 20%}")
    job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 900")
    for number in range(UNITS):
        rows = make_rows(900, first_id=10_000 * number)
        n = rows["n"].to_numpy().copy()
        n[3 * number] = 999
        rows = rows.set_column(rows.column_names.index("n"), "n", pa.array(n))
        job.write(DATE, f"{number}.parquet", rows, row_group_size=450)
    night = FaultyNight(job, {})
    done = night.copy(tmp_path_factory.mktemp("done"))
    assert done.job.run(DATE)["status"] == "published"
    return FaultyNight(job, everything(done.job))


@pytest.fixture
def faulty_night(whole_night: FaultyNight, tmp_path: Path) -> FaultyNight:
    """The night for one test."""
    return whole_night.copy(tmp_path)


@pytest.fixture(scope="session")
def fault() -> type[Fault]:
    """`fault(point, when, turn, signal)`."""
    return Fault

"""The benchmark's folder: one job folder with nights of any size, the peers' environments, what runs leave.

FOLDER/job/             job.yaml, job_keys.yaml (unique keys among the 25), schema, suites, model, train, nights
FOLDER/environments/    one for each peer
FOLDER/exact/           the bare loop's scores, one array a night, that every side's are compared with
FOLDER/out/             of the run that is being measured
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from measuring import environment

BENCHMARKS = Path(__file__).resolve().parent.parent
#: By rows, which date; beside job.yaml.
DATES_FILE = "nights.json"
#: What a peer must know of the model: key, features, texts.
TASK_FILE = "task.json"
JOB, JOB_KEYS = "job.yaml", "job_keys.yaml"
SUITE, SUITE_KEYS = "suite.json", "suite_keys.json"


@dataclass(frozen=True)
class Night:
    """One night of the benchmark's folder; all paths are absolute."""

    folder: Path
    rows: int
    date: str

    @property
    def job(self) -> Path:
        """The job's folder."""
        return self.folder / "job"

    @property
    def input(self) -> Path:
        """The folder of its Parquet files."""
        (found,) = self.job.glob(f"input/*={self.date}")
        return found

    @property
    def files(self) -> list[Path]:
        """Its Parquet files in order."""
        return sorted(self.input.glob("*.parquet"))

    @property
    def model(self) -> Path:
        """The model's file."""
        return self.job / "model" / "churn.ubj"

    @property
    def out(self) -> Path:
        """Where a peer's scores go."""
        return self.folder / "out"

    @property
    def exact(self) -> Path:
        """The bare loop's scores in the order of the keys."""
        return self.folder / "exact" / f"{self.date}.npy"

    def forget_runs(self) -> None:
        """Remove what runs have left: a run must not find an earlier one's results."""
        for left in (self.out, self.job / "scored", self.job / "runs"):
            shutil.rmtree(left, ignore_errors=True)

    def warm(self) -> None:
        """Read the files once, so that no side waits for the disk."""
        for path in self.files:
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass


def nights_of(folder: Path, sizes: Iterable[int]) -> list[Night]:
    """The nights of these sizes, made in a process of their own where they are missing."""
    sizes = sorted(sizes)
    maker = [sys.executable, "-m", "whole_job.night_making", str(folder), *map(str, sizes)]
    subprocess.run(maker, cwd=BENCHMARKS, env=environment(), check=True)
    dates = json.loads((folder / "job" / DATES_FILE).read_text())
    return [Night(folder, rows, dates[str(rows)]) for rows in sizes]

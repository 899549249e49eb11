"""The sides of the comparison: how each scores a night, and where its scores are then."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from whole_job.environments import python_of
from whole_job.nights import BENCHMARKS, JOB, JOB_KEYS, SUITE, TASK_FILE, Night
from whole_job.peers.night_task import SCORE, NightTask

PEERS = Path(__file__).resolve().parent / "peers"


class Side(Protocol):
    """One way to score a night."""

    @property
    def name(self) -> str:
        """In the table and on the command line."""

    @property
    def what(self) -> str:
        """A line about it."""

    @property
    def most_rows(self) -> int | None:
        """It is not measured on larger nights; None: on any."""

    def prepare(self, night: Night) -> None:
        """Make what the command needs; not measured. Raises CannotInstallError."""

    def command(self, night: Night) -> list[str]:
        """What is measured."""

    def scores(self, night: Night) -> tuple[Path, str]:
        """The folder of Parquet files that it wrote, and the column of the scores."""

    def standing(self) -> tuple[int, ...]:
        """Processes that serve it and were started before."""

    def end(self) -> None:
        """Stop what `prepare` started, when the side is not needed for now."""


@dataclass(frozen=True)
class OnDemand:
    """A side without anything that stands."""

    name: str
    what: str
    most_rows: int | None = None

    def prepare(self, night: Night) -> None:
        """Nothing but an empty folder."""
        (night.out / "scores").mkdir(parents=True)
        (night.out / "reports").mkdir()

    def standing(self) -> tuple[int, ...]:
        """None."""
        return ()

    def end(self) -> None:
        """Nothing to stop."""


@dataclass(frozen=True)
class Ours(OnDemand):
    """`nightscore run` on the local runner: 25 expectations, drift on all columns and the score, HTML report."""

    workers: int = 1
    #: Of the model in each worker.
    threads: int = 1
    keys: bool = False

    def command(self, night: Night) -> list[str]:
        """As its user would type it."""
        job = str(night.job / (JOB_KEYS if self.keys else JOB))
        run = [sys.executable, "-m", "pipelines", "run", job, "--date", night.date, "--quiet"]
        return [*run, "--workers", str(self.workers), "--threads", str(self.threads)]

    def scores(self, night: Night) -> tuple[Path, str]:
        """The published partition."""
        return published(night)


@dataclass(frozen=True)
class Bare(OnDemand):
    """The bare loop: read, predict, write."""

    threads: int = 1
    processes: int = 1

    def command(self, night: Night) -> list[str]:
        """benchmarks/bare_loop.py."""
        script = [sys.executable, str(BENCHMARKS / "bare_loop.py"), str(night.job), "--date", night.date]
        split = ["--threads", str(self.threads), "--processes", str(self.processes)]
        return [*script, *split, "--out", str(night.out / "scores")]

    def scores(self, night: Night) -> tuple[Path, str]:
        """Its output folder."""
        return night.out / "scores", SCORE


@dataclass(frozen=True)
class Peer(OnDemand):
    """A script of peers/ in an environment of its own, with no network but loopback."""

    #: The name of its environment, and of its script in peers/.
    packages: str = ""
    script: str = ""
    variant: str = ""
    cores: int = 2

    def prepare(self, night: Night) -> None:
        """The environment, and the task."""
        super().prepare(night)
        python_of(night.folder, self.packages)
        (night.out / "task.json").write_text(json.dumps(asdict(task_of(night, self.cores))))

    def command(self, night: Night) -> list[str]:
        """The script on the task."""
        python = str(python_of(night.folder, self.packages))
        script = [str(PEERS / f"{self.script}.py"), str(night.out / "task.json")]
        return [python, str(PEERS / "loopback_only.py"), python, *script, *([self.variant] if self.variant else [])]

    def scores(self, night: Night) -> tuple[Path, str]:
        """The folder that the task names."""
        return night.out / "scores", SCORE


def task_of(night: Night, cores: int) -> NightTask:
    """What a peer is asked to do on a night."""
    about = json.loads((night.job / TASK_FILE).read_text())
    return NightTask(
        folder=str(night.input),
        files=[str(path) for path in night.files],
        model=str(night.model),
        scores=str(night.out / "scores"),
        cores=cores,
        suite=str(night.job / SUITE),
        training=str(night.job / "train" / "train.parquet"),
        reports=str(night.out / "reports"),
        **about,
    )


def published(night: Night) -> tuple[Path, str]:
    """Where nightscore has published the night's scores."""
    (scored,) = (night.job / "scored").glob(f"*={night.date}")
    return scored, "p_churn"

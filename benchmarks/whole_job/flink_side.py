"""nightscore on a Flink cluster of its own, which deploy/flink/cluster.sh starts before the run, and stops after it.

Starting the cluster is not measured; what its processes cost from the start of the run to its end is, idling included.
Its folder is FOLDER/flink, its jars are those of FLINK_JARS or else FOLDER/flink_jars, copied by Maven once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from measuring import ROOT, environment

from whole_job.nights import JOB, JOB_KEYS, Night
from whole_job.sides import OnDemand, published

_SCRIPT = ROOT / "deploy" / "flink" / "cluster.sh"
_SECONDS = 900


class NoClusterError(Exception):
    """The cluster cannot be started; the text says why."""


@dataclass(frozen=True)
class Flink(OnDemand):
    """`nightscore run --runner flink`: the command is the driver, the cluster's processes are its share."""

    task_managers: int = 1
    keys: bool = False
    #: The folder of the cluster that is up; one at a time.
    _up: list[Path] = field(default_factory=list, compare=False, repr=False)

    def prepare(self, night: Night) -> None:
        """Start the cluster. Raises NoClusterError."""
        super().prepare(night)
        if not _SCRIPT.exists():
            message = f"there is no {_SCRIPT.relative_to(ROOT)}"
            raise NoClusterError(message)
        folder = night.folder / "flink"
        _cluster("down", folder)  # of a series that was killed
        try:
            _cluster("up", folder, "--task-managers", str(self.task_managers), "--ports", "free")
        except subprocess.SubprocessError as error:
            said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
            message = f"the cluster does not start: {said[-1] if said else error}"
            raise NoClusterError(message) from error
        self._up.append(folder)

    def command(self, night: Night) -> list[str]:
        """As its user would type it, with the addresses that connection.env has."""
        job = str(night.job / (JOB_KEYS if self.keys else JOB))
        lines = (self._up[-1] / "connection.env").read_text().splitlines()
        at = dict(line.split("=", 1) for line in lines)
        run = [sys.executable, "-m", "pipelines", "run", job, "--date", night.date, "--quiet", "--runner", "flink"]
        addresses = ["--flink-master", at["FLINK_MASTER"], "--job-endpoint", at["FLINK_JOB_ENDPOINT"]]
        return [*run, *addresses, "--worker-pool", at["FLINK_WORKER_POOL"], "--parallelism", str(self.task_managers)]

    def scores(self, night: Night) -> tuple[Path, str]:
        """The published partition."""
        return published(night)

    def standing(self) -> tuple[int, ...]:
        """The cluster's members; workers are the pool's children."""
        records = (
            path for path in (self._up[-1] / "pids").iterdir() if not path.name.startswith((".", "python-worker"))
        )
        return tuple(int(path.read_text().split()[0]) for path in records)

    def end(self) -> None:
        """Stop the cluster."""
        while self._up:
            _cluster("down", self._up.pop())


def _cluster(verb: str, folder: Path, *options: str) -> None:
    variables = environment() | {"FLINK_JARS": os.environ.get("FLINK_JARS", str(folder.with_name("flink_jars")))}
    words = [str(_SCRIPT), verb, "--folder", str(folder), *options]
    subprocess.run(words, cwd=ROOT, env=variables, check=True, capture_output=True, timeout=_SECONDS)

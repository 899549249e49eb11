"""How many worker processes the local runner uses, and how many threads the model has in each."""

from __future__ import annotations

import os
from dataclasses import dataclass

from schemas.runners import LocalRunner

#: Rows for which one more worker process pays: its start costs some 3 CPU seconds, about what scoring a million rows
#: with a fast model does.
ROWS_PER_WORKER = 1_000_000


@dataclass(frozen=True)
class Processes:
    """What a pass of the local runner works with."""

    #: Worker processes; 0: the driver's own process.
    workers: int
    #: Threads of each model in each process that scores.
    threads: int


def processes_for(local: LocalRunner, units: int, rows: int) -> Processes:
    """The processes for a pass of so many units and rows.

    A worker without a unit would only load the models, so there are never more of them than units. Where job.yaml
    leaves both mode and workers to us, a small night is scored in the driver.
    """
    if local.mode == "in_memory":
        return Processes(0, model_threads(local))
    wanted = usable_cores() if local.workers == "auto" else local.workers
    if local.mode == "auto" and local.workers == "auto":
        wanted = min(wanted, rows // ROWS_PER_WORKER)
    workers = min(wanted, units)
    if local.mode == "auto" and workers <= 1:
        return Processes(0, model_threads(local))
    return Processes(max(workers, 1), threads=1)


def model_threads(local: LocalRunner) -> int:
    """Threads of a model in the driver's own process."""
    return local.threads or usable_cores()


def usable_cores() -> int:
    """The cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1

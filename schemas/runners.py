"""Where a job runs: profiles of the local runner, a Flink cluster and Dataflow."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.strict import Strict

#: Worker processes of the local runner; each is a Python of its own with the models loaded.
MAX_WORKERS = 64
#: Units that an engine may score at once.
MAX_PARALLELISM = 4096

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", re.ASCII)
_ENVIRONMENT = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_HIGHEST_PORT = 65535


def is_address(value: str) -> bool:
    """Whether the text is HOST:PORT."""
    found = _ADDRESS.fullmatch(value)
    return found is not None and 0 < int(found[2]) <= _HIGHEST_PORT


def _address(value: str) -> str:
    if not is_address(value) and not _ENVIRONMENT.fullmatch(value):
        message = f"'{value}' is not HOST:PORT, nor env:NAME for an environment variable that holds one"
        raise ValueError(message)
    return value


def _folder(value: str) -> str:
    path = PurePosixPath(value)
    if not path.is_absolute() or ".." in path.parts:
        message = f"'{value}' must be an absolute path without '..': the job's folder as the workers see it"
        raise ValueError(message)
    return value


def _wheel(value: str) -> str:
    if not value.endswith(".whl"):
        message = f"'{value}' is not a wheel (*.whl): build one of your package, for example with `pip wheel`"
        raise ValueError(message)
    return value


#: HOST:PORT, or env:NAME.
Address = Annotated[str, AfterValidator(_address)]
#: The job's folder as workers see it; None: under the path that the driver has it under.
JobFolder = Annotated[str, AfterValidator(_folder)]
#: Wheels of the job's own packages, for custom steps: relative to the job's folder.
Packages = Annotated[tuple[Annotated[str, AfterValidator(_wheel)], ...], Field(strict=False)]


class LocalRunner(Strict):
    """How the local runner works."""

    #: in_memory: one process, the model uses its threads; multi_processing: `workers` processes, one thread each;
    #: auto: several processes where the night has enough rows for them.
    mode: Literal["auto", "in_memory", "multi_processing"] = "auto"
    #: auto: as many as the cores that may be used.
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_WORKERS)] = "auto"
    #: Threads of the model in in_memory mode; None: as many as the process may use.
    threads: int | None = Field(default=None, ge=1, le=1024)


class FlinkRunner(Strict):
    """A Flink cluster, through Beam's job server, with Python workers beside the TaskManagers."""

    #: REST address of the JobManager; None: of the environment variable FLINK_MASTER, else the job server knows it.
    master: Address | None = None
    #: Address of a running job server; None: of FLINK_JOB_ENDPOINT, else port 8099 of the master's host.
    job_endpoint: Address | None = None
    #: Instead: Beam's Flink job server, relative to the job's folder, which is started for the run.
    job_server_jar: str | None = None
    #: Where a TaskManager finds the worker pool that starts its Python process, the same address on each host; None:
    #: of FLINK_WORKER_POOL, else 127.0.0.1:50000, where Beam's own pools listen.
    worker_pool: Address | None = None
    #: Units scored at once: at most the cluster's slots.
    parallelism: int = Field(default=1, ge=1, le=MAX_PARALLELISM)
    job_folder: JobFolder | None = None
    packages: Packages = ()


class DataflowRunner(Strict):
    """Google Cloud Dataflow, with a container image that has the requirements installed."""

    project: str | None = None
    region: str | None = None
    #: gs:// folder of Beam's own files, not of the job's.
    temp_location: str | None = Field(default=None, pattern=r"^gs://")
    #: The worker image of deploy/dataflow.
    image: str | None = None
    service_account: str | None = None
    subnetwork: str | None = None
    machine_type: str = "n2-standard-4"
    max_workers: int = Field(default=10, ge=1, le=MAX_PARALLELISM)
    #: Where the workers have the job's file system mounted.
    job_folder: JobFolder | None = None
    packages: Packages = ()


RunnerName = Literal["local", "flink", "dataflow"]


class Runners(Strict):
    """Which runner a run uses unless the command line says otherwise, and the profile of each."""

    use: RunnerName = "local"
    local: LocalRunner = LocalRunner()
    flink: FlinkRunner = FlinkRunner()
    dataflow: DataflowRunner = DataflowRunner()

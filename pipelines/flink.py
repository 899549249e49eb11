"""Beam's options for a Flink cluster, and whether the cluster can be reached at all."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigError, NotReadyError
from schemas.runners import FlinkRunner, is_address

#: Seconds to wait for an answer: both are servers on the same network.
_PATIENCE = 5.0
#: Milliseconds that a TaskManager keeps a Python worker that has nothing to do.
_KEEP_WORKERS = 3000
#: Where Beam's job servers and worker pools listen by default.
JOB_PORT = 8099
WORKER_POOL = "127.0.0.1:50000"


@dataclass(frozen=True)
class Addresses:
    """Where the cluster is, each as HOST:PORT."""

    #: None: the job server knows.
    master: str | None
    #: None: a job server is started for the run.
    job_endpoint: str | None
    worker_pool: str


def addresses(flink: FlinkRunner) -> Addresses:
    """The addresses of the profile, with the environment's where it names none.

    Raises ConfigError where an environment variable holds no address, and where nothing says how to submit.
    """
    master = _address(flink.master, "master", "FLINK_MASTER")
    endpoint = None if flink.job_server_jar else _address(flink.job_endpoint, "job_endpoint", "FLINK_JOB_ENDPOINT")
    if endpoint is None and master is None:
        message = (
            "runner flink: which cluster? Give --flink-master HOST:PORT, or runners.flink.master in job.yaml, or the "
            "environment variable FLINK_MASTER"
        )
        raise ConfigError(message, code="no_cluster_named")
    if endpoint is None and master is not None and not flink.job_server_jar:
        endpoint = f"{master.rpartition(':')[0]}:{JOB_PORT}"
    pool = _address(flink.worker_pool, "worker_pool", "FLINK_WORKER_POOL")
    return Addresses(master, endpoint, pool or WORKER_POOL)


def _address(value: str | None, key: str, usual: str) -> str | None:
    """HOST:PORT, looked up in the environment for env:NAME, and for None in the usual variable if that is set."""
    name = usual if value is None else value.removeprefix("env:")
    if value is not None and name == value:
        return value
    found = os.environ.get(name, "")
    if value is None and not found:
        return None
    if not is_address(found):
        what = f"is '{found}'" if found else "is not set"
        message = f"runners.flink.{key}: the environment variable {name} {what}; it must hold HOST:PORT"
        raise ConfigError(message, code="bad_address", variable=name)
    return found


def flink_options(flink: FlinkRunner, base: Path) -> list[str]:
    """Beam's options for that profile; `base` is the folder of job.yaml.

    No Docker: each TaskManager asks the worker pool on its host for a Python process. Raises ConfigError where the
    profile does not say how to submit.
    """
    at = addresses(flink)
    options = [
        "--environment_type=EXTERNAL",
        f"--environment_config={at.worker_pool}",
        f"--parallelism={flink.parallelism}",
        # One worker a TaskManager for the whole job, in place of one for each stage. Shorter than Flink's delay before
        # it starts a job again, so that a dead worker is forgotten by then.
        f"--environment_cache_millis={_KEEP_WORKERS}",
    ]
    if at.master is not None:
        options.append(f"--flink_master={at.master}")
    if at.job_endpoint is not None:
        return ["--runner=PortableRunner", f"--job_endpoint={at.job_endpoint}", *options]
    jar = base / str(flink.job_server_jar)
    if not jar.is_file():
        message = f"runners.flink.job_server_jar: {jar} does not exist"
        raise ConfigError(message, code="no_such_file", file=str(jar))
    return ["--runner=FlinkRunner", f"--flink_job_server_jar={jar}", *options]


def require_cluster(flink: FlinkRunner) -> None:
    """Raise NotReadyError naming the address where nothing answers: before anything is read, and not after a minute."""
    at = addresses(flink)
    for what, address in (("Flink cluster", at.master), ("job server", at.job_endpoint)):
        if address is None:
            continue
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
        except OSError as error:
            message = (
                f"no {what} answers at {address} ({error.strerror or error}). Start it (on one machine: "
                "deploy/flink/cluster.sh up) and run again, or correct the address."
            )
            raise NotReadyError(message, code="no_cluster", address=address) from None

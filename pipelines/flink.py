"""Beam's options for a Flink cluster, and whether the cluster can be reached at all."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from schemas.errors import ConfigError, NotReadyError
from schemas.runners import FlinkRunner, is_address

#: Seconds to wait for an answer: both are servers on the same network.
_PATIENCE = 5.0


def flink_options(flink: FlinkRunner, base: Path) -> list[str]:
    """Beam's options for that profile; `base` is the folder of job.yaml.

    No Docker: each TaskManager asks the worker pool on its host for a Python process. Raises ConfigError where the
    profile does not say how to submit, or an environment variable that it names is not set.
    """
    options = [
        "--environment_type=EXTERNAL",
        f"--environment_config={resolved(flink.worker_pool, 'worker_pool')}",
        f"--parallelism={flink.parallelism}",
    ]
    if flink.master is not None:
        options.append(f"--flink_master={resolved(flink.master, 'master')}")
    if flink.job_endpoint is not None:
        return ["--runner=PortableRunner", f"--job_endpoint={resolved(flink.job_endpoint, 'job_endpoint')}", *options]
    if flink.job_server_jar is None or flink.master is None:
        message = (
            "runner flink: give a running job server (--job-endpoint, or runners.flink.job_endpoint), or "
            "runners.flink.job_server_jar and --flink-master to start one for the run"
        )
        raise ConfigError(message, code="no_job_server")
    jar = base / flink.job_server_jar
    if not jar.is_file():
        message = f"runners.flink.job_server_jar: {jar} does not exist"
        raise ConfigError(message, code="no_such_file", file=str(jar))
    return ["--runner=FlinkRunner", f"--flink_job_server_jar={jar}", *options]


def require_cluster(flink: FlinkRunner) -> None:
    """Raise NotReadyError naming the address where nothing answers: before anything is read, and not after a minute."""
    for key in ("job_endpoint", "master"):
        value = getattr(flink, key)
        if value is None:
            continue
        host, _, port = resolved(value, key).rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
        except OSError as error:
            message = (
                f"no Flink at {host}:{port} (runners.flink.{key}): {error.strerror or error}. Start the cluster "
                "(deploy/flink/cluster.sh up), or correct the address."
            )
            raise NotReadyError(message, code="no_cluster", address=f"{host}:{port}") from None


def resolved(value: str, key: str) -> str:
    """HOST:PORT, looked up in the environment for env:NAME. Raises ConfigError where there is none."""
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    found = os.environ.get(name, "")
    if not is_address(found):
        what = f"is '{found}'" if found else "is not set"
        message = f"runners.flink.{key}: the environment variable {name} {what}; it must hold HOST:PORT"
        raise ConfigError(message, code="bad_address", variable=name)
    return found

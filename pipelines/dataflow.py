"""Beam's options for Google Cloud Dataflow."""

from __future__ import annotations

from importlib.util import find_spec

from schemas.errors import ConfigError
from schemas.runners import DataflowRunner

#: What a run cannot do without, as job.yaml names it.
_NEEDED = ("project", "region", "temp_location", "image")


def dataflow_options(dataflow: DataflowRunner) -> list[str]:
    """Beam's options for that profile. Raises ConfigError naming every key that is missing."""
    missing = [name for name in _NEEDED if getattr(dataflow, name) is None]
    if missing:
        message = f"runners.dataflow: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        raise ConfigError(message, code="dataflow_profile", missing=missing)
    options = [
        "--runner=DataflowRunner",
        f"--project={dataflow.project}",
        f"--region={dataflow.region}",
        f"--temp_location={dataflow.temp_location}",
        f"--sdk_container_image={dataflow.image}",
        # The image has every requirement; installing them again at each worker's start would need an index.
        "--sdk_location=container",
        f"--machine_type={dataflow.machine_type}",
        f"--max_num_workers={dataflow.max_workers}",
        # One unit at a time in a process, since the memory of a unit is what a worker is sized by.
        "--number_of_worker_harness_threads=1",
        "--experiments=use_runner_v2",
    ]
    if dataflow.service_account is not None:
        options.append(f"--service_account_email={dataflow.service_account}")
    if dataflow.subnetwork is not None:
        options += [f"--subnetwork={dataflow.subnetwork}", "--no_use_public_ips"]
    return options


def require_dataflow() -> None:
    """Raise ConfigError where Beam's Dataflow parts are not installed."""
    try:
        found = find_spec("google.cloud.storage")
    except ModuleNotFoundError:
        found = None
    if found is None:
        message = "runner dataflow: Beam's Google Cloud parts are not installed; run `pip install 'apache-beam[gcp]'`"
        raise ConfigError(message, code="no_gcp")

"""Beam's options for Google Cloud Dataflow, and whether it can be used from here at all."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec

from schemas.errors import ConfigError
from schemas.runners import DataflowRunner

#: What a run cannot do without, as job.yaml names it.
_NEEDED = ("project", "region", "temp_location", "image")
#: How a value must look that Beam or Dataflow would take wrongly or refuse late, and how to say so. With a bucket alone
#: Beam does not complain: it creates another bucket in the project, and uses that one.
_FORMS = {
    "temp_location": (r"gs://[a-z0-9][-_.a-z0-9]+[a-z0-9]/\S+", "a folder in a bucket, gs://BUCKET/FOLDER"),
    "subnetwork": (
        r"(https://\S+/)?(projects/\S+/)?regions/[a-z0-9-]+/subnetworks/[a-z0-9-]+",
        "regions/REGION/subnetworks/NAME, or the subnetwork's full URL",
    ),
    "service_account": (r"[^@\s]+@[^@\s]+", "the account's address, NAME@PROJECT.iam.gserviceaccount.com"),
}
#: What Beam's Dataflow runner raises where a job cannot be submitted, is not the first of its name, or failed.
_JOB_ERRORS = (
    ("apache_beam.runners.dataflow.dataflow_runner", "DataflowRuntimeException"),
    ("apache_beam.runners.dataflow.internal.apiclient", "DataflowJobAlreadyExistsError"),
    ("google.api_core.exceptions", "GoogleAPICallError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("google.cloud.storage.exceptions", "InvalidResponse"),
)


def dataflow_options(dataflow: DataflowRunner) -> list[str]:
    """Beam's options for that profile.

    Raises ConfigError naming every key that is missing, or the one whose value has not the form that it must have.
    """
    missing = [name for name in _NEEDED if getattr(dataflow, name) is None]
    if missing:
        message = f"runners.dataflow: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        raise ConfigError(message, code="dataflow_profile", missing=missing)
    for name, (pattern, form) in _FORMS.items():
        value = getattr(dataflow, name)
        if value is not None and not re.fullmatch(pattern, value):
            message = f"runners.dataflow.{name}: '{value}' must be {form}"
            raise ConfigError(message, code="dataflow_profile", key=name)
    options = [
        "--runner=DataflowRunner",
        f"--project={dataflow.project}",
        f"--region={dataflow.region}",
        f"--temp_location={dataflow.temp_location}",
        f"--sdk_container_image={dataflow.image}",
        f"--machine_type={dataflow.machine_type}",
        f"--max_num_workers={dataflow.max_workers}",
        # A machine has one process for each of its processors. One unit at a time in each of them, since the memory of
        # a unit is what a machine is chosen by.
        "--number_of_worker_harness_threads=1",
        # Or Beam would stage a pickle of the driver's __main__, which no worker needs.
        "--no_save_main_session",
    ]
    if dataflow.service_account is not None:
        options.append(f"--service_account_email={dataflow.service_account}")
    if dataflow.subnetwork is not None:
        options += [f"--subnetwork={dataflow.subnetwork}", "--no_use_public_ips"]
    return options


def require_dataflow() -> None:
    """Raise ConfigError where Beam's Dataflow parts are not installed, or where nothing says who asks Google Cloud.

    Without credentials Beam would try for minutes, then go on as nobody.
    """
    try:
        found = find_spec("google.cloud.storage")
    except ModuleNotFoundError:
        found = None
    if found is None:
        message = "runner dataflow: Beam's Google Cloud parts are not installed; run `pip install 'apache-beam[gcp]'`"
        raise ConfigError(message, code="no_gcp")
    auth = import_module("google.auth")
    try:
        auth.default()
    except auth.exceptions.DefaultCredentialsError:
        message = (
            "runner dataflow: there are no Google Cloud credentials here. Run where a service account is attached, or "
            "run `gcloud auth application-default login` first"
        )
        raise ConfigError(message, code="no_gcp_credentials") from None


def job_errors() -> tuple[type[Exception], ...]:
    """The classes of what Beam's Dataflow runner may have raised: of modules that are loaded."""
    loaded = [(sys.modules.get(module), name) for module, name in _JOB_ERRORS]
    return tuple(getattr(module, name) for module, name in loaded if hasattr(module, name))

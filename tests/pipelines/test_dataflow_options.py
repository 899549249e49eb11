"""Dataflow's profile as Beam's options, and what is told where Beam refuses them or the service gives a job up."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, SetupOptions, WorkerOptions
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner as BeamsRunner
from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException

from pipelines import dataflow
from pipelines.beam_options import engine_pipeline, refuse_unknown
from pipelines.dataflow import dataflow_options, require_dataflow
from pipelines.engine_job import run_on_engine
from schemas.errors import ConfigError, EngineError, ExitCode
from schemas.runners import DataflowRunner

PROFILE = DataflowRunner(
    project="my-project",
    region="europe-west4",
    temp_location="gs://my-bucket/temp",
    image="europe-west4-docker.pkg.dev/my-project/nightscore/worker:0.1.0",
    service_account="w@my-project.iam.gserviceaccount.com",
    subnetwork="regions/europe-west4/subnetworks/nights",
)
FLAGS = ["--runner=DataflowRunner", "--project=my-project", "--region=europe-west4", "--temp_location=gs://my-bucket/t"]


def test_beam_takes_every_option_of_the_profile() -> None:
    flags = [*dataflow_options(PROFILE), "--dry_run=true"]
    refuse_unknown(flags)
    options = PipelineOptions(flags)
    assert PipelineOptionsValidator(options, BeamsRunner()).validate() == []
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    assert (cloud.project, cloud.region, cloud.service_account_email) == (
        "my-project",
        "europe-west4",
        "w@my-project.iam.gserviceaccount.com",
    )
    assert (workers.machine_type, workers.max_num_workers, workers.use_public_ips) == ("n2-standard-4", 10, False)
    assert options.view_as(SetupOptions).save_main_session is False


def test_every_key_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"runners\.dataflow: project, region, temp_location, image are missing"):
        dataflow_options(DataflowRunner())


@pytest.mark.parametrize(
    ("key", "value", "form"),
    [
        ("temp_location", "gs://my-bucket", "must be a folder in a bucket, gs://BUCKET/FOLDER"),
        ("temp_location", "gs://my-bucket/", "must be a folder in a bucket"),
        ("temp_location", "gs://My-Bucket/temp", "must be a folder in a bucket"),
        ("subnetwork", "nights", "must be regions/REGION/subnetworks/NAME"),
        ("service_account", "worker", "must be the account's address"),
    ],
)
def test_a_value_that_beam_would_take_wrongly_is_refused(key: str, value: str, form: str) -> None:
    """Beam makes a bucket of its own where it is given one without a folder."""
    with pytest.raises(ConfigError, match=rf"runners\.dataflow\.{key}: '{value}' {form}"):
        dataflow_options(PROFILE.model_copy(update={key: value}))


def test_what_beam_refuses_is_told_in_its_words_and_without_the_values() -> None:
    flags = [*FLAGS, "--project=Secret Project", "--dataflow_endpoint=https://user:hunter22@a b/", "--num_workers=99"]
    with pytest.raises(ConfigError) as caught:
        engine_pipeline([*flags, "--max_num_workers=3", "--dry_run=true"])
    assert caught.value.exit_code == ExitCode.CONFIG
    assert caught.value.message == (
        "Beam refuses its options, and nothing was started:\n"
        "Invalid Project ID (***). Please make sure you specified the Project ID, not project description.\n"
        "Invalid url (***) for dataflow endpoint. Please provide a valid url.\n"
        "num_workers (***) cannot exceed max_num_workers (***)"
    )


def test_a_runner_that_there_is_not_is_no_unexpected_error() -> None:
    with pytest.raises(ConfigError, match="nothing was started:\nUnexpected pipeline runner: ") as caught:
        engine_pipeline(["--runner=SecretRunner"])
    assert "SecretRunner" not in caught.value.message


def test_a_template_is_refused_since_nobody_would_publish() -> None:
    with pytest.raises(ConfigError, match="--template_location: nobody would wait for the template's job"):
        engine_pipeline([*FLAGS, "--template_location=gs://my-bucket/template"])


# ----------------------------------------------------------------------------------------------------------- service


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Google's libraries as if they were installed; `default` of the stand-in finds credentials or does not."""

    class DefaultCredentialsError(Exception):
        pass

    auth = ModuleType("google.auth")
    auth.__dict__.update(exceptions=SimpleNamespace(DefaultCredentialsError=DefaultCredentialsError))
    auth.__dict__.update(default=lambda: ("credentials", "my-project"))
    monkeypatch.setitem(sys.modules, "google.auth", auth)
    monkeypatch.setattr(dataflow, "find_spec", lambda _: object())
    return auth


def test_a_driver_with_credentials_may_begin(google: Any) -> None:
    asked = []
    google.default = lambda: asked.append("credentials")
    require_dataflow()
    assert asked == ["credentials"]


def test_a_driver_without_credentials_ends_at_once(google: Any) -> None:
    def none() -> None:
        raise google.exceptions.DefaultCredentialsError

    google.default = none
    with pytest.raises(ConfigError, match="there are no Google Cloud credentials here"):
        require_dataflow()


def test_a_driver_without_beams_cloud_parts_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataflow, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"run `pip install 'apache-beam\[gcp\]'`"):
        require_dataflow()


class Failing:
    """A pipeline whose job fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self) -> Any:
        raise self.error


class _RefusedError(Exception):
    """As google.api_core raises where the service says no."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            DataflowRuntimeException(
                "Dataflow pipeline failed. State: FAILED, Error:\nWorkflow failed. Causes: x", None
            ),
            "the engine gave the job up: Dataflow pipeline failed. State: FAILED, Error: Workflow failed. Causes: x. ",
        ),
        (OSError("Could not upload to GCS path gs://b/t: 403"), "gave the job up: Could not upload to GCS path"),
        (
            _RefusedError("403 Current user cannot act as service account"),
            "gave the job up: 403 Current user cannot act",
        ),
    ],
)
def test_what_dataflow_says_of_a_job_is_the_engines_failure(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = ModuleType("google.api_core.exceptions")
    loaded.__dict__.update(GoogleAPICallError=_RefusedError)
    monkeypatch.setitem(sys.modules, loaded.__name__, loaded)
    with pytest.raises(EngineError) as caught:
        run_on_engine(Failing(error))
    assert told in caught.value.message
    assert "Nothing was published" in caught.value.message

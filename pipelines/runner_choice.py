"""The runner that a run uses: job.yaml's profiles with the command line's options over them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from pipelines.dataflow import require_dataflow
from pipelines.flink import require_cluster
from schemas.errors import ConfigError
from schemas.runners import FlinkRunner, RunnerName, Runners


@dataclass(frozen=True)
class RunnerChoice:
    """What the command line says of the runner; None where it says nothing."""

    runner: RunnerName | None = None
    #: Of the local runner.
    workers: int | None = None
    threads: int | None = None
    #: Of Flink.
    flink_master: str | None = None
    job_endpoint: str | None = None
    worker_pool: str | None = None
    parallelism: int | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The options as words of a command line."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return tuple(word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value)))


#: Option to the key of its profile.
_OF_LOCAL = {"workers": "workers", "threads": "threads"}
_OF_FLINK = {
    "flink_master": "master",
    "job_endpoint": "job_endpoint",
    "worker_pool": "worker_pool",
    "parallelism": "parallelism",
}


def chosen_runners(runners: Runners, choice: RunnerChoice) -> Runners:
    """The profiles as the command line wants them.

    Raises ConfigError for an option that would do nothing, such as one of another runner than the one that is used, and
    for an address that is none.
    """
    use = choice.runner or runners.use
    for name, options in (("local", _OF_LOCAL), ("flink", _OF_FLINK)):
        stray = [option for option in options if getattr(choice, option) is not None and use != name]
        if stray:
            message = f"--{stray[0].replace('_', '-')} is an option of --runner {name}, and this run uses {use}"
            raise ConfigError(message, code="option_of_other_runner", option=stray[0])
    if choice.threads is not None and (choice.workers or 1) > 1:
        message = "--threads is for one process: each of several --workers uses one thread of the model"
        raise ConfigError(message, code="threads_of_workers", option="threads")
    local = {key: getattr(choice, option) for option, key in _OF_LOCAL.items() if getattr(choice, option) is not None}
    if choice.workers is not None:
        local["mode"] = "multi_processing" if choice.workers > 1 else "in_memory"
    flink = _with(runners.flink, {key: getattr(choice, option) for option, key in _OF_FLINK.items()})
    update = {"use": use, "local": runners.local.model_copy(update=local), "flink": flink}
    return runners.model_copy(update=update)


def _with(flink: FlinkRunner, values: dict[str, Any]) -> FlinkRunner:
    given = {key: value for key, value in values.items() if value is not None}
    try:
        return FlinkRunner.model_validate(flink.model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        option = next((option for option, key in _OF_FLINK.items() if key in first["loc"]), str(first["loc"]))
        message = f"--{option.replace('_', '-')}: {first['msg'].removeprefix('Value error, ')}"
        raise ConfigError(message, code="bad_option", option=option) from None


def require_runner(runners: Runners) -> None:
    """Raise NotReadyError where the cluster does not answer, ConfigError where Beam lacks what the runner needs."""
    if runners.use == "flink":
        require_cluster(runners.flink)
    if runners.use == "dataflow":
        require_dataflow()

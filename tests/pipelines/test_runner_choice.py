"""Which runner a run uses: job.yaml's profiles, the command line over them, the environment under them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.flink import addresses, flink_options, require_cluster
from pipelines.local_processes import ROWS_PER_WORKER, Processes, processes_for, usable_cores
from pipelines.runner_choice import RunnerChoice, chosen_runners
from schemas.errors import ConfigError, ExitCode, NotReadyError
from schemas.runners import FlinkRunner, LocalRunner, Runners

VARIABLES = ("FLINK_MASTER", "FLINK_JOB_ENDPOINT", "FLINK_WORKER_POOL")


@pytest.fixture(autouse=True)
def _no_cluster_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_command_line_is_over_the_profile() -> None:
    profile = Runners(flink=FlinkRunner(master="flink:8081", parallelism=4))
    chosen = chosen_runners(profile, RunnerChoice(runner="flink", flink_master="10.0.0.1:9000", parallelism=8))
    assert (chosen.use, chosen.flink.master, chosen.flink.parallelism) == ("flink", "10.0.0.1:9000", 8)
    assert chosen_runners(profile, RunnerChoice()) == profile


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (RunnerChoice(parallelism=2), "--parallelism is an option of --runner flink, and this run uses local"),
        (RunnerChoice(runner="flink", workers=2), "--workers is an option of --runner local, and this run uses flink"),
        (RunnerChoice(runner="flink", flink_master="8081"), "--flink-master: '8081' is not HOST:PORT"),
        (RunnerChoice(runner="flink", job_endpoint="a:99999"), "--job-endpoint: 'a:99999' is not HOST:PORT"),
    ],
)
def test_an_option_that_would_do_nothing_or_is_no_address_is_refused(choice: RunnerChoice, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        chosen_runners(Runners(), choice)


@pytest.mark.parametrize(
    ("profile", "wanted"),
    [
        (FlinkRunner(master="f:8081"), ("f:8081", "f:8099", "127.0.0.1:50000")),
        (FlinkRunner(job_endpoint="j:1"), (None, "j:1", "127.0.0.1:50000")),
        (FlinkRunner(master="f:8081", job_endpoint="j:1", worker_pool="p:2"), ("f:8081", "j:1", "p:2")),
        (FlinkRunner(master="f:8081", job_server_jar="b.jar"), ("f:8081", None, "127.0.0.1:50000")),
        (FlinkRunner(master="[::1]:8081"), ("[::1]:8081", "[::1]:8099", "127.0.0.1:50000")),
    ],
)
def test_what_the_profile_leaves_out_is_where_beam_listens_by_default(
    profile: FlinkRunner, wanted: tuple[str | None, ...]
) -> None:
    found = addresses(profile)
    assert (found.master, found.job_endpoint, found.worker_pool) == wanted


def test_the_environment_says_what_the_profile_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(VARIABLES, 1):
        monkeypatch.setenv(name, f"h:{number}")
    monkeypatch.setenv("OTHER", "o:9")
    found = addresses(FlinkRunner(master="env:OTHER"))
    assert (found.master, found.job_endpoint, found.worker_pool) == ("o:9", "h:2", "h:3")


def test_a_variable_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"runners\.flink\.master: the environment variable NO_SUCH is not set"):
        addresses(FlinkRunner(master="env:NO_SUCH"))
    monkeypatch.setenv("FLINK_JOB_ENDPOINT", "nonsense")
    with pytest.raises(ConfigError, match="FLINK_JOB_ENDPOINT is 'nonsense'; it must hold HOST:PORT"):
        addresses(FlinkRunner())


def test_a_flink_run_without_any_cluster_says_how_to_name_one() -> None:
    with pytest.raises(ConfigError, match="which cluster\\? Give --flink-master HOST:PORT"):
        addresses(FlinkRunner())


def test_a_jar_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"job_server_jar: .*b\.jar does not exist"):
        flink_options(FlinkRunner(master="f:1", job_server_jar="b.jar"), tmp_path)


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound, and nobody listens: a connection is refused
        yield holder.getsockname()[1]


def test_a_cluster_that_does_not_answer_is_worth_another_try(closed_port: int) -> None:
    with pytest.raises(NotReadyError, match=f"no Flink cluster answers at 127.0.0.1:{closed_port}") as caught:
        require_cluster(FlinkRunner(master=f"127.0.0.1:{closed_port}"))
    assert caught.value.exit_code == ExitCode.NOT_READY


@pytest.mark.parametrize("folder", ["jobs", "/jobs/../etc", ""])
def test_the_workers_folder_is_an_absolute_path(folder: str) -> None:
    with pytest.raises(ValidationError, match="must be an absolute path without"):
        FlinkRunner(job_folder=folder)


# --------------------------------------------------------------------------------------------------- local processes

CORES = usable_cores()
MANY = 64 * ROWS_PER_WORKER


@pytest.mark.parametrize(
    ("local", "units", "rows", "wanted"),
    [
        (LocalRunner(), 100, MANY, Processes(CORES, 1) if CORES > 1 else Processes(0, CORES)),
        (LocalRunner(), 100, ROWS_PER_WORKER, Processes(0, CORES)),
        (LocalRunner(), 1, MANY, Processes(0, CORES)),
        (LocalRunner(threads=3), 1, 10, Processes(0, 3)),
        (LocalRunner(workers=7), 100, 10, Processes(7, 1)),
        (LocalRunner(workers=7), 5, 10, Processes(5, 1)),
        (LocalRunner(mode="in_memory", workers=7), 5, MANY, Processes(0, CORES)),
        (LocalRunner(mode="multi_processing"), 100, 10, Processes(CORES, 1)),
        (LocalRunner(mode="multi_processing", workers=1, threads=3), 100, 10, Processes(1, 1)),
    ],
)
def test_workers_default_to_the_cores_where_a_night_is_worth_them(
    local: LocalRunner, units: int, rows: int, wanted: Processes
) -> None:
    assert processes_for(local, units, rows) == wanted

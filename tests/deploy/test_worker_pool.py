"""The pool of Python workers, with a runner made by hand in the place of a TaskManager."""

from __future__ import annotations

import ipaddress
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from apache_beam.portability.api import beam_fn_api_pb2

DEPLOY = Path(__file__).parents[2] / "deploy" / "flink"
Eventually = Callable[[Callable[[], object]], None]
MANIFEST = "extra_packages.txt"


def staged(*wheels: Path) -> dict[str, bytes]:
    """The files that a driver stages for `--extra_package` of each."""
    manifest = "".join(f"{each.name}\n" for each in wheels).encode()
    record = {"submission_environment_dependencies.txt": b"numpy==0\n"}
    return {each.name: each.read_bytes() for each in wheels} | {MANIFEST: manifest} | record


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def records(pool: Any) -> list[str]:
    return sorted(each.name for each in (pool.folder / "pids").iterdir())


def packages(pool: Any) -> list[Path]:
    return sorted((pool.folder / "packages").iterdir())


def test_a_worker_is_connected_when_its_order_returns(
    pool: Any, make_runner: Any, eventually: Eventually, make_wheel: Any, tmp_path: Path
) -> None:
    runner = make_runner(staged(make_wheel(tmp_path)))
    assert pool.start(runner, "7-1") == ""
    eventually(lambda: runner.connected == ["7-1"])
    assert runner.asked_by == ["7-1"]
    (started,) = pool.events("started")
    assert (started["worker_id"], started["control_endpoint"]) == ("7-1", runner.url)
    assert psutil.Process(started["pid"]).ppid() == pool.process.pid


def test_workers_import_the_staged_wheel_first_and_share_its_folder(
    pool: Any, make_runner: Any, make_wheel: Any, tmp_path: Path
) -> None:
    runner = make_runner(staged(make_wheel(tmp_path)))
    assert [pool.start(runner, worker_id) for worker_id in ("1-1", "1-2")] == ["", ""]
    (package,) = packages(pool)
    for started in pool.events("started"):
        environment = psutil.Process(started["pid"]).environ()
        assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(package / "site")
        assert (environment["OMP_NUM_THREADS"], environment["OPENBLAS_NUM_THREADS"]) == ("1", "1")
    asked = [sys.executable, "-c", "import staged_module; print(staged_module.ANSWER, staged_module.__file__)"]
    answer = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout
    assert answer.split() == ["42", str(package / "site" / "staged_module.py")]


def test_another_build_of_a_wheel_gets_a_folder_of_its_own(
    pool: Any, make_runner: Any, make_wheel: Any, tmp_path: Path
) -> None:
    for answer in (1, 2):
        built = make_wheel(tmp_path, "staged_module", f"ANSWER = {answer}\n")
        assert pool.start(make_runner(staged(built)), f"{answer}-1") == ""
    texts = {(each / "site" / "staged_module.py").read_text() for each in packages(pool)}
    assert texts == {"ANSWER = 1\n", "ANSWER = 2\n"}


def test_a_worker_that_was_killed_does_not_stand_in_the_way_of_the_next(
    pool: Any, make_runner: Any, eventually: Eventually
) -> None:
    runner = make_runner()
    assert pool.start(runner) == ""
    os.kill(killed := pool.pid(), signal.SIGKILL)
    eventually(lambda: pool.events("ended"))
    assert pool.start(runner) == ""
    assert pool.pid() != killed
    assert not is_gone(pool.pid())
    assert records(pool) == [f"python-worker-{pool.pid()}"]


def test_a_worker_is_stopped_by_the_connection_that_ordered_it_and_by_no_other(pool: Any, make_runner: Any) -> None:
    first, second = make_runner(), make_runner()  # two TaskManagers, each with a worker 1-1
    stop = beam_fn_api_pb2.StopWorkerRequest(worker_id="1-1")
    with pool.stub() as connection, pool.stub() as another:
        assert connection.StartWorker(pool.order(first), timeout=200).error == ""
        stopped = pool.pid()
        assert pool.start(second) == ""
        another.StopWorker(stop, timeout=60)
        assert not is_gone(stopped)
        connection.StopWorker(stop, timeout=60)
        connection.StopWorker(stop, timeout=60)
    assert is_gone(stopped)
    assert not is_gone(pool.pid())


def test_a_worker_ends_with_its_runner(pool: Any, make_runner: Any, eventually: Eventually) -> None:
    runner = make_runner()
    assert pool.start(runner) == ""
    runner.stop()
    eventually(lambda: is_gone(pool.pid()))


def test_a_worker_that_hangs_ends_with_its_runner_too(pool: Any, make_runner: Any, eventually: Eventually) -> None:
    runner = make_runner()
    assert pool.start(runner) == ""
    os.kill(pool.pid(), signal.SIGSTOP)
    runner.stop()
    eventually(lambda: pool.events("ended"))
    assert pool.events("abandoned")[0]["pid"] == pool.pid()
    assert pool.events("ended")[0]["exit_code"] == -signal.SIGKILL


def test_what_is_left_of_a_job_that_is_over_ends(
    pool_of_flink: Any, flink_jobs: Any, make_runner: Any, eventually: Eventually
) -> None:
    flink_jobs.states = [("night", "FINISHED"), ("night", "RUNNING"), ("another", "FAILED")]  # begun again
    assert pool_of_flink.start(make_runner()) == ""
    asked = flink_jobs.asked
    eventually(lambda: flink_jobs.asked > asked + 4)
    assert pool_of_flink.events("left over") == []
    flink_jobs.states = [("night", "FINISHED"), ("night", "CANCELED")]
    eventually(lambda: pool_of_flink.events("ended"))
    assert [each["pid"] for each in pool_of_flink.events("left over")] == [pool_of_flink.pid()]


def test_records_that_a_killed_pool_left_are_swept(pool: Any, eventually: Eventually) -> None:
    eventually((pool.folder / "pids").is_dir)
    left = pool.folder / "pids" / "python-worker-1"
    left.write_text("1 12345\n")  # a process that is not the one of that start
    eventually(lambda: records(pool) == [])
    assert not left.exists()


def test_a_worker_ends_with_its_pool(pool: Any, make_runner: Any, eventually: Eventually) -> None:
    assert pool.start(make_runner()) == ""
    pool.process.kill()
    eventually(lambda: is_gone(pool.pid()))


def test_a_pool_that_is_told_to_end_takes_its_workers_along(pool: Any, make_runner: Any) -> None:
    runner = make_runner()
    assert [pool.start(runner, worker_id) for worker_id in ("1-1", "1-2")] == ["", ""]
    pool.process.terminate()
    assert pool.process.wait(60) == 0
    assert all(is_gone(started["pid"]) for started in pool.events("started"))
    assert records(pool) == []


def test_a_worker_that_ends_too_early_is_an_error_with_its_last_words(
    pool: Any, make_runner: Any, make_wheel: Any, tmp_path: Path
) -> None:
    text = "import os, sys\nprint('I cannot go on', file=sys.stderr, flush=True)\nos._exit(3)\n"
    error = pool.start(make_runner(staged(make_wheel(tmp_path, "sitecustomize", text))), "5-1")
    assert error == f"WorkerError: worker 5-1 (pid {pool.pid()}) ended before it was connected: I cannot go on"


def test_a_wheel_that_cannot_be_installed_is_named(idle_pool: Any, make_runner: Any) -> None:
    files = {"broken-1.0-py3-none-any.whl": b"this is no zip archive", MANIFEST: b"broken-1.0-py3-none-any.whl\n"}
    error = idle_pool.start(make_runner(files))
    assert error.startswith("StagingError: could not install broken-1.0-py3-none-any.whl: ")
    assert idle_pool.events("started") == []
    assert packages(idle_pool) == []


def test_a_package_that_was_not_staged_is_named(idle_pool: Any, make_runner: Any) -> None:
    error = idle_pool.start(make_runner({MANIFEST: b"../../elsewhere.whl\n"}))
    assert error == "StagingError: extra_packages.txt names 'elsewhere.whl', which was not staged"


def test_a_staged_name_cannot_leave_its_folder(idle_pool: Any, make_runner: Any) -> None:
    error = idle_pool.start(make_runner({"../sitecustomize.py": b""}))
    assert error == "StagingError: a staged file is named '../sitecustomize.py': a plain file name is expected"


def test_requirements_are_refused_with_the_way_out(idle_pool: Any, make_runner: Any) -> None:
    error = idle_pool.start(make_runner({"requirements.txt": b"numpy\n"}))
    assert "workers install nothing from a registry" in error
    assert "stage wheels of your own with --extra_package" in error


def test_a_runner_that_is_not_there_is_an_error(idle_pool: Any, make_runner: Any) -> None:
    runner = make_runner()
    runner.stop()
    assert idle_pool.start(runner).startswith(f"the runner at {runner.url} does not answer: UNAVAILABLE: ")


def test_the_pool_listens_on_loopback_and_shares_its_port_with_nobody(idle_pool: Any) -> None:
    with idle_pool.stub():
        pass
    listening = [
        c.laddr for c in psutil.Process(idle_pool.process.pid).net_connections() if c.status == psutil.CONN_LISTEN
    ]
    assert [each.port for each in listening] == [idle_pool.port]
    address = ipaddress.ip_address(listening[0].ip)
    assert (getattr(address, "ipv4_mapped", None) or address).is_loopback
    command = [
        sys.executable,
        str(DEPLOY / "worker_pool.py"),
        "--port",
        str(idle_pool.port),
        "--packages",
        str(idle_pool.folder),
    ]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{idle_pool.port}: is it taken?" in second.stderr

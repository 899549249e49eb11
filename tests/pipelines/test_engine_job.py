"""What a person is told when an engine gives a job up."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from pipelines.engine_errors import said
from pipelines.engine_job import run_on_engine
from pipelines.termination import Terminated
from schemas.errors import EngineError, ExitCode

FROM_PYTHON = """Pipeline x failed in state FAILED: java.lang.RuntimeException: Error received: Traceback
  File "pipelines/scoring.py", line 131, in _score
FileNotFoundError: [Errno 2] No such file or directory: '/a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
    raise EngineError(message)
schemas.errors.EngineError: the worker on h does not see /a. [while running 'nightscore/score']
\tat java.base/java.lang.Thread.run(Thread.java:840)
"""
FROM_JAVA = """org.apache.flink.runtime.JobException: Recovery is suppressed
Caused by: java.io.IOException: first
\tat x.Y.z(Y.java:1)
Caused by: java.net.ConnectException: Connection refused
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (FROM_PYTHON, "EngineError: the worker on h does not see /a."),
        (FROM_JAVA, "ConnectException: Connection refused."),
        ("Pipeline failed.", "Pipeline failed."),
        ("", "it did not say why."),
        ("x" * 5000, "x" * 600 + "."),
    ],
)
def test_the_error_that_began_it_is_told_in_one_line(text: str, wanted: str) -> None:
    assert said(text) == wanted


class Lost(grpc.RpcError):  # type: ignore[misc]  # gRPC has no types
    """What gRPC raises where the job server has died."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "Socket closed"


def test_a_job_server_that_dies_is_told_of() -> None:
    with pytest.raises(EngineError, match=r"the engine gave the job up: UNAVAILABLE: Socket closed\. Nothing was"):
        run_on_engine(Job(Lost()))


class Job:
    """A submitted pipeline that ends as it is told to."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.cancelled = False

    def run(self) -> Job:
        return self

    def wait_until_finish(self) -> None:
        raise self.error

    def cancel(self) -> None:
        self.cancelled = True
        raise ConnectionError


def test_a_job_that_failed_is_one_of_our_errors() -> None:
    job: Any = Job(RuntimeError(FROM_JAVA))
    with pytest.raises(EngineError, match=r"gave the job up: .* Connection refused\. Nothing was published") as caught:
        run_on_engine(job)
    assert (caught.value.exit_code, caught.value.action) == (ExitCode.UNEXPECTED, "retry")
    assert not job.cancelled


@pytest.mark.parametrize("signal", [KeyboardInterrupt(), Terminated()])
def test_a_driver_that_is_told_to_end_cancels_whatever_comes_of_it(signal: BaseException) -> None:
    job: Any = Job(signal)
    with pytest.raises(type(signal)):
        run_on_engine(job)
    assert job.cancelled

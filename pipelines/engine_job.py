"""A job on an engine elsewhere: submitted, waited for, and cancelled when the driver is told to end."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import apache_beam as beam
import grpc

from pipelines.dataflow import job_errors
from pipelines.loopback import loopback_only
from pipelines.termination import Terminated
from schemas.errors import EngineError

#: A line such as `schemas.errors.InputError: ...` at the end of a traceback, or `java.io.IOException: ...`.
_ERROR = re.compile(r"^(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception)): ")
#: Characters of the engine's own error that are repeated: its stack traces are long.
_MOST = 600


def run_on_engine(pipeline: beam.Pipeline) -> None:
    """Run to the end. Raises EngineError with what the engine says where it failed, after its own retries.

    A driver that is interrupted cancels the job: it would go on to hold the cluster's slots.
    """
    result: Any = None
    try:
        with loopback_only():  # --environment_type=LOOPBACK makes this process a worker
            result = pipeline.run()
            result.wait_until_finish()
    except (KeyboardInterrupt, Terminated):
        if result is not None:
            with contextlib.suppress(Exception):  # the signal is what ended the run, whatever becomes of the job
                result.cancel()
        raise
    except _failures() as error:
        told = f"{error.code().name}: {error.details()}" if isinstance(error, grpc.RpcError) else str(error)
        message = (
            f"the engine gave the job up: {said(told)} Nothing was published. The engine's own page and its "
            "workers' logs tell more."
        )
        raise EngineError(message, code="engine_failed") from error


def _failures() -> tuple[type[Exception], ...]:
    """What runners raise of a job, and what the way to an engine raises."""
    return (RuntimeError, OSError, grpc.RpcError, *job_errors())


def said(text: str) -> str:
    """The engine's error in one line: the last one that a worker's Python, or Java, names."""
    lines = [line.strip().removeprefix("Caused by: ") for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    first = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    found = (errors or [first or "it did not say why"])[-1].partition(" [while running")[0]
    named = _ERROR.sub(r"\1: ", found)
    return f"{named[:_MOST].rstrip('.')}."

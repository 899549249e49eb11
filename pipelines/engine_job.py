"""A job on an engine elsewhere: submitted, waited for, and cancelled when the driver is told to end."""

from __future__ import annotations

import contextlib
from typing import Any

import apache_beam as beam
import grpc

from pipelines.dataflow import job_errors
from pipelines.engine_errors import said
from pipelines.flink_job import FlinkJob
from pipelines.loopback import loopback_only
from pipelines.termination import Terminated, uninterrupted
from schemas.errors import EngineError

_LOOK_THERE = "The engine's own page and its workers' logs tell more."


def run_on_engine(pipeline: beam.Pipeline, flink: FlinkJob | None = None) -> None:
    """Run to the end. Raises EngineError with what the engine says where it failed, after its own retries.

    A driver that is interrupted cancels the job: it would go on to hold the cluster's slots. `flink` is the job as
    Flink knows it, where the cluster's address is known: Beam's job server cancels its own part of it alone.
    """
    result: Any = None
    try:
        with loopback_only():  # --environment_type=LOOPBACK makes this process a worker
            result = pipeline.run()
            result.wait_until_finish()
    except (KeyboardInterrupt, Terminated) as signal:
        if left := _left_on_cluster(flink):
            signal.add_note(left)
        with contextlib.suppress(Exception):  # the signal is what ended the run, whatever becomes of the job
            if result is not None:
                result.cancel()
        raise
    except _failures() as error:
        told = f"{error.code().name}: {error.details()}" if isinstance(error, grpc.RpcError) else str(error)
        why = flink.why_it_failed(told) if flink is not None else None
        more = " ".join(filter(None, [why, _left_on_cluster(flink), _LOOK_THERE]))
        message = f"the engine gave the job up: {said(told)} Nothing was published. {more}"
        raise EngineError(message, code="engine_failed") from error


def _left_on_cluster(flink: FlinkJob | None) -> str | None:
    """Cancel the job; what to say where it may still be there.

    It may go on although its driver or the job server is gone. A second signal must not leave it to itself.
    """
    with uninterrupted():
        if flink is None or flink.cancel():
            return None
    return f"The job {flink.name} may still be on the cluster at {flink.master}: cancel it there."


def _failures() -> tuple[type[Exception], ...]:
    """What runners raise of a job, and what the way to an engine raises."""
    return (RuntimeError, OSError, grpc.RpcError, *job_errors())

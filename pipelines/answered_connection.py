"""Beam's connection to a worker on which every question is answered, with an error where the worker cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import ControlFuture
from apache_beam.utils.thread_pool_executor import shared_unbounded_instance


class AnsweredConnection:
    """What Beam asks a worker. `failed` is told the first error that the worker answers with.

    Beam's own `abort` does not end what waits for the worker's data, only a response with an error does.
    """

    def __init__(self, connection: Any, failed: Callable[[str], None]) -> None:
        self._connection = connection
        self._failed = failed
        self._asked: list[ControlFuture] = []
        self._error: str | None = None
        self._lock = threading.Lock()

    def push(self, request: Any) -> ControlFuture:
        """Ask; Beam waits for the future."""
        future = self._connection.push(request)
        with self._lock:
            self._asked.append(future)
            if self._error is not None:
                _answer(future, self._error)
        shared_unbounded_instance().submit(self._look_at, future)
        return future

    def _look_at(self, future: ControlFuture) -> None:
        # Beam itself reads the workers' answers in order: the second one's error after all that the first one does.
        error = future.get().error
        if error:
            self._failed(error)

    def answer_all(self, error: str) -> None:
        """Answer with that error what was asked and not answered yet, and whatever will be asked."""
        with self._lock:
            if self._error is None:
                self._error = error
                for future in self._asked:
                    if not future.is_done():
                        _answer(future, error)

    def close(self) -> None:
        """Tell the worker that there is nothing more to do."""
        self._connection.close()


def _answer(future: ControlFuture, error: str) -> None:
    future.set(beam_fn_api_pb2.InstructionResponse(instruction_id=future.instruction_id, error=error))

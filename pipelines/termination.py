"""The signals by which a scheduler or a person ends a run, told apart from errors however deep they strike.

A signal raises in the main thread. Beam's in-process worker turns whatever is raised under it into a RuntimeError, so
what was received is also kept here.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from schemas.errors import ExitCode

_CODES = {signal.SIGTERM: ExitCode.TERMINATED, signal.SIGINT: ExitCode.INTERRUPTED}
_received: list[ExitCode] = []


class Terminated(BaseException):
    """A signal arrived. Not an Exception, so that no handler of ordinary errors swallows it."""


def listen() -> None:
    """Raise Terminated in the main thread at SIGTERM and SIGINT from now on."""
    for number in _CODES:
        signal.signal(number, _raise)


def received() -> ExitCode | None:
    """The exit code of the first signal that arrived; None when there was none."""
    return _received[0] if _received else None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Only remember a signal that arrives in the block, which ends first. Main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _remember) for number in _CODES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remember(number: int, _frame: Any) -> None:
    _received.append(_CODES[signal.Signals(number)])


def _raise(number: int, _frame: Any) -> NoReturn:
    _received.append(_CODES[signal.Signals(number)])
    raise Terminated

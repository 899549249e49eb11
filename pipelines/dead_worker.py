"""What is known of a worker process that ended before its work was done, and what to tell people about it."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from schemas.errors import WorkerError


@dataclass(frozen=True)
class Death:
    """A worker process that ended before its work was done."""

    pid: int
    #: As subprocess has it: below zero for a signal.
    code: int

    def error(self) -> WorkerError:
        """What to tell about it; facts: `pid`, `signal` and `exit_code`, one of which is None."""
        number = -self.code if self.code < 0 else None
        if number is None:
            how, advice = f"exit code {self.code}", "It may have said why on stderr. If memory is short"
        else:
            how, advice = f"signal {number} ({_name(number)})", "Most often memory is short then"
        message = (
            f"a worker process ended before its work was done: process {self.pid}, {how}. Nothing was published. "
            f"{advice}: run again with fewer --workers."
        )
        facts = {"pid": self.pid, "signal": number, "exit_code": self.code if number is None else None}
        return WorkerError(message, code="worker_ended", **facts)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of real time"

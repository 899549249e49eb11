"""Every error that a run can end with, each with its exit code and what the scheduler should do next."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any


class ExitCode(IntEnum):
    """The process's exit code: what a scheduler branches on."""

    PUBLISHED = 0
    UNEXPECTED = 1
    CONFIG = 2
    INPUT_SCHEMA = 3
    QUALITY_GATE = 4
    MODEL = 5
    DRIFT_GATE = 6
    LEDGER = 7
    NOT_READY = 75
    NO_DATA = 99
    INTERRUPTED = 130
    TERMINATED = 143


class Action(StrEnum):
    """What to do about an outcome: the `action` of result.json."""

    NONE = "none"
    RETRY = "retry"
    WAIT = "wait"
    FIX = "fix"
    RELEASE = "release"


class NightscoreError(Exception):
    """An error of the job with the facts as attributes; `str(error)` says what, which, and what to do.

    `code` is a short stable word for machines, `facts` is JSON-compatible and goes into result.json.
    """

    exit_code = ExitCode.UNEXPECTED
    action = Action.FIX

    def __init__(self, message: str, *, code: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword-only arguments do not survive pickling by default; workers send them to the driver.
        return _rebuild, (type(self), self.message, self.code, self.facts)


def _rebuild(kind: type[NightscoreError], message: str, code: str, facts: dict[str, Any]) -> NightscoreError:
    return kind(message, code=code, **facts)


class ConfigError(NightscoreError):
    """job.yaml, schema.yaml, the suite or the command line is wrong; nothing was read."""

    exit_code = ExitCode.CONFIG


class InputError(NightscoreError):
    """An input file cannot be read, or does not hold what its footer or the table contract says."""

    exit_code = ExitCode.INPUT_SCHEMA


class RowError(InputError):
    """A row breaks the contract or cannot be scored, and its rule's policy is to fail."""


class ModelError(NightscoreError):
    """The model's file, card or environment is not the one that was pinned, or the model failed to predict."""

    exit_code = ExitCode.MODEL


class LedgerError(NightscoreError):
    """Rows in and rows out do not balance: nothing may be published."""

    exit_code = ExitCode.LEDGER


class WorkerError(NightscoreError):
    """A worker process ended before its work was done, most often for want of memory; a retry may help."""

    action = Action.RETRY


class EngineError(NightscoreError):
    """The engine that the pass ran on gave it up, or could not be reached any more; a retry may help."""

    action = Action.RETRY


class StorageError(NightscoreError):
    """The storage failed while a file was read: no fact of the file, so it is neither isolated nor remembered."""

    action = Action.RETRY


class NotReadyError(NightscoreError):
    """The input is not complete yet, or another run holds the partition; a retry helps."""

    exit_code = ExitCode.NOT_READY
    action = Action.WAIT


class NoDataError(NightscoreError):
    """There is no input for the run date."""

    exit_code = ExitCode.NO_DATA
    action = Action.NONE

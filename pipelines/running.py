"""`nightscore run`: one date or several, in one process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipelines.console import Console
from pipelines.files import write_json
from pipelines.loading import LoadedJob, load_job
from pipelines.night import Night
from pipelines.runner_choice import RunnerChoice, chosen_runners, require_runner
from pipelines.suite_values import with_parameters
from pipelines.termination import received
from pipelines.tools import tools_for
from schemas.errors import Action, ConfigError, ExitCode, NightscoreError
from schemas.job import Job
from schemas.result import RESULT_FORMAT, VERSION, RunResult

#: Ends that concern the job, not the date: the next date would end the same way.
_STOPS = (ExitCode.CONFIG, ExitCode.MODEL, ExitCode.INTERRUPTED, ExitCode.TERMINATED, ExitCode.UNEXPECTED)
#: So many dates at most in one call: a typo in a year should not start centuries.
MAX_DATES = 3700


@dataclass(frozen=True)
class RunOptions:
    """What the command line says beside the job and the dates."""

    flags: tuple[str, ...] = ()
    runner: RunnerChoice = field(default_factory=RunnerChoice)
    allow_version_mismatch: bool = False
    #: NAME=VALUE of suite parameters, over those of job.yaml.
    parameters: tuple[str, ...] = ()
    #: Go on with the finished units of an interrupted run of each date.
    resume: bool = False
    #: Where to write a copy of the last result.json.
    result: Path | None = None
    quiet: bool = False

    @property
    def same(self) -> tuple[str, ...]:
        """What goes on with the run has to be told again: what decides the results and where it runs, as words."""
        words = [word for text in self.parameters for word in ("--parameter", text)]
        mismatch = ("--allow-version-mismatch",) if self.allow_version_mismatch else ()
        return (*self.runner.words, *words, *mismatch)


def run_dates(job: Path, first: str, last: str, options: RunOptions) -> int:
    """Score every date from `first` to `last`. Returns the exit code.

    That of one date; of several, that of the first one that was not published, where dates without data count only
    if no date had any. Raises NightscoreError where the job itself is wrong, after writing `options.result`.
    """
    if options.result is not None:
        options.result.unlink(missing_ok=True)  # yesterday's must not stand for a run that was killed
    try:
        dates = dates_between(first, last)
        loaded = load_with(job, options)
    except NightscoreError as error:
        _write_early(options, first, error)
        raise
    console = Console(quiet=options.quiet)
    codes: list[ExitCode] = []
    for run_date in dates:
        if len(dates) > 1:
            console.line("date", run_date)
        night = Night(loaded, run_date, console, options.flags, resume=options.resume, same_options=options.same)
        result = _run_one(night, options)
        codes.append(result.exit_code)
        if result.exit_code in _STOPS:
            break
        if run_date != dates[-1] and (code := received()):
            return code
    return combined(codes)


def _run_one(night: Night, options: RunOptions) -> RunResult:
    """The result of one date, copied to `options.result` whatever is raised."""
    try:
        result = night.run()
    except Exception:
        if night.ended is not None:
            _write_result(options, night.ended)
        raise
    _write_result(options, result)
    return result


def combined(codes: list[ExitCode]) -> ExitCode:
    """One exit code for several dates."""
    wrong = [code for code in codes if code not in (ExitCode.PUBLISHED, ExitCode.NO_DATA)]
    if wrong:
        return wrong[0]
    return ExitCode.PUBLISHED if ExitCode.PUBLISHED in codes else ExitCode.NO_DATA


def dates_between(first: str, last: str, option: str = "--date") -> list[str]:
    """Every date from first to last as ISO text. Raises ConfigError for a date that is none.

    `option` is what named the first date on the command line.
    """
    start, end = _date(first), _date(last)
    if end < start:
        message = f"--to {last} is before {option} {first}"
        raise ConfigError(message, code="dates_reversed")
    days = (end - start).days + 1
    if days > MAX_DATES:
        message = f"{days:,} dates from {first} to {last}; at most {MAX_DATES:,} in one call"
        raise ConfigError(message, code="too_many_dates")
    return [(start + timedelta(days=day)).isoformat() for day in range(days)]


def _date(text: str) -> date:
    try:
        value = date.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.isoformat() != text:
        message = f"'{text}' is not a date like 2013-12-17"
        raise ConfigError(message, code="bad_date")
    return value


def load_with(job: Path, options: RunOptions) -> LoadedJob:
    """The job with the command line's options in it."""
    loaded = load_job(job, lambda read: overridden(read, options))
    require_runner(loaded.job.runners)
    # A wrong model ends the run before any data is read; in this process it is loaded but once.
    tools_for(loaded.spec)
    return loaded


def overridden(job: Job, options: RunOptions) -> Job:
    """The job as the command line wants it."""
    models = job.models
    if options.allow_version_mismatch:
        models = tuple(entry.model_copy(update={"allow_version_mismatch": True}) for entry in models)
    runners = chosen_runners(job.runners, options.runner)
    return with_parameters(job.model_copy(update={"runners": runners, "models": models}), options.parameters)


def _write_result(options: RunOptions, result: RunResult) -> None:
    if options.result is not None:
        write_json(options.result, result.to_json())


def _write_early(options: RunOptions, run_date: str, error: NightscoreError) -> None:
    """A result for a run that never began: it has no folder."""
    if options.result is None:
        return
    facts: dict[str, Any] = {"run_date": run_date, "status": "failed", "exit_code": int(error.exit_code)}
    facts |= {"action": Action.FIX.value, "code": error.code, "message": error.message, "facts": error.facts}
    write_json(options.result, {"format": RESULT_FORMAT, "version": VERSION} | facts)

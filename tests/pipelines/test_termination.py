"""A signal ends a run where nothing is out yet, and waits where a partition is just being put in its place."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from pipelines import night, termination
from pipelines.running import RunOptions, run_dates
from schemas.errors import ExitCode

DATE, OTHER = "2024-03-01", "2024-03-02"
Rows = Callable[..., pa.Table]


@pytest.fixture(autouse=True)
def _listening() -> Iterator[None]:
    """Signals are listened to as the command line does, and forgotten afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    termination.listen()
    yield
    termination._received.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def two_nights(small_job: Any, make_rows: Rows) -> Any:
    for date in (DATE, OTHER):
        small_job.write(date, "a.parquet", make_rows(20))
    return small_job


def signalled_in(monkeypatch: pytest.MonkeyPatch, name: str, number: signal.Signals) -> None:
    """A signal arrives when that function of the night is called."""
    real = getattr(night, name)

    def meanwhile(*arguments: Any) -> Any:
        os.kill(os.getpid(), number)
        return real(*arguments)

    monkeypatch.setattr(night, name, meanwhile)


def results(job: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((job.root / "runs").glob("*/*/result.json"))]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("when", ["make_plan", "run_pass", "judge", "build_manifest"])
def test_before_publishing_a_signal_ends_the_run_and_the_dates_after_it(
    two_nights: Any, monkeypatch: pytest.MonkeyPatch, when: str, number: signal.Signals, code: int
) -> None:
    signalled_in(monkeypatch, when, number)
    assert run_dates(two_nights.root, DATE, OTHER, RunOptions(quiet=True)) == code
    (result,) = results(two_nights)
    assert (result["status"], result["exit_code"]) == ("interrupted", code)
    assert not (two_nights.root / "scored").exists()
    # What was finished is kept for a run that resumes this one.
    kept = [path.name.split("-")[0] for path in sorted((two_nights.root / "runs").glob("*/*/staged/*"))]
    assert kept == (["part"] if when in ("judge", "build_manifest") else [])
    assert result["facts"].get("finished_units", 0) == len(kept)


def test_while_publishing_a_signal_waits_and_then_no_further_date_begins(
    two_nights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signalled_in(monkeypatch, "publish", signal.SIGTERM)
    assert run_dates(two_nights.root, DATE, OTHER, RunOptions(quiet=True)) == ExitCode.TERMINATED
    assert [(result["status"], result["exit_code"]) for result in results(two_nights)] == [("published", 0)]
    assert two_nights.scored(DATE).num_rows == 20
    assert not two_nights.partition(OTHER).exists()


def test_a_last_date_that_is_out_when_the_signal_is_heard_counts_as_published(
    two_nights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signalled_in(monkeypatch, "publish", signal.SIGTERM)
    assert run_dates(two_nights.root, DATE, DATE, RunOptions(quiet=True)) == ExitCode.PUBLISHED
    assert two_nights.scored(DATE).num_rows == 20

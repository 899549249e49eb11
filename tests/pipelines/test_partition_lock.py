"""Who holds a partition: told to the one who has to wait, and believed only as far as it makes sense."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.partition_lock import age, partition_lock
from schemas.errors import NotReadyError

NIGHT = datetime(2026, 1, 2, 2, 26, 5, tzinfo=UTC)
AGES = [
    (timedelta(seconds=-5), "just now"),  # another host's clock
    (timedelta(milliseconds=900), "just now"),
    (timedelta(seconds=1), "1 second ago"),
    (timedelta(seconds=59.9), "59 seconds ago"),
    (timedelta(minutes=12), "12 minutes ago"),
    (timedelta(minutes=119), "1 hour ago"),
    (timedelta(hours=23), "23 hours ago"),
    (timedelta(days=40), "40 days ago"),
]


@pytest.mark.parametrize(("passed", "words"), AGES, ids=str)
def test_an_age_is_told_in_the_largest_unit_that_fits(passed: timedelta, words: str) -> None:
    assert age(NIGHT - passed, NIGHT) == words


def waiting(runs: Path, now: datetime) -> NotReadyError:
    """What somebody who comes then is told."""
    with pytest.raises(NotReadyError) as caught, partition_lock(runs, "second", now.isoformat()):
        raise AssertionError("two have it")
    return caught.value


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (NIGHT - timedelta(minutes=12), "since 02:14:05 UTC, 12 minutes ago"),
        (NIGHT - timedelta(hours=5), "since 2026-01-01 21:26:05 UTC, 5 hours ago"),
    ],
    ids=["the same day", "the day before"],
)
def test_who_has_to_wait_is_told_the_run_the_process_the_host_and_since_when(
    tmp_path: Path, since: datetime, words: str
) -> None:
    with partition_lock(tmp_path / "day=1", "first", since.isoformat()):
        error = waiting(tmp_path / "day=1", NIGHT)
    holder = f"run first (process {os.getpid()} on {os.uname().nodename}) {words}"
    assert error.message == f"day=1 is held by {holder}. Wait for it to end, then run again."
    assert (error.exit_code, error.code) == (75, "locked")
    assert error.facts == {
        "run_id": "first",
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "since": since.isoformat(),
    }


def test_who_held_it_before_is_not_told_of(tmp_path: Path) -> None:
    """The next holder has the lock a moment before it has written its name."""
    with partition_lock(tmp_path, "first", NIGHT.isoformat()):
        assert json.loads((tmp_path / ".lock").read_bytes())["run_id"] == "first"
    assert (tmp_path / ".lock").read_bytes() == b""
    with partition_lock(tmp_path, "second", NIGHT.isoformat()):
        assert json.loads((tmp_path / ".lock").read_bytes())["run_id"] == "second"


ODD: list[Any] = [b"", b"[]", b"[" * 4000, b"\xff", {"run_id": 1}, {"message": "x", "code": "y"}]


@pytest.mark.parametrize("written", ODD, ids=range(len(ODD)))
def test_a_lock_file_that_says_nothing_sensible_still_locks(tmp_path: Path, written: Any) -> None:
    with partition_lock(tmp_path / "day=1", "first", NIGHT.isoformat()):
        data = written if isinstance(written, bytes) else json.dumps(written).encode()
        (tmp_path / "day=1" / ".lock").write_bytes(data)
        error = waiting(tmp_path / "day=1", NIGHT)
    assert error.message == "day=1 is held by another run. Wait for it to end, then run again."
    assert error.facts == {}


def test_a_time_that_is_none_is_told_as_it_stands(tmp_path: Path) -> None:
    with partition_lock(tmp_path, "first", "yesterday"):
        assert " since yesterday. Wait" in waiting(tmp_path, NIGHT).message

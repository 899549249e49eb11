"""The folder of a run, and which run of a partition is the newest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

from pipelines.run_folder import RESULT, latest_run, new_run_id, runs_of

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def test_ids_sort_by_time_also_within_one_second() -> None:
    moments = [NOON - MICROSECOND, NOON, NOON + MICROSECOND, NOON + timedelta(seconds=1)]
    # The end of an id is drawn: a hundred draws of each do not sort by it.
    ids = [[new_run_id(moment) for _ in range(100)] for moment in moments]
    assert all(max(earlier) < min(later) for earlier, later in pairwise(ids))


def test_an_id_is_in_utc_and_not_used_twice() -> None:
    evening = datetime(2024, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert new_run_id(evening).startswith("20240302T013000.000000Z-")
    assert len({new_run_id(NOON) for _ in range(100)}) == 100


def test_the_newest_run_is_the_one_that_started_last_whatever_its_id_ends_with(tmp_path: Path) -> None:
    made = [new_run_id(NOON + place * MICROSECOND) for place in range(50)]
    for run_id in reversed(made):
        (tmp_path / run_id).mkdir()
        (tmp_path / run_id / RESULT).write_bytes(b"{}")
    assert [run.run_id for run in runs_of(tmp_path)] == made
    newest = latest_run(tmp_path)
    assert newest is not None
    assert newest.run_id == made[-1]

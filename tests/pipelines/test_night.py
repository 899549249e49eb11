"""How a night ends: each exit code with its result.json, and what is refused before anything is published."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import night, pass_running
from pipelines.outcome import Outcome
from pipelines.releasing import release_run
from pipelines.running import RunOptions, run_dates
from schemas.errors import ConfigError, ExitCode

DATE, OTHER = "2024-03-01", "2024-03-02"
Rows = Callable[..., pa.Table]


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def stored(job: Any, result: dict[str, Any]) -> dict[str, Any]:
    """result.json in the run's folder."""
    return dict(json.loads((job.run_folder(result) / "result.json").read_bytes()))


# ------------------------------------------------------------------------------------------------------ how it can end


def publishes(job: Any, rows: pa.Table) -> None:
    job.write(DATE, "a.parquet", rows)


def breaks_the_suite(job: Any, rows: pa.Table) -> None:
    job.write(DATE, "a.parquet", with_column(rows, "x", pa.nulls(rows.num_rows, pa.float64())))


def drifts(job: Any, rows: pa.Table) -> None:
    job.edit("job.yaml", "training: train/", "training: train/, gate: hold, critical: [x]")
    job.write(DATE, "a.parquet", with_column(rows, "x", pa.array(np.full(rows.num_rows, 1e6))))


def has_no_rows(job: Any, rows: pa.Table) -> None:
    job.write(DATE, "a.parquet", rows.slice(0, 0))


def is_not_parquet(job: Any, rows: pa.Table) -> None:
    job.write(DATE, "a.parquet", rows).write_bytes(b"PAR1 is not enough")


def is_not_complete(job: Any, rows: pa.Table) -> None:
    job.edit("job.yaml", "input: {", "input: {ready: _SUCCESS, ")
    job.write(DATE, "a.parquet", rows)


def lacks_a_column(job: Any, rows: pa.Table) -> None:
    job.write(DATE, "a.parquet", rows.drop_columns(["n"]))


ENDS = [
    (publishes, (0, "published", "none"), "published"),
    (is_not_parquet, (3, "failed", "fix"), r"\w+"),
    (lacks_a_column, (3, "failed", "fix"), r"\w*missing\w*"),
    (breaks_the_suite, (4, "held", "release"), "quality_gate"),
    (drifts, (6, "held", "release"), "drift_gate"),
    (is_not_complete, (75, "failed", "wait"), "not_ready"),
    (has_no_rows, (99, "no_data", "none"), "no_rows"),
]


@pytest.mark.parametrize(("prepare", "end", "code"), ENDS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_end_has_its_exit_code_and_says_so_in_result_json(
    small_job: Any, make_rows: Rows, prepare: Any, end: tuple[int, str, str], code: str
) -> None:
    prepare(small_job, make_rows(600))
    result = small_job.run(DATE)
    assert (result["exit_code"], result["status"], result["action"]) == end
    assert re.fullmatch(code, result["code"])
    assert (result["format"], result["version"], result["job"]) == ("nightscore.result", 1, "small")
    assert (result["run_date"], result["partition"]) == (DATE, f"day={DATE}")
    assert stored(small_job, result) == result
    assert small_job.partition(DATE).exists() == (end[0] == 0)
    assert (result["published_run"] == result["run_id"]) == (end[0] == 0)
    assert result["run_id"] in (small_job.run_folder(result) / "index.html").read_text()


def test_a_night_that_drift_holds_can_be_released(small_job: Any, make_rows: Rows) -> None:
    drifts(small_job, make_rows(600))
    held = small_job.run(DATE)
    assert "the critical x drifted" in held["reasons"][0]
    assert release_run(small_job.root, DATE, held["run_id"], "a new sensor") == ExitCode.PUBLISHED
    assert small_job.scored(DATE).num_rows == 600
    assert stored(small_job, held)["status"] == "published"


def test_a_night_is_scored_once_its_marker_has_come(small_job: Any, make_rows: Rows) -> None:
    is_not_complete(small_job, make_rows(20))
    assert small_job.run(DATE)["exit_code"] == 75
    (small_job.root / "input" / f"day={DATE}" / "_SUCCESS").touch()
    assert small_job.run(DATE)["rows"]["scored"] == 20


def test_a_missing_night_leaves_a_line_and_no_table(
    small_job: Any, make_rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    small_job.write(OTHER, "a.parquet", make_rows(20))
    code = run_dates(small_job.root, DATE, DATE, RunOptions())
    lines = [line for line in capsys.readouterr().out.splitlines() if DATE in line]
    assert (code, len(lines)) == (99, 1)
    assert lines[0].startswith(f"no data   no data for {DATE}: looked in ")
    assert not (small_job.root / "scored").exists()


def test_a_beam_option_that_does_not_exist_ends_the_run_before_it_scores(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    result = small_job.run(DATE, flags=("--pasword=hunter2",))
    assert (result["exit_code"], result["code"], result["action"]) == (2, "unknown_beam_option", "fix")
    assert "--pasword" in result["message"]
    for path in small_job.run_folder(result).rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes()
    assert not small_job.partition(DATE).exists()


def test_what_nobody_foresaw_is_told_in_the_copy_of_the_result_too(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of the night before stayed there, and said that all was well."""
    small_job.write(DATE, "a.parquet", make_rows(20))
    assert small_job.run(DATE)["status"] == "published"

    def fail(*_: Any) -> None:
        raise RuntimeError("the disk is on fire.")

    monkeypatch.setattr(night, "run_pass", fail)
    with pytest.raises(RuntimeError, match="on fire"):
        small_job.run(DATE)
    result = json.loads((small_job.root / "last-result.json").read_bytes())
    assert (result["status"], result["exit_code"], result["code"]) == ("failed", 1, "unexpected")
    assert result["message"] == "unexpected RuntimeError: the disk is on fire. Nothing was published."
    assert stored(small_job, result) == result


def test_a_result_of_an_earlier_run_does_not_stand_for_one_that_cannot_begin(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.run(DATE)
    with pytest.raises(ConfigError, match="is before --date"):
        run_dates(small_job.root, OTHER, DATE, RunOptions(result=small_job.root / "last-result.json"))
    result = json.loads((small_job.root / "last-result.json").read_bytes())
    assert (result["status"], result["code"]) == ("failed", "dates_reversed")


def test_a_run_within_a_run_of_the_same_partition_is_told_to_wait(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.write(OTHER, "a.parquet", make_rows(20))
    real, inner = night.run_pass, list[dict[str, Any]]()

    def meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(night, "run_pass", real)
        inner.extend(small_job.run(date) for date in (DATE, OTHER))
        return real(*arguments)

    monkeypatch.setattr(night, "run_pass", meanwhile)
    outer = small_job.run(DATE)
    assert (outer["status"], outer["revision"]) == ("published", 1)
    assert [result["exit_code"] for result in inner] == [75, 0]
    assert f"day={DATE} is held by run {outer['run_id']}" in inner[0]["message"]
    assert not small_job.run_folder(inner[0]).exists()


# ------------------------------------------------------------------------------------------- what may not be published


def lose_the_keys(outcome: Outcome) -> None:
    outcome.ledger.account("a.parquet").key_checksum_out ^= 1


def lose_a_part(outcome: Outcome) -> None:
    del outcome.parts[1]


def count_a_unit_twice(outcome: Outcome) -> None:
    outcome.ledger.account("a.parquet").scored += 1000


def tell_another_number_of_rows(outcome: Outcome) -> None:
    outcome.parts[1] = replace(outcome.parts[1], rows=999)


TAMPERED = [
    (lose_the_keys, "a.parquet: the keys that went out are not the keys that came in"),
    (lose_a_part, "the staged parts have 2,000 rows and the quarantine 0; the ledger says 3,000 scored"),
    (count_a_unit_twice, "a.parquet: 3,000 rows in, 4,000 rows accounted for"),
    (tell_another_number_of_rows, "the staged parts have 2,999 rows"),
]


@pytest.mark.parametrize(("tamper", "message"), TAMPERED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_does_not_balance_is_not_published(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch, tamper: Callable[[Outcome], None], message: str
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(3000), row_group_size=1000)
    small_job.run(DATE)
    before = small_job.parts(DATE)
    real = pass_running.read_outcome

    def tampered(*arguments: Any) -> Outcome:
        outcome = real(*arguments)
        tamper(outcome)
        return outcome

    monkeypatch.setattr(pass_running, "read_outcome", tampered)
    result = small_job.run(DATE)
    assert (result["exit_code"], result["status"]) == (7, "failed")
    assert message in result["message"]
    assert small_job.parts(DATE) == before


def test_a_pass_that_leaves_no_outcome_publishes_nothing(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(30))
    monkeypatch.setattr("pipelines.scoring.write_once", lambda *_: "")
    result = small_job.run(DATE)
    assert (result["exit_code"], result["code"]) == (7, "no_outcome")
    assert not small_job.partition(DATE).exists()


def test_only_the_parts_that_the_outcome_names_are_published(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retried unit, a twin or a zombie has left a part of its own."""
    small_job.write(DATE, "a.parquet", make_rows(2000), row_group_size=1000)
    real = pass_running.read_outcome

    def with_a_zombie(spec: Any, folder: Any) -> Outcome:
        staged = next((folder.path / "staged").glob("part-00000-*.parquet"))
        staged.with_name("part-00000-zombie.parquet").write_bytes(staged.read_bytes())
        return real(spec, folder)

    monkeypatch.setattr(pass_running, "read_outcome", with_a_zombie)
    result = small_job.run(DATE)
    assert (result["status"], small_job.scored(DATE).num_rows) == ("published", 2000)
    assert not list(small_job.run_folder(result).rglob("*zombie*"))


def test_a_staged_part_that_is_gone_publishes_nothing(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(2000), row_group_size=1000)
    small_job.run(DATE)
    before = small_job.parts(DATE)
    real = night.judge

    def meanwhile(loaded: Any, *arguments: Any) -> Any:
        next(Path(loaded.runs).glob("*/*/staged/part-00001-*.parquet")).unlink()
        return real(loaded, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(night, "judge", meanwhile)
        with pytest.raises(FileNotFoundError, match="part-00001"):
            small_job.run(DATE)
    assert small_job.parts(DATE) == before
    assert not list((small_job.root / "runs").glob("*/*/outgoing"))
    assert small_job.run(DATE)["revision"] == 2


def test_the_superseded_partition_is_kept_until_the_next_run(small_job: Any, make_rows: Rows) -> None:
    kept = []
    for revision in (1, 2, 3):
        small_job.write(DATE, "a.parquet", make_rows(10 * revision))
        small_job.run(DATE)
        kept.append([pq.read_table(folder).num_rows for folder in small_job.root.glob("runs/*/*/superseded")])
    assert kept == [[], [10], [20]]
    assert small_job.scored(DATE).num_rows == 30


def test_a_file_that_is_replaced_after_planning_is_not_scored(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(30))
    real = night.run_pass

    def meanwhile(*arguments: Any) -> Any:
        small_job.write(DATE, "a.parquet", make_rows(40))
        return real(*arguments)

    monkeypatch.setattr(night, "run_pass", meanwhile)
    result = small_job.run(DATE)
    assert (result["exit_code"], result["code"], result["facts"]["file"]) == (3, "changed_since_planning", "a.parquet")
    assert not small_job.partition(DATE).exists()

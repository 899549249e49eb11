"""Whole runs of the small job: what is published, what is held, what is set aside, and what the run says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.beam_options import refuse_unknown
from pipelines.partition_lock import partition_lock
from pipelines.reference import make_reference
from pipelines.releasing import release_run
from pipelines.running import RunOptions, combined, dates_between, run_dates
from schemas.errors import ConfigError, ExitCode, LedgerError, ModelError
from schemas.job import Limit

DATE, OTHER = "2024-03-01", "2024-03-02"
Rows = Callable[..., pa.Table]


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def quarantined(job: Any, result: dict[str, Any]) -> list[dict[str, Any]]:
    files = sorted((job.run_folder(result) / "quarantine").glob("*.parquet"))
    return [row for path in files for row in pq.read_table(path).to_pylist()]


# --------------------------------------------------------------------------------------------------- which rows are out


def test_a_second_run_with_fewer_files_leaves_exactly_its_rows(small_job: Any, make_rows: Rows) -> None:
    """dask/dask#6824: old parts stayed, and readers saw 160 rows."""
    small_job.write(OTHER, "a.parquet", make_rows(30))
    small_job.run(OTHER)
    other = small_job.parts(OTHER)
    paths = [small_job.write(DATE, f"{n}.parquet", make_rows(25, first_id=100 * n)) for n in range(4)]
    assert small_job.run(DATE)["rows"]["scored"] == 100
    for path in paths:
        path.unlink()
    for number in range(2):
        small_job.write(DATE, f"{number}.parquet", make_rows(30, first_id=100 * number))
    result = small_job.run(DATE)
    names = sorted(path.name for path in small_job.partition(DATE).iterdir())
    assert small_job.scored(DATE).num_rows == 60
    assert names[:2] == ["_SUCCESS", "_manifest.json"]
    assert len(names) == 3
    manifest = json.loads((small_job.partition(DATE) / "_manifest.json").read_bytes())
    assert (manifest["run_id"], manifest["revision"], manifest["rows"]) == (result["run_id"], 2, 60)
    assert small_job.parts(OTHER) == other


def test_a_64_bit_key_is_exact_though_the_column_has_a_null(small_job: Any, make_rows: Rows) -> None:
    """pandas-dev/pandas#57313: 9007199254740993 became 9007199254740992."""
    small_job.edit("schema.yaml", "nullable: false, role: key", "role: key")
    rows = with_column(make_rows(3), "id", pa.array([9007199254740993, None, 5], pa.int64()))
    rows = with_column(rows, "x", pa.array([1.0, 2.0, 3.0]))
    small_job.write(DATE, "a.parquet", rows)
    small_job.run(DATE)
    assert small_job.scored(DATE)["id"].to_pylist() == [9007199254740993, None, 5]
    assert small_job.scored(DATE).schema.field("id").type == pa.int64()


def test_rows_of_duplicate_keys_are_counted_across_files_and_units(small_job: Any, make_rows: Rows) -> None:
    tables = [make_rows(900, first_id=start) for start in (0, 850, 5000)]
    for number, table in enumerate(tables):
        small_job.write(DATE, f"{number}.parquet", table)
    result = small_job.run(DATE)
    wanted = int(pd.concat([t.to_pandas() for t in tables])["id"].duplicated(keep=False).sum())
    assert (result["status"], result["exit_code"], wanted) == ("held", 4, 100)
    assert any(reason.startswith("id: 100 of 2,700 values occur more than once") for reason in result["reasons"])


def test_text_keys_are_compared_by_value(small_job: Any, make_rows: Rows) -> None:
    small_job.edit("schema.yaml", "{name: id, type: int64", "{name: id, type: string")
    ids = pa.array([f"key-{number % 7}" if number < 10 else f"key-{number}" for number in range(20)])
    small_job.write(DATE, "a.parquet", with_column(make_rows(20), "id", ids))
    result = small_job.run(DATE)
    assert any(reason.startswith("id: 6 of 20 values occur more than once") for reason in result["reasons"])


# ------------------------------------------------------------------------------------------------------ no data, 3 ways


def test_no_folder_no_rows_and_an_empty_night_on_purpose(small_job: Any, make_rows: Rows) -> None:
    assert (code := small_job.run(DATE))["exit_code"] == 99
    assert (code["code"], code["status"]) == ("no_files", "no_data")
    small_job.write(DATE, "a.parquet", make_rows(0))
    assert small_job.run(DATE)["code"] == "no_rows"
    small_job.edit("job.yaml", 'input: {path: "input/day={date}/"', 'input: {on_empty: fail, path: "input/day={date}/"')
    assert small_job.run(DATE)["exit_code"] == 3
    assert not small_job.partition(DATE).exists()
    small_job.edit("job.yaml", "on_empty: fail", "on_empty: ok")
    result = small_job.run(DATE)
    assert (result["exit_code"], result["rows"]["scored"]) == (0, 0)
    assert small_job.scored(DATE).column_names == ["id", "c", "p", "yes_or_no"]


def test_an_empty_night_leaves_what_was_out(small_job: Any, make_rows: Rows) -> None:
    path = small_job.write(DATE, "a.parquet", make_rows(10))
    small_job.run(DATE)
    before = small_job.parts(DATE)
    path.unlink()
    assert small_job.run(DATE)["exit_code"] == 99
    assert small_job.parts(DATE) == before


# -------------------------------------------------------------------------------------------------- held, then released


def test_a_held_night_leaves_the_partition_and_a_release_publishes_its_bytes(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(100))
    small_job.run(DATE)
    before = small_job.parts(DATE)
    rows = make_rows(100)
    small_job.write(DATE, "a.parquet", with_column(rows, "x", pa.nulls(100, pa.float64())))
    held = small_job.run(DATE)
    assert (held["status"], held["exit_code"], held["action"]) == ("held", 4, "release")
    assert "x: 100 of 100 values are null" in held["reasons"][0]
    assert "still stands" in held["message"]
    assert small_job.parts(DATE) == before
    manifest = json.loads((small_job.run_folder(held) / "manifest.json").read_bytes())
    release_run(small_job.root, DATE, None, "the feed is known to be down")
    assert small_job.parts(DATE) == {part["name"]: part["sha256"] for part in manifest["parts"]}
    out = json.loads((small_job.partition(DATE) / "_manifest.json").read_bytes())
    assert (out["revision"], out["released"]["reason"]) == (2, "the feed is known to be down")


def test_staged_bytes_that_changed_are_not_released(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", with_column(make_rows(50), "x", pa.nulls(50, pa.float64())))
    held = small_job.run(DATE)
    part = next((small_job.run_folder(held) / "staged").glob("part-*.parquet"))
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(LedgerError, match="gone or changed since the run was held; run the night again"):
        release_run(small_job.root, DATE, None, "no matter")


def test_what_was_published_cannot_be_released(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(50))
    small_job.run(DATE)
    with pytest.raises(ConfigError, match="is published, not held: there is nothing to release"):
        release_run(small_job.root, DATE, None, "no matter")


# ---------------------------------------------------------------------------------------------------- rows that are bad


def test_a_rule_quarantines_its_rows_with_place_reason_and_values(small_job: Any, make_rows: Rows) -> None:
    n = make_rows(500)["n"].to_numpy().copy()
    n[[7, 450]] = [999, -1]
    small_job.write(DATE, "a.parquet", with_column(make_rows(500), "n", pa.array(n)), row_group_size=400)
    result = small_job.run(DATE)
    assert (result["status"], result["rows"]["scored"], result["rows"]["quarantined"]) == ("published", 498, 2)
    found = quarantined(small_job, result)
    assert [(r["quarantine_row"], r["quarantine_row_group"], r["quarantine_rule"], r["n"]) for r in found] == [
        (7, 0, "n_range", 999),
        (450, 1, "n_range", -1),
    ]
    assert {7, 450} & set(small_job.scored(DATE)["id"].to_pylist()) == set()


def test_too_many_quarantined_rows_hold_the_night(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", with_column(make_rows(100), "n", pa.array(np.full(100, 500))))
    result = small_job.run(DATE)
    assert (result["status"], result["exit_code"]) == ("held", 4)


def test_a_double_that_is_no_integer_stops_or_is_quarantined(small_job: Any, make_rows: Rows) -> None:
    """mlflow/mlflow#3798: an integer column arrives as double because of one null."""
    values = pa.array([3.0, None, 2.5])
    small_job.write(DATE, "a.parquet", with_column(make_rows(3), "n", values))
    failed = small_job.run(DATE)
    assert (failed["exit_code"], failed["facts"]["row"], failed["facts"]["file"]) == (3, 2, "a.parquet")
    assert re.search(r"a\.parquet: row 2: column 'n': type_error \(2\.5\)", failed["message"])
    assert not small_job.partition(DATE).exists()
    small_job.edit("schema.yaml", "columns:\n", "on_type_error: quarantine\ncolumns:\n")
    result = small_job.run(DATE)
    assert (result["rows"]["scored"], result["rows"]["quarantined"]) == (2, 1)
    assert quarantined(small_job, result)[0]["quarantine_detail"] == "2.5"


@pytest.mark.parametrize("policy", ["error", "quarantine", "missing"])
def test_an_unknown_category_is_not_a_missing_one(small_job: Any, make_rows: Rows, policy: str) -> None:
    """scikit-learn/scikit-learn#12018, with each policy."""
    small_job.edit("job.yaml", "rows_per_unit", f"features: {{c: {{unknown: {policy}}}}}\nrows_per_unit")
    one = make_rows(1)
    rows = pa.concat_tables([one] * 3)
    rows = with_column(with_column(rows, "c", pa.array(["u", "zz", None])), "id", pa.array([1, 2, 3]))
    small_job.write(DATE, "a.parquet", rows)
    result = small_job.run(DATE)
    if policy == "error":
        assert (result["exit_code"], result["code"]) == (3, "unknown_category")
        assert "column 'c': unknown_category" in result["message"]
        return
    outcome = json.loads((small_job.run_folder(result) / "outcome.json").read_bytes())
    assert (outcome["unknown"]["m.c"], outcome["missing"]["m.c"]) == (1, 1)
    scores = dict(zip(small_job.scored(DATE)["id"].to_pylist(), small_job.scored(DATE)["p"].to_pylist(), strict=True))
    if policy == "quarantine":
        assert set(scores) == {1, 3}
        assert quarantined(small_job, result)[0]["quarantine_reason"] == "unknown_category"
    else:
        assert scores[2] == scores[3]


def test_one_infinite_value_costs_one_row_and_not_the_batch(small_job: Any, make_rows: Rows) -> None:
    """apache/beam#24209: the whole batch went to the dead letters."""
    x = make_rows(10_000)["x"].to_numpy().copy()
    x[1234] = np.inf
    small_job.write(DATE, "a.parquet", with_column(make_rows(10_000), "x", pa.array(x)))
    failed = small_job.run(DATE)
    assert (failed["exit_code"], failed["facts"]["row"]) == (3, 1234)
    small_job.edit("job.yaml", "card: model/m.card.json,", "card: model/m.card.json, on_row_error: quarantine,")
    result = small_job.run(DATE)
    assert (result["rows"]["scored"], result["rows"]["quarantined"]) == (9999, 1)
    assert quarantined(small_job, result)[0]["x"] == np.inf


# ------------------------------------------------------------------------------------------------ the model, the ledger


def test_another_library_version_is_an_error_unless_it_is_allowed(small_job: Any, make_rows: Rows) -> None:
    """scikit-learn/scikit-learn#25297: today a warning on stderr."""
    small_job.write(DATE, "a.parquet", make_rows(50))
    small_job.edit("model/m.card.json", '"xgboost": "3.2.0"', '"xgboost": "1.7.0"')
    with pytest.raises(ModelError, match=r"1\.7\.0.*3\.2\.0"):
        small_job.run(DATE)
    assert not (small_job.root / "runs" / f"day={DATE}").exists()
    result = small_job.run(DATE, allow_version_mismatch=True)
    folder = small_job.run_folder(result)
    assert result["status"] == "published"
    assert "1.7.0" in " ".join(json.loads((folder / "manifest.json").read_bytes())["model_notes"])
    assert "1.7.0" in (folder / "index.html").read_text()


def test_a_changed_model_file_is_never_parsed(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(50))
    path = small_job.root / "model" / "m.ubj"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelError, match="sha256"):
        small_job.run(DATE)


def test_a_lost_unit_does_not_balance_and_nothing_is_published(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(3000), row_group_size=1000)
    real = sys.modules["pipelines.pass_running"].read_outcome

    def lose_a_unit(*arguments: Any) -> Any:
        outcome = real(*arguments)
        outcome.ledger.account("a.parquet").scored -= 1000
        del outcome.parts[1]
        return outcome

    monkeypatch.setattr("pipelines.pass_running.read_outcome", lose_a_unit)
    result = small_job.run(DATE)
    assert (result["exit_code"], result["code"]) == (7, "ledger_imbalance")
    assert "a.parquet: 3,000 rows in, 2,000 rows accounted for" in result["message"]
    assert not small_job.partition(DATE).exists()


# ----------------------------------------------------------------------------------------- dates, locks, flags, signals


def test_several_dates_run_in_one_process_and_a_missing_one_does_not_spoil_them(
    small_job: Any, make_rows: Rows
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.write("2024-03-03", "a.parquet", make_rows(20))
    assert run_dates(small_job.root, DATE, "2024-03-03", RunOptions(quiet=True)) == ExitCode.PUBLISHED
    assert small_job.partition("2024-03-03").exists()
    assert not small_job.partition(OTHER).exists()


def test_the_exit_code_of_several_dates() -> None:
    published, held, none = ExitCode.PUBLISHED, ExitCode.QUALITY_GATE, ExitCode.NO_DATA
    assert combined([published, held, none]) == held
    assert combined([none, published]) == published
    assert combined([none, none]) == none


@pytest.mark.parametrize("text", ["2024-3-1", "20240301", "yesterday", "2024-02-30", ""])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a date like 2013-12-17"):
        dates_between(text, text)


def test_a_second_run_of_a_partition_is_told_who_holds_it(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    with partition_lock(
        small_job.root / "runs" / f"day={DATE}", "20240301T000000.000000Z-abcdef", "2024-03-01T00:00:00+00:00"
    ):
        result = small_job.run(DATE)
    assert (result["exit_code"], result["action"]) == (75, "wait")
    held = rf"day={DATE} is held by run 20240301T000000\.000000Z-abcdef \(process \d+ on .* UTC, [\d,]+ days ago\. Wait"
    assert re.match(held, result["message"])


def test_two_jobs_cannot_share_a_folder_of_runs(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.run(DATE)
    small_job.edit("job.yaml", "name: small", "name: other")
    result = small_job.run(DATE)
    assert result["exit_code"] == 2
    assert "holds the runs of job 'small', not of 'other'" in result["message"]


def test_an_unknown_beam_flag_is_refused_without_its_value() -> None:
    with pytest.raises(ConfigError) as raised:
        refuse_unknown(["--direct_num_workers=1", "--secret_tokn=hunter2"])
    assert "no such option: --secret_tokn" in raised.value.message
    assert "hunter2" not in raised.value.message


def test_a_run_without_the_suite_file_or_with_a_typo_reads_nothing(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.edit("job.yaml", "suite: suite.json", "suite: suit.json")
    with pytest.raises(ConfigError, match=r"suit\.json: no such file"):
        small_job.run(DATE)
    written = json.loads((small_job.root / "last-result.json").read_bytes())
    assert (written["exit_code"], written["code"]) == (2, "no_such_file")


def test_sigterm_ends_a_run_with_143_and_the_next_one_publishes(small_job: Any, make_rows: Rows) -> None:
    for number in range(30):
        small_job.write(DATE, f"{number}.parquet", make_rows(20_000, first_id=20_000 * number))
    command = [sys.executable, "-m", "pipelines", "run", str(small_job.root), "--date", DATE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    units = small_job.root / "runs" / f"day={DATE}"
    for _ in range(600):
        if list(units.glob("*/units/*.json")):
            break
        time.sleep(0.05)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert not small_job.partition(DATE).exists()
    assert small_job.run(DATE)["status"] == "published"
    assert not list(units.glob("*/staged"))


def test_publishing_that_fails_half_way_is_finished_by_the_next_run(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))

    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.publishing.put_folder", no_space)
        with pytest.raises(OSError, match="No space left"):
            small_job.run(DATE)
    assert not small_job.partition(DATE).exists()
    first = json.loads((small_job.root / "runs" / f"day={DATE}" / "publish-intent.json").read_bytes())["run_id"]
    small_job.write(DATE, "a.parquet", make_rows(30))
    result = small_job.run(DATE)
    manifest = json.loads((small_job.partition(DATE) / "_manifest.json").read_bytes())
    assert (manifest["revision"], manifest["supersedes"], result["rows"]["scored"]) == (2, first, 30)


def test_nothing_but_unreadable_files_is_no_empty_night(small_job: Any, make_rows: Rows) -> None:
    small_job.edit("job.yaml", 'input: {path: "input/day={date}/"', 'input: {on_empty: ok, path: "input/day={date}/"')
    small_job.edit("job.yaml", "rows_per_unit", "on_bad_file: isolate\nrows_per_unit")
    path = small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.run(DATE)
    before = small_job.parts(DATE)
    path.write_bytes(b"garbage")
    assert small_job.run(DATE)["exit_code"] == 3
    assert small_job.parts(DATE) == before


def test_a_night_of_which_no_row_was_scored_is_held(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", with_column(make_rows(3), "n", pa.array([999, 999, 999])))
    result = small_job.run(DATE)
    assert (result["status"], result["exit_code"], result["action"]) == ("held", 4, "fix")
    assert "none of 3 rows was scored: publishing would empty the partition" in result["reasons"]
    assert "nightscore release" not in (small_job.run_folder(result) / "index.html").read_text()
    with pytest.raises(
        ConfigError, match=rf"^run {result['run_id']} scored no row: releasing it would leave day={DATE}"
    ):
        release_run(small_job.root, DATE, None, "it is late")
    assert not small_job.partition(DATE).exists()


def test_values_that_do_not_fit_their_type_are_told_as_that(
    small_job: Any, make_rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    """They count as missing, so that expectations speak of nulls; whoever looks for nulls in the file finds none."""
    rows = make_rows(20)
    small_job.write(DATE, "a.parquet", with_column(rows, "n", pc.add(rows["n"].cast(pa.float64()), 0.5)))
    small_job.edit("schema.yaml", "columns:", "on_type_error: quarantine\ncolumns:")
    run_dates(small_job.root, DATE, DATE, RunOptions(result=small_job.root / "result.json"))
    printed = capsys.readouterr().out
    assert "\nschema    4 columns\n          n: 20 values that are no int64, taken as missing\n" in printed
    reasons = json.loads((small_job.root / "result.json").read_bytes())["reasons"]
    assert reasons[0].startswith("20 of 20 rows (100 %) were set aside")
    assert reasons[0].endswith("(checks.max_quarantined); the most by one rule: n: 20 values that are no int64")


def test_publishing_never_removes_what_no_run_published(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    small_job.partition(DATE).mkdir(parents=True)
    (small_job.partition(DATE) / "ground_truth.csv").write_text("important")
    result = small_job.run(DATE)
    assert (result["exit_code"], result["code"]) == (2, "foreign_target")
    assert "is something that no run published: publishing would remove it" in result["message"]
    assert (small_job.partition(DATE) / "ground_truth.csv").read_text() == "important"


def test_a_table_on_another_file_system_is_refused_before_anything_is_scored(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    monkeypatch.setattr("pipelines.refusals._device", lambda path: hash(path.parts[-2:]))
    result = small_job.run(DATE)
    assert (result["exit_code"], result["code"]) == (2, "other_file_system")
    assert "are on different file systems: a partition cannot be put in its place in one step" in result["message"]


def test_a_failure_after_the_commit_point_does_not_unpublish(
    small_job: Any, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))

    def gone(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("pipelines.night.Night._report_line", gone)
    result = small_job.run(DATE)
    assert (result["status"], result["exit_code"]) == ("published", 0)
    assert json.loads((small_job.run_folder(result) / "result.json").read_bytes())["status"] == "published"


def test_another_card_is_another_configuration(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(20))
    digests = []
    for name in ('"name": "m"', '"name": "changed"'):
        small_job.edit("model/m.card.json", '"name": "m"', name)
        result = small_job.run(DATE)
        digests.append(json.loads((small_job.run_folder(result) / "manifest.json").read_bytes())["digests"]["card m"])
    assert digests[0] != digests[1]


def test_contracts_that_refuse_extra_columns_can_still_be_profiled(small_job: Any, make_rows: Rows) -> None:
    small_job.edit("schema.yaml", "columns:\n", "extra_columns: error\ncolumns:\n")
    make_reference(small_job.root)
    small_job.edit("schema.yaml", "{name: id, type: int64", "{name: id, type: string")
    ids = pa.array(["same", "same", "other"])
    rows = with_column(with_column(make_rows(3), "id", ids), "x", pa.array([1.0, 2.0, 3.0]))
    small_job.write(DATE, "a.parquet", rows)
    assert small_job.run(DATE)["reasons"][0].startswith("id: 2 of 3 values occur more than once")


def test_29_percent_of_100_rows_are_29() -> None:
    assert Limit.model_validate({"share": "29%", "rows": 0}).allows(29, 100)
    assert not Limit.model_validate({"share": "29%", "rows": 0}).allows(30, 100)


def test_the_report_tells_a_policy_for_unknown_categories_of_categories_only(small_job: Any, make_rows: Rows) -> None:
    small_job.write(DATE, "a.parquet", make_rows(300))
    folder = small_job.run_folder(small_job.run(DATE))
    counts = json.loads((folder / "report.json").read_bytes())["features"]
    assert {item["feature"]: item["policy"] for item in counts} == {"c": "error", "x": ""}
    assert "Each row is counted once" not in (folder / "index.html").read_text()


def test_the_report_counts_a_row_once_and_says_so(small_job: Any, make_rows: Rows) -> None:
    rows = with_column(make_rows(300), "n", pa.array([999] + [1] * 299))
    small_job.write(DATE, "a.parquet", rows)
    folder = small_job.run_folder(small_job.run(DATE))
    assert [item["rows"] for item in json.loads((folder / "report.json").read_bytes())["quarantine"]] == [1]
    text = (folder / "index.html").read_text()
    assert "Each row is counted once, under the first rule that it broke." in text


def test_partition_columns_and_extra_columns_are_told_once(small_job: Any, make_rows: Rows) -> None:
    rows = make_rows(20).append_column("surprise", pa.array(["?"] * 20))
    small_job.write(DATE, "a.parquet", rows)
    result = small_job.run(DATE)
    manifest = json.loads((small_job.run_folder(result) / "manifest.json").read_bytes())
    assert manifest["ignored_columns"] == ["surprise"]


def test_every_finding_is_strict_json_and_holds_no_row_value(small_job: Any, make_rows: Rows) -> None:
    rows = with_column(make_rows(200), "c", pa.array(["u"] * 199 + ["secret-person"]))
    small_job.edit("job.yaml", "rows_per_unit", "features: {c: {unknown: missing}}\nrows_per_unit")
    small_job.write(DATE, "a.parquet", rows)
    result = small_job.run(DATE)
    folder: Path = small_job.run_folder(result)
    for name in ("result.json", "manifest.json", "quality.json", "drift.json", "report.json"):
        text = (folder / name).read_text()
        json.loads(text, parse_constant=pytest.fail)
        assert "secret-person" not in text, name
    assert "secret-person" not in (folder / "index.html").read_text()


def test_a_copy_of_the_whole_folder_elsewhere_gives_the_same_bytes(
    small_job: Any, make_rows: Rows, tmp_path: Path
) -> None:
    small_job.write(DATE, "a.parquet", make_rows(2500), row_group_size=500)
    copy = type(small_job)(tmp_path / "elsewhere")
    shutil.copytree(small_job.root, copy.root)
    small_job.run(DATE)
    copy.run(DATE)
    assert small_job.parts(DATE) == copy.parts(DATE)
    assert pc.sum(copy.scored(DATE)["id"]).as_py() == sum(range(2500))

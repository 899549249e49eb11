"""`nightscore profile` on training data that is damaged, strange or not there: what it says, and what it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_checks.reference import ReferenceProfile
from data_checks.reference_file import read_reference
from data_checks.slices import MISSING, OTHER
from schemas.errors import ConfigError, InputError, RowError

DATE = "2024-03-01"
Rows = Callable[..., pa.Table]


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def train(job: Any, *tables: pa.Table, **options: Any) -> None:
    """These are all training files there are: 0.parquet, 1.parquet ..."""
    for path in (job.root / "train").iterdir():
        path.unlink()
    for number, table in enumerate(tables):
        pq.write_table(table, job.root / "train" / f"{number}.parquet", write_page_checksum=True, **options)


def profile_of(job: Any) -> Path:
    return Path(job.root) / "reference" / "profile.json"


def profiled(job: Any) -> ReferenceProfile:
    """What a run of `nightscore profile` makes; it leaves nothing else behind."""
    assert job.command("profile") == 0
    assert [path.name for path in profile_of(job).parent.iterdir()] == ["profile.json"]
    found = read_reference(profile_of(job))
    assert isinstance(found, ReferenceProfile), found
    return found


def assert_refused(job: Any, kind: type[Exception], match: str) -> None:
    """It fails with that text, and leaves the old profile as it was and nothing else."""
    before = profile_of(job).read_bytes()
    with pytest.raises(kind, match=match):
        job.command("profile")
    assert profile_of(job).read_bytes() == before
    assert [path.name for path in profile_of(job).parent.iterdir()] == ["profile.json"]


# ------------------------------------------------------------------------------------------------- rows that do not fit


def test_a_row_that_the_contract_does_not_allow_is_named_by_file_and_row(small_job: Any, make_rows: Rows) -> None:
    """The first unit's, whichever unit is looked at first."""
    small_job.edit("schema.yaml", "{name: n, type: int64}", "{name: n, type: int64, nullable: false}")
    n = make_rows(2_000)["n"].to_pylist()
    n[1_234] = n[1_700] = None
    bad = with_column(make_rows(2_000), "n", pa.array(n, pa.int64()))
    train(small_job, make_rows(50), bad, bad, row_group_size=400)
    assert_refused(small_job, RowError, r"/train/1\.parquet: row 1234: column 'n': null$")


def test_a_value_of_another_type_is_named_by_file_and_row(small_job: Any, make_rows: Rows) -> None:
    numbers = [7.0] * 50
    numbers[3] = 3.5
    train(small_job, with_column(make_rows(50), "n", pa.array(numbers)))
    assert_refused(small_job, RowError, r"/train/0\.parquet: row 3: column 'n': type_error$")


def test_rows_that_would_go_to_quarantine_are_left_out(small_job: Any, make_rows: Rows) -> None:
    small_job.edit(
        "schema.yaml", "{name: n, type: int64}", "{name: n, type: int64, nullable: false, on_null: quarantine}"
    )
    n = pa.array([None if number % 10 == 3 else number for number in range(500)], pa.int64())
    train(small_job, with_column(make_rows(500), "n", n), row_group_size=200)
    reference = profiled(small_job)
    column = reference.column("n")
    assert column is not None
    assert (reference.rows, column.rows, column.missing) == (450, 450, 0)
    assert reference.decision_profiles["m"].rows == 450


def test_training_data_needs_neither_keys_nor_only_known_columns(small_job: Any, make_rows: Rows) -> None:
    wanted = profiled(small_job)
    rows = pq.read_table(small_job.root / "train" / "rows.parquet")
    train(small_job, rows.drop_columns(["id"]).append_column("label", pa.array([1] * rows.num_rows)))
    assert profiled(small_job).digest == wanted.digest


def test_a_row_that_the_model_refuses_does_not_cost_the_contributions_of_the_others(
    small_job: Any, make_rows: Rows
) -> None:
    """One infinite value left the whole reference without impact: XGBoost explains no batch that holds one."""
    x = make_rows(600)["x"].to_numpy().copy()
    x[5:10] = np.inf
    train(small_job, with_column(make_rows(600), "x", pa.array(x)))
    small_job.edit("job.yaml", "training: train/", "training: train/, impact_rows: 1000")
    reference = profiled(small_job)
    assert (reference.impact_sums.refused, reference.impact_sums.scores["p"].rows) == ({}, 595)
    decisions, score = reference.decision_profiles["m"], reference.score("p")
    assert score is not None
    assert (decisions.rows, decisions.missing, score.rows, score.missing) == (595, 5, 600, 5)


# ---------------------------------------------------------------------------------------------------- files that do not


def test_a_damaged_page_is_told_with_its_file(small_job: Any, make_rows: Rows) -> None:
    train(small_job, make_rows(50), make_rows(3_000), row_group_size=500)
    path = small_job.root / "train" / "1.parquet"
    data = bytearray(path.read_bytes())
    data[pq.read_metadata(path).row_group(2).column(1).data_page_offset + 200] ^= 0xFF
    path.write_bytes(bytes(data))
    assert_refused(small_job, InputError, r"/train/1\.parquet: row group 2: cannot be read \(.*CRC checksum")


def test_a_file_that_is_no_parquet_is_told(small_job: Any) -> None:
    (small_job.root / "train" / "more.parquet").write_bytes(b"PAR1 is not enough")
    assert_refused(small_job, InputError, r"more\.parquet: does not end as a Parquet file does")


def test_a_training_file_without_a_feature_is_told(small_job: Any, make_rows: Rows) -> None:
    train(small_job, make_rows(50), make_rows(50).drop_columns(["x"]))
    assert_refused(small_job, InputError, r"/train/1\.parquet: .*'x'")


def test_no_training_rows_make_no_profile(small_job: Any, make_rows: Rows) -> None:
    train(small_job, make_rows(0), make_rows(0))
    assert_refused(small_job, ConfigError, r"no row that fits the contract, in 2 files: .*/train/0\.parquet, \.\.\.$")
    small_job.edit(
        "schema.yaml", "{name: n, type: int64}", "{name: n, type: int64, nullable: false, on_null: quarantine}"
    )
    train(small_job, with_column(make_rows(5), "n", pa.nulls(5, pa.int64())))
    assert_refused(small_job, ConfigError, r"no row that fits the contract, in 1 file: .*/train/0\.parquet$")


def test_no_training_file_makes_no_profile(small_job: Any) -> None:
    train(small_job)
    assert_refused(small_job, ConfigError, r"no Parquet file in .*/train$")
    small_job.edit("job.yaml", ", training: train/", "")
    assert_refused(small_job, ConfigError, r"drift\.training must name the training data")


# ------------------------------------------------------------------------------------------------------ many categories


@pytest.fixture
def wordy_job(small_job: Any) -> Any:
    """The job with a text column `k` that no model reads, which slices are made of."""
    path = small_job.root / "schema.yaml"
    path.write_text(path.read_text() + "  - {name: k, type: string}\n")
    small_job.edit("job.yaml", "training: train/", "training: train/, slices: [k], impact_rows: 0")
    return small_job


def words(rows: pa.Table, numbers: Any) -> pa.Table:
    return rows.append_column("k", pa.array([f"word-{number:06d}" for number in numbers]))


def test_more_categories_than_can_be_counted_are_told_as_such(wordy_job: Any, make_rows: Rows) -> None:
    """Each file alone has few enough."""
    tables = [words(make_rows(60_000, first_id=start), range(start, start + 60_000)) for start in (0, 40_001)]
    train(wordy_job, *tables)
    reference = profiled(wordy_job)
    column = reference.column("k")
    assert column is not None
    facts = column.categorical
    assert facts is not None
    assert (facts.categories, facts.distinct, facts.unlisted) == ((), 100_001, 120_000)
    assert not facts.complete
    assert reference.slice_profiles["k"].rows.tolist() == [120_000, 0]


def test_the_most_frequent_of_many_categories_are_listed(wordy_job: Any, make_rows: Rows) -> None:
    numbers = [*range(3_000), *range(1_500), *range(10)]
    train(wordy_job, words(make_rows(4_510), numbers), row_group_size=1_000)
    reference = profiled(wordy_job)
    column = reference.column("k")
    assert column is not None
    facts = column.categorical
    assert facts is not None
    assert (facts.names[:11], len(facts.names)) == (tuple(f"word-{number:06d}" for number in range(11)), 1_000)
    assert (facts.distinct, facts.unlisted) == (3_000, 4_510 - 2_010)
    assert reference.slice_profiles["k"].values == (OTHER, MISSING)  # no pandas


# ------------------------------------------------------------------------------------------------------- what is hidden


def test_categories_of_a_sensitive_column_are_compared_and_not_shown(small_job: Any, make_rows: Rows) -> None:
    small_job.edit("schema.yaml", "{name: c, type: string}", "{name: c, type: string, sensitive: true}")
    small_job.edit("job.yaml", "output: {columns: [c]}", "output: {columns: []}")
    secret = [None if name is None else f"secret-{name}" for name in make_rows(2_000)["c"].to_pylist()]
    rows = with_column(make_rows(2_000), "c", pa.array(secret))
    small_job.edit("job.yaml", "rows_per_unit", "features: {c: {unknown: missing}}\nrows_per_unit")
    train(small_job, rows)
    profiled(small_job)
    small_job.write(DATE, "a.parquet", rows)
    folder = small_job.run_folder(small_job.run(DATE))
    drift = json.loads((folder / "drift.json").read_bytes())
    column = next(item for item in drift["columns"] if item["column"] == "c")
    assert [item["label"] for item in column["bins"]] == ["category 1", "category 2", "category 3"]
    assert (column["psi"], column["status"]) == (0.0, "ok")
    for name in ("drift.json", "trend.json", "report.json", "quality.json", "result.json", "index.html"):
        assert "secret-" not in (folder / name).read_text(), name


def test_no_value_of_a_sensitive_column_is_told_by_its_bins_or_within_slices(small_job: Any, make_rows: Rows) -> None:
    """Deciles are values of rows: the labels of the bins told them, and slices the names of the categories."""
    for old in ("{name: n, type: int64}", "{name: c, type: string}"):
        small_job.edit("schema.yaml", old, old.replace("}", ", sensitive: true}"))
    small_job.edit("schema.yaml", "  - {name: c,", "  - {name: area, type: string}\n  - {name: c,")
    small_job.edit("job.yaml", "output: {columns: [c]}", "output: {columns: []}")
    small_job.edit("job.yaml", "training: train/}", "training: train/, slices: [area]}")
    small_job.edit("job.yaml", "rows_per_unit", "features: {c: {unknown: missing}}\nrows_per_unit")
    small_job.edit("job.yaml", "checks: {suite: suite.json}\n", "")

    def rows(secrets: list[str], low: int) -> pa.Table:
        numbers = pa.array([7 * (low + place % 100) for place in range(2_000)], pa.int64())
        table = with_column(with_column(make_rows(2_000), "n", numbers), "c", pa.array(secrets * 500))
        return table.append_column("area", pa.array(["north", "south"] * 1_000))

    train(small_job, rows(["secret-u", "secret-v"] * 2, 111_000))
    profiled(small_job)
    small_job.write(DATE, "a.parquet", rows(["secret-u", "secret-u", "secret-u", "secret-v"], 111_043))
    folder = small_job.run_folder(small_job.run(DATE))
    small_job.command("drift", "--from", DATE, "--to", DATE)
    told = folder.parents[1] / "drift" / f"{DATE}_{DATE}"
    drift = json.loads((folder / "drift.json").read_bytes())
    flagged = {column["column"] for item in drift["slices"] for column in item["columns"]}
    assert flagged >= {"n", "c"}
    files = [folder / name for name in ("drift.json", "trend.json", "report.json", "index.html", "result.json")]
    for path in [*files, told / "trend.json", told / "index.html"]:
        found = re.findall(r"secret-|777,?\d{3}(?!\d)", path.read_text())
        values = [text for text in found if text == "secret-" or int(text.replace(",", "")) % 7 == 0]
        assert not values, (path.name, values)  # what is not a multiple of 7 is a mean


# ------------------------------------------------------------------------------------------------- nothing half written


def test_a_disk_that_is_full_leaves_the_old_profile(small_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile was written in place: whatever stopped it left the beginning of the new one."""

    def half(_: ReferenceProfile, path: Path) -> None:
        path.write_text('{\n "format": "nightscore.reference"')
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.reference.write_reference", half)
    assert_refused(small_job, OSError, "No space left")


def work_folders(job: Any) -> list[Path]:
    return sorted(profile_of(job).parent.glob(".profile-*"))


def test_a_killed_profile_leaves_the_old_one_and_the_next_makes_its_own(small_job: Any, make_rows: Rows) -> None:
    """What it leaves in its work folder stays: nobody can tell whether another process works in it."""
    train(small_job, *(make_rows(40_000, first_id=50_000 * number) for number in range(3)), row_group_size=10_000)
    before = profile_of(small_job).read_bytes()
    command = [sys.executable, "-m", "pipelines", "profile", str(small_job.root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while not list(profile_of(small_job).parent.glob(".profile-*/values/*/*.npy")):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert profile_of(small_job).read_bytes() == before
    (left,) = work_folders(small_job)
    assert small_job.command("profile") == 0
    assert work_folders(small_job) == [left]
    found = read_reference(profile_of(small_job))
    assert isinstance(found, ReferenceProfile), found
    assert found.rows == 120_000

"""`nightscore drift`: a range of nights as a page, a table and JSON, and what it says of nights that are not out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_checks.drift_json import drift_from_json
from data_checks.history import column_measures, decision_measures
from data_checks.trend_facts import TrendFacts
from schemas.errors import ConfigError, NoDataError

Rows = Callable[..., pa.Table]
FIRST, LAST = "2024-02-27", "2024-03-04"
QUIET, MOVED, HELD, FAILED, MISSING, EMPTY, FEW = (
    *("2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"),
    *("2024-03-02", "2024-03-03", "2024-03-04"),
)
PUBLISHED = (QUIET, MOVED, FEW)


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def inputs(make_rows: Rows) -> dict[str, pa.Table]:
    """The nights' rows; the night of the second of March has no folder."""
    rows = {day: make_rows(600, first_id=1_000 * number) for number, day in enumerate((QUIET, MOVED, HELD, FAILED))}
    rows[MOVED] = with_column(rows[MOVED], "n", pa.array(np.full(600, 49)))
    rows[HELD] = with_column(rows[HELD], "x", pa.array(np.full(600, 17.0)))
    rows[FAILED] = rows[FAILED].drop_columns(["n"])
    return rows | {EMPTY: make_rows(0), FEW: make_rows(150, first_id=7_000)}


@pytest.fixture(scope="module")
def nights(trained_job: Path, tmp_path_factory: pytest.TempPathFactory, make_rows: Rows, job_folder: Any) -> Any:
    """A week of nights, of which three are out, and its report. Slices by c."""
    root = tmp_path_factory.mktemp("nights") / "job"
    shutil.copytree(trained_job, root)
    job = job_folder(root)
    job.edit("job.yaml", "checks: {suite: suite.json}\n", "")
    job.edit(
        "job.yaml",
        "training: train/",
        "training: train/, slices: [c], gate: hold, critical: [x], max_drifted_share: 100%, impact_rows: 300",
    )
    job.command("profile")
    for day, rows in inputs(make_rows).items():
        job.write(day, "a.parquet", rows)
        job.run(day)
    assert report(job) == 0
    return job


@pytest.fixture
def job(nights: Any, tmp_path: Path) -> Any:
    """A copy of the nights."""
    shutil.copytree(nights.root, tmp_path / "nights")
    return type(nights)(tmp_path / "nights")


def report(job: Any, *options: str, first: str = FIRST, last: str = LAST) -> int:
    return int(job.command("drift", "--from", first, "--to", last, *options))


def folder_of(job: Any, first: str = FIRST, last: str = LAST) -> Path:
    return Path(job.root) / "runs" / "drift" / f"{first}_{last}"


def trend_of(job: Any, **dates: str) -> dict[str, Any]:
    return dict(json.loads((folder_of(job, **dates) / "trend.json").read_bytes(), parse_constant=pytest.fail))


def verdicts(job: Any) -> dict[str, Any]:
    """Date to drift.json, of every run that left one."""
    paths = sorted((job.root / "runs").glob("day=*/*/drift.json"))
    return {path.parts[-3].removeprefix("day="): json.loads(path.read_bytes()) for path in paths}


# ------------------------------------------------------------------------------------------------------- what it writes


def test_the_history_has_one_row_for_each_date_column_and_measure_and_says_what_drift_json_says(nights: Any) -> None:
    table = folder_of(nights) / "history.parquet"
    rows = duckdb.sql(f"select * from read_parquet('{table}') order by all").fetchall()  # noqa: S608  # our own path
    names = [item[0] for item in duckdb.sql(f"describe select * from read_parquet('{table}')").fetchall()]  # noqa: S608
    found = [dict(zip(names, row, strict=True)) for row in rows]
    keys = {(str(row["run_date"]), row["column"], row["role"], row["measure"]): row for row in found}
    assert len(keys) == len(found) > 0
    wanted: dict[tuple[str, str, str, str], Any] = {}
    for day, raw in verdicts(nights).items():
        verdict = drift_from_json(raw)
        for column in verdict.columns:
            for measure, value in column_measures(column).items():
                wanted[day, column.column, column.role, measure] = value, column.status.value, column.current_rows
        for decision in verdict.decisions:
            for measure, value in decision_measures(decision).items():
                wanted[day, decision.model, "decision", measure] = value, decision.status.value, decision.current_rows
    assert {key: (row["value"], row["status"], row["current_rows"]) for key, row in keys.items()} == wanted
    assert {key[0] for key in keys} == {QUIET, MOVED, HELD, FEW}


def test_the_nights_are_told_with_how_they_ended_and_why(nights: Any) -> None:
    told = {night["date"]: night for night in trend_of(nights)["nights"]}
    outcomes = ["published", "published", "held", "failed", "missing", "no_data", "published"]
    assert [night["outcome"] for night in told.values()] == outcomes
    assert [night["rows"] for night in told.values()] == [600, 600, 600, None, None, None, 150]
    assert "the critical x drifted" in told[HELD]["reason"]
    assert "'n'" in told[FAILED]["reason"]
    assert told[MISSING]["reason"] == "no run"
    assert "without any row" in told[EMPTY]["reason"]
    statuses = {day: verdict["status"] for day, verdict in verdicts(nights).items()}
    assert {day: night["status"] for day, night in told.items() if night["status"]} == statuses
    assert (statuses[QUIET], statuses[MOVED], statuses[HELD]) == ("ok", "warn", "drift")
    assert [night["reason"] for night in told.values() if night["outcome"] == "published"] == ["", "", ""]


def test_the_page_names_every_night_and_what_it_ended_with(nights: Any) -> None:
    page = (folder_of(nights) / "index.html").read_text()
    assert all(day in page for day in (QUIET, MOVED, HELD, FAILED, MISSING, EMPTY, FEW))
    assert "the critical x drifted" in page


def test_series_have_a_place_for_every_night(nights: Any) -> None:
    trend = trend_of(nights)
    series = {column["column"]: column for column in trend["columns"]}
    assert set(series) == {"x", "n", "c", "p"}
    by_night = verdicts(nights)
    for name, column in series.items():
        columns = [
            next((c for c in by_night.get(n["date"], {"columns": []})["columns"] if c["column"] == name), None)
            for n in trend["nights"]
        ]
        assert column["statuses"] == [None if item is None else item["status"] for item in columns]
        assert column["measures"]["psi"] == [None if item is None else item["psi"] for item in columns]


def test_the_facts_survive_their_json(nights: Any) -> None:
    raw = trend_of(nights)
    assert json.loads(json.dumps(TrendFacts.from_json(raw).to_json())) == raw


def test_the_same_nights_give_the_same_bytes(nights: Any, job: Any) -> None:
    assert report(job, "--output", str(job.root / "elsewhere")) == 0
    for name in ("trend.json", "history.parquet", "index.html"):
        assert (job.root / "elsewhere" / name).read_bytes() == (folder_of(nights) / name).read_bytes(), name


def test_the_lines_say_how_many_nights_are_out_and_where_the_report_is(
    job: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    report(job)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"nights    7 nights from {FIRST} to {LAST}, 3 published"
    assert [line.split()[0] for line in lines] == ["nights", "drift", "report", "history"]
    assert lines[2].endswith(f"runs/drift/{FIRST}_{LAST}/index.html")


# ------------------------------------------------------------------------------------------------- all nights together


def drift_of_one_night(job: Any, rows: list[pa.Table]) -> dict[str, Any]:
    """drift.json of a night that has the rows of several."""
    other = "2024-06-01"
    for number, table in enumerate(rows):
        job.write(other, f"{number}.parquet", table)
    job.edit("job.yaml", "impact_rows: 300", "impact_rows: 100000")
    return dict(json.loads((job.run_folder(job.run(other)) / "drift.json").read_bytes()))


#: Of a column, what is counted: the same however rows are shared out over nights.
COUNTED = ("column", "status", "reference_rows", "current_rows", "psi", "missing_rate_current", "bins", "unit_bins")
COUNTED += ("unseen_share", "out_of_range_share", "js_distance_base2", "missing_rate_z", "reasons")


def test_the_nights_together_are_one_night_with_all_their_rows(job: Any, make_rows: Rows) -> None:
    """Sums are added exactly, and the batches are the same: so are the means."""
    whole, rows = trend_of(job)["whole"], inputs(make_rows)
    wanted = drift_of_one_night(job, [rows[day] for day in PUBLISHED])
    for found, one in zip(whole["columns"], wanted["columns"], strict=True):
        assert {name: found[name] for name in COUNTED} == {name: one[name] for name in COUNTED}
        assert found["mean_current"] == one["mean_current"]
        assert found["measures"] == one["measures"]
    assert (whole["status"], whole["reason"]) == (wanted["status"], wanted["reason"])
    assert (whole["decisions"], whole["slices"]) == (wanted["decisions"], wanted["slices"])


def test_a_month_is_its_nights_together(job: Any) -> None:
    months = trend_of(job)["months"]
    assert list(months) == ["2024-02", "2024-03"]
    assert months["2024-03"]["columns"] == verdicts(job)[FEW]["columns"]
    rows = {month: verdict["columns"][1]["current_rows"] for month, verdict in months.items()}
    assert rows == {"2024-02": 1_200, "2024-03": 150}


def test_nights_with_fewer_slices_and_of_another_threshold_are_added_as_far_as_they_go(
    job: Any, make_rows: Rows
) -> None:
    """What such a night lacks was added twice from the others, and another threshold ended the report."""
    job.edit("job.yaml", "label: yes_or_no}", "label: yes_or_no, threshold: 0.9}")
    job.edit("job.yaml", "slices: [c], ", "")
    job.write(MOVED, "a.parquet", inputs(make_rows)[MOVED])
    job.run(MOVED)
    job.edit("job.yaml", "training: train/", "training: train/, slices: [c]")
    job.edit("job.yaml", ", threshold: 0.9}", "}")
    assert report(job) == 0
    whole = trend_of(job)["whole"]
    assert {column["current_rows"] for column in whole["columns"] if column["column"] in ("n", "p")} == {1_350}
    assert sum(item["current_rows"] for item in whole["slices"]) == 750
    assert whole["decisions"][0]["current_rows"] == 750


def test_what_another_model_scored_is_not_added_to_todays_scores(job: Any) -> None:
    path = job.partition(MOVED) / "_manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["models"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest))
    assert report(job) == 0
    whole = trend_of(job)["whole"]
    rows = {column["column"]: column["current_rows"] for column in whole["columns"]}
    assert (rows["n"], rows["p"]) == (1_350, 750)
    assert whole["decisions"][0]["current_rows"] == 750
    explained = {day: verdict["impacts"][0]["current_rows"] for day, verdict in verdicts(job).items()}
    assert whole["impacts"][0]["current_rows"] == explained[QUIET] + explained[FEW]


def test_nights_on_another_reference_are_told_and_left_out(job: Any, make_rows: Rows) -> None:
    pq.write_table(make_rows(3_000), job.root / "train" / "rows.parquet")
    job.command("profile")
    job.write(FEW, "a.parquet", make_rows(150))
    job.run(FEW)
    assert report(job) == 0
    trend = trend_of(job)
    told = {night["date"]: night for night in trend["nights"]}
    assert told[QUIET]["reason"] == "it was compared with another reference profile"
    assert (told[QUIET]["status"], told[QUIET]["rows"], told[FEW]["status"] is None) == (None, 600, False)
    assert [told[day]["rows"] for day in PUBLISHED] == [600, 600, 150]
    assert trend["whole"]["columns"][1]["current_rows"] == 150
    assert trend["columns"][0]["statuses"][:6] == [None] * 6
    sentence = (
        f"2 nights published but not compared: {QUIET} to {MOVED} (it was compared with another reference profile)"
    )
    assert sentence in (folder_of(job) / "index.html").read_text()


def test_a_range_that_was_scored_before_the_reference_was_made_anew_is_not_called_empty(
    job: Any, make_rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(make_rows(3_000), job.root / "train" / "rows.parquet")
    job.command("profile")
    capsys.readouterr()
    assert report(job, last=MOVED) == 0
    said = "2 nights published but not compared: 2024-02-27 to 2024-02-28"
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{'':<10}{said}")
    assert lines[2] == "drift     not_computed: no night could be compared with training: 2 nights are published"
    page = (folder_of(job, last=MOVED) / "index.html").read_text()
    assert said in page
    assert '<span class="figure">1,200</span>' in page
    assert "no rows" not in page


def test_a_night_without_a_reference_then_is_told_so(job: Any, make_rows: Rows) -> None:
    profile = job.root / "reference" / "profile.json"
    aside = profile.read_bytes()
    profile.unlink()
    job.edit("job.yaml", "gate: hold", "gate: warn")
    job.write(FEW, "a.parquet", make_rows(150))
    job.run(FEW)
    profile.write_bytes(aside)
    assert report(job) == 0
    told = trend_of(job)["nights"][-1]
    assert (told["outcome"], told["status"], told["rows"]) == ("published", None, 150)
    assert told["reason"] == "there was no reference profile to compare it with then"


def test_a_night_whose_profile_is_gone_is_told_with_its_own_verdict(job: Any) -> None:
    (path,) = (job.root / "runs" / f"day={QUIET}").glob("*/profile.json")
    path.unlink()
    assert report(job) == 0
    trend = trend_of(job)
    told = trend["nights"][0]
    assert (told["status"], told["rows"], told["reason"]) == ("ok", 600, "the run left no profile.json")
    assert trend["whole"]["columns"][1]["current_rows"] == 750


def test_a_drift_json_that_is_damaged_costs_one_night(job: Any) -> None:
    (path,) = (job.root / "runs" / f"day={QUIET}").glob("*/drift.json")
    path.write_bytes(path.read_bytes()[:1_000])
    assert report(job) == 0
    told = trend_of(job)["nights"][0]
    assert (told["outcome"], told["status"], told["rows"]) == ("published", None, 600)
    assert told["reason"].startswith("its drift.json cannot be read: JSONDecodeError")


def test_a_partition_that_was_removed_is_not_out(job: Any) -> None:
    shutil.rmtree(job.partition(QUIET))
    assert report(job) == 0
    told = trend_of(job)["nights"][0]
    assert (told["outcome"], told["status"]) == ("missing", None)
    assert told["reason"].endswith("was published, and its partition is gone")


# ---------------------------------------------------------------------------------------------------- what it refuses


def test_a_range_without_any_run_is_no_data(job: Any) -> None:
    with pytest.raises(NoDataError, match="no run of small from 2025-01-01 to 2025-01-03: there is nothing") as raised:
        report(job, first="2025-01-01", last="2025-01-03")
    assert raised.value.exit_code == 99
    assert not folder_of(job, "2025-01-01", "2025-01-03").exists()


def test_a_range_that_ends_before_it_begins_is_refused(job: Any) -> None:
    with pytest.raises(ConfigError, match="--to 2024-02-27 is before"):
        report(job, first=LAST, last=FIRST)
    with pytest.raises(ConfigError, match="'2024-02-30' is not a date"):
        report(job, last="2024-02-30")


def test_a_range_in_which_nothing_is_out_is_told(job: Any) -> None:
    assert report(job, first=HELD, last=FAILED) == 0
    trend = trend_of(job, first=HELD, last=FAILED)
    assert (trend["whole"]["status"], trend["whole"]["reason"]) == ("not_computed", "no rows tonight")
    assert trend["months"] == {}


@pytest.mark.parametrize("place", ["scored", "scored/more", "input", f"input/day={QUIET}"])
def test_no_report_is_written_where_it_would_be_read_as_rows(nights: Any, place: str) -> None:
    """history.parquet in the scored table was scored rows to its readers, and beside the input it was input."""
    before = sorted(nights.root.rglob("*.parquet"))
    with pytest.raises(ConfigError, match=r"history\.parquet would be read as rows"):
        nights.command("drift", "--from", FIRST, "--to", LAST, "--output", str(nights.root / place))
    assert sorted(nights.root.rglob("*.parquet")) == before


def test_a_place_that_cannot_be_written_to_is_named(nights: Any) -> None:
    with pytest.raises(ConfigError, match=r"cannot be written to .*job\.yaml: File exists"):
        nights.command("drift", "--from", FIRST, "--to", LAST, "--output", str(nights.root / "job.yaml"))

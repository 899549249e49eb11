"""`run --resume`: what an interrupted run has finished is used again, where nothing that decides it has changed."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipelines import loading, night, resuming, running_code, scoring
from pipelines.files import file_sha256
from pipelines.reference import make_reference
from pipelines.releasing import release_run
from pipelines.termination import Terminated
from pipelines.unit_records import UnitRecords
from schemas.card import write_card
from transforms.card_writing import About, card_for
from transforms.model_facts import inspect_model

DATE, OTHER = "2024-03-01", "2024-03-02"
FINDINGS = ("quality.json", "drift.json", "profile.json")
WORKING = ("staged", "units", "keys", "outgoing", "units-taken")
Rows = Callable[..., pa.Table]
#: Units of a night.
UNITS = 5


def write_night(job: Any, make_rows: Rows, date: str = DATE) -> None:
    """Five files of 900 rows, which make five units; two rows of each are to be set aside."""
    for number in range(UNITS):
        rows = make_rows(900, first_id=10_000 * number)
        n = rows["n"].to_numpy().copy()
        n[[3 * number, 500 + number]] = 999
        rows = rows.set_column(rows.column_names.index("n"), "n", pa.array(n))
        job.write(date, f"part-{number}.parquet", rows, row_group_size=450)


#: A step of the job's own which makes the storage fail for one file, in whatever process the file is read.
BAD_STORAGE = """
import errno, os
from transforms import read_span

real = read_span.open_planned

def open_planned(file, limits):
    if file.name == "part-3.parquet" and os.path.exists("{sick}"):
        with read_span.named_errors(read_span.Fault.CORRUPT_PAGE, file.name):
            raise OSError(errno.EIO, "Input/output error")
    return real(file, limits)

read_span.open_planned = open_planned

def same(values):
    return values
"""


@pytest.fixture
def job(small_job: Any, make_rows: Rows) -> Any:
    small_job.edit("job.yaml", "suite: suite.json", "suite: suite.json, max_quarantined: {share: 20%}")
    small_job.edit("job.yaml", "rows_per_unit: 1000", "rows_per_unit: 900")
    write_night(small_job, make_rows)
    return small_job


def everything(job: Any, result: dict[str, Any]) -> dict[str, str]:
    """Name to sha256 of what was published, and of what was found out and set aside."""
    assert result["status"] == "published", result
    folder = job.run_folder(result)
    files = [*(folder / name for name in FINDINGS), *sorted((folder / "quarantine").iterdir())]
    return job.parts(result["run_date"]) | {path.name: file_sha256(path) for path in files}


def interrupt(job: Any, units: int = 3, date: str = DATE, **options: Any) -> dict[str, Any]:
    """The result of a run that ended once so many of its units were finished, as it would on a full disk."""
    real, turns = UnitRecords.write, itertools.count(1)

    def write(*arguments: Any) -> bytes:
        if next(turns) > units:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(UnitRecords, "write", write)
        with pytest.raises(RuntimeError, match="No space left"):
            job.run(date, **options)
    return dict(json.loads((job.root / "last-result.json").read_bytes()))


@pytest.fixture
def scored_units(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the units that are scored, as they are."""
    numbers: list[int] = []
    real = scoring.score_unit

    def score(unit: Any, *arguments: Any) -> Any:
        numbers.append(unit.number)
        return real(unit, *arguments)

    monkeypatch.setattr(scoring, "score_unit", score)
    return numbers


def said(job: Any, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """What `run --resume` says of resuming."""
    capsys.readouterr()
    assert job.command("run", "--date", DATE, "--resume", *options) == 0
    return [line[10:] for line in capsys.readouterr().out.splitlines() if line.startswith("resume")]


def left_over(job: Any, date: str = DATE) -> set[str]:
    """Runs that still have anything of a pass."""
    runs = job.root / "runs" / f"day={date}"
    return {path.parent.name for name in WORKING for path in runs.glob(f"*/{name}")}


# --------------------------------------------------------------------------------------------------------- same bytes


def plain(job: Any) -> None:
    pass


def with_files_of_values(job: Any) -> None:
    """Keys, medians and outliers, all of them in files beside the parts."""
    more = [
        {"type": "expect_column_median_to_be_between", "kwargs": {"column": "x", "min_value": 0}},
        {"type": "expect_column_values_to_not_be_outliers", "kwargs": {"column": "x", "method": "iqr", "mostly": 0.5}},
        {"type": "expect_column_unique_value_count_to_be_between", "kwargs": {"column": "c", "min_value": 1}},
        {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "n"}, "severity": "info"},
    ]
    path = job.root / "suite.json"
    suite = json.loads(path.read_text())
    path.write_text(json.dumps(suite | {"expectations": suite["expectations"] + more}))
    job.edit("job.yaml", "name: small", "name: small\nreport: {examples: true}")


def with_repeated_keys(job: Any) -> None:
    """Rows of a key that another unit has, too, are set aside: which these are is found before the pass."""
    path = job.root / "suite.json"
    suite = json.loads(path.read_text())
    suite["expectations"][0]["meta"] = {"on_fail": "quarantine"}
    path.write_text(json.dumps(suite))
    place = job.root / "input" / f"day={DATE}"
    rows = pq.read_table(place / "part-0.parquet", partitioning=None).slice(0, 40)
    others = pq.read_table(place / "part-4.parquet", partitioning=None).slice(40)
    job.write(DATE, "part-4.parquet", pa.concat_tables([rows, others]), row_group_size=450)


def damage(path: Path) -> None:
    """Flip a bit in the last page of the second row group's column x."""
    chunk = pq.ParquetFile(path).metadata.row_group(1).column(1)
    flip(path, (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 20)


def flip(path: Path, place: int = -20) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def with_a_damaged_row_group(job: Any) -> None:
    damage(job.root / "input" / f"day={DATE}" / "part-1.parquet")
    job.edit("job.yaml", "rows_per_unit", "on_bad_file: isolate\nmax_rejected: {share: 30%}\nrows_per_unit")


def with_a_sklearn_model(job: Any) -> None:
    training = pq.read_table(job.root / "train" / "rows.parquet")
    frame = training.select(["x", "n", "c"]).to_pandas()
    frame = frame.assign(n=frame["n"].astype(float), x=frame["x"].fillna(0))[["x", "n"]]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, frame["x"] + 0.2 * frame["n"] > 15)
    path = job.root / "model" / "s.joblib"
    joblib.dump(model, path)
    filled = training.set_column(1, "x", pa.array(np.nan_to_num(training["x"].to_numpy())))
    card = card_for(path, inspect_model(path, filled, allow_pickle=True), filled, About("m"))
    write_card(card, path.with_name("s.card.json"))
    pinned = f"path: model/s.joblib, card: model/s.card.json, allow_pickle: true, sha256: {card.artefact.sha256}"
    job.edit("job.yaml", "path: model/m.ubj, card: model/m.card.json", pinned)
    job.edit("job.yaml", "rows_per_unit", "features: {x: {steps: [{fill: 0.0}]}}\nrows_per_unit")


NIGHTS = [plain, with_files_of_values, with_repeated_keys, with_a_damaged_row_group, with_a_sklearn_model]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("prepare", NIGHTS, ids=lambda value: value.__name__)
def test_a_resumed_run_gives_the_bytes_of_one_that_was_not_interrupted(
    job: Any, prepare: Callable[[Any], None], workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(job)
    wanted = everything(job, job.run(DATE))
    assert len(wanted) >= UNITS + len(FINDINGS) + UNITS
    interrupted = interrupt(job)
    assert said(job, capsys, "--workers", str(workers)) == [f"3 of 5 units of run {interrupted['run_id']} are reused"]
    run_id = json.loads((job.partition(DATE) / "_manifest.json").read_bytes())["run_id"]
    path = job.root / "runs" / f"day={DATE}" / run_id / "result.json"
    assert everything(job, json.loads(path.read_bytes())) == wanted
    assert left_over(job) == set()


def test_only_the_units_that_were_not_finished_are_scored(job: Any, scored_units: list[int]) -> None:
    interrupt(job)
    first = set(scored_units[:3])
    del scored_units[:]
    assert job.run(DATE, resume=True)["status"] == "published"
    assert set(scored_units) == set(range(UNITS)) - first


def test_where_all_units_are_finished_no_model_is_loaded_for_the_pass(
    job: Any, monkeypatch: pytest.MonkeyPatch, scored_units: list[int]
) -> None:
    wanted = everything(job, job.run(DATE))
    with monkeypatch.context() as patched:
        patched.setattr(night, "judge", _fail)
        with pytest.raises(MemoryError):
            job.run(DATE)
    del scored_units[:]
    monkeypatch.setattr(scoring, "tools_for", _fail)
    assert everything(job, job.run(DATE, resume=True)) == wanted
    assert scored_units == []


def _fail(*_: Any) -> Any:
    raise MemoryError


def test_a_run_that_is_interrupted_while_it_resumes_can_be_resumed(job: Any, scored_units: list[int]) -> None:
    wanted = everything(job, job.run(DATE))
    first, second = interrupt(job, 1), interrupt(job, 2, resume=True)
    assert (first["facts"]["finished_units"], second["facts"]["finished_units"]) == (1, 3)
    assert left_over(job) == {second["run_id"]}
    del scored_units[:]
    assert everything(job, job.run(DATE, resume=True)) == wanted
    assert len(scored_units) == 2


def test_the_interrupted_run_stays_as_it_is_until_the_other_has_ended(
    job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = job.run_folder(interrupt(job))
    # A name more is all that a hard link changes.
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}
    real = night.judge

    def look(*arguments: Any) -> Any:
        assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")} == before
        return real(*arguments)

    monkeypatch.setattr(night, "judge", look)
    assert job.run(DATE, resume=True)["status"] == "published"
    assert {path.name for path in folder.iterdir()} == {"identity.json", "index.html", "plan.json", "report.json"} | {
        "result.json"
    }


def test_a_night_that_is_resumed_and_held_can_be_released(job: Any) -> None:
    job.edit("job.yaml", "max_quarantined: {share: 20%}", "max_quarantined: {share: 0, rows: 1}")
    interrupt(job)
    held = job.run(DATE, resume=True)
    assert (held["status"], left_over(job)) == ("held", {held["run_id"]})
    assert release_run(job.root, DATE, None, "known") == 0
    assert job.scored(DATE).num_rows == UNITS * 898
    assert left_over(job) == set()


def test_every_date_of_a_range_is_resumed(job: Any, make_rows: Rows, capsys: pytest.CaptureFixture[str]) -> None:
    write_night(job, make_rows, OTHER)
    first, second = interrupt(job, 2), interrupt(job, 4, OTHER)
    assert said(job, capsys, "--to", OTHER) == [
        f"2 of 5 units of run {first['run_id']} are reused",
        f"4 of 5 units of run {second['run_id']} are reused",
    ]


# ------------------------------------------------------------------------------------------------- what an end leaves


def test_the_result_and_the_report_say_how_to_go_on(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(job.root.parent)
    result = interrupt(job)
    command = f"nightscore run job/job.yaml --date {DATE} --resume"
    assert result["message"].endswith(f"Nothing was published. 3 of 5 units are finished; go on with: {command}")
    assert result["facts"] == {"finished_units": 3, "units": 5, "resume": command}
    assert (result["exit_code"], result["action"]) == (1, "retry")
    page = (job.run_folder(result) / "index.html").read_text()
    assert "Go on with the 3 finished units" in page
    assert command in page


def test_the_command_has_the_options_that_decide_the_results(job: Any) -> None:
    path = job.root / "suite.json"
    path.write_text(path.read_text().replace('"max_value": 100', '"max_value": {"$PARAMETER": "most"}'))
    result = interrupt(job, parameters=("most=100",), allow_version_mismatch=True)
    assert result["facts"]["resume"].endswith(f"--date {DATE} --parameter most=100 --allow-version-mismatch --resume")


@pytest.mark.parametrize("before", [0, 1])
def test_an_error_of_the_input_cleans_up_whatever_was_finished(job: Any, before: int) -> None:
    damage(job.root / "input" / f"day={DATE}" / "part-4.parquet")
    if before:
        interrupt(job, 1)
    result = job.run(DATE, resume=bool(before))
    assert (result["exit_code"], "finished" in result["message"]) == (3, False)
    assert left_over(job) == set()


def test_a_run_that_does_not_resume_says_what_it_throws_away(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = interrupt(job)
    assert job.command("run", "--date", DATE) == 0
    text = f"recover   cleaned up run {result['run_id']}; 3 finished units went with it, which --resume would have used"
    assert text in capsys.readouterr().out.splitlines()
    assert left_over(job) == set()
    assert json.loads((job.run_folder(result) / "result.json").read_bytes()) == result


def test_a_run_that_could_not_begin_leaves_the_interrupted_one_to_the_next(job: Any, scored_units: list[int]) -> None:
    interrupted = interrupt(job)
    job.edit("job.yaml", "input: {", "input: {ready: _SUCCESS, ")
    assert job.run(DATE, resume=True)["code"] == "not_ready"
    job.edit("job.yaml", "input: {ready: _SUCCESS, ", "input: {")
    assert left_over(job) == {interrupted["run_id"]}
    del scored_units[:]
    assert job.run(DATE, resume=True)["status"] == "published"
    assert len(scored_units) == 2


def test_a_disk_without_room_for_the_result_keeps_nothing(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = night.Night._report
    room = iter([False])

    def report(*arguments: Any) -> Any:
        if not next(room, True):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(night.Night, "_report", report)
    result = interrupt(job)
    assert (result["exit_code"], "finished" in result["message"], result["facts"]) == (1, False, {})
    assert left_over(job) == set()


# ------------------------------------------------------------------------------------------- what has to be the same


def touch_a_file(job: Any, _: pytest.MonkeyPatch) -> None:
    path = next((job.root / "input" / f"day={DATE}").iterdir())
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))


def add_a_file(job: Any, _: pytest.MonkeyPatch) -> None:
    folder = job.root / "input" / f"day={DATE}"
    shutil.copy2(folder / "part-0.parquet", folder / "part-0.copy.parquet")


def cut_other_units(job: Any, _: pytest.MonkeyPatch) -> None:
    job.edit("job.yaml", "rows_per_unit: 900", "rows_per_unit: 1800")


def change_the_contract(job: Any, _: pytest.MonkeyPatch) -> None:
    job.edit("schema.yaml", "{name: x, type: float64}", "{name: x, type: float64, sensitive: true}")


def change_the_suite(job: Any, _: pytest.MonkeyPatch) -> None:
    job.edit("suite.json", '"max_value": 100', '"max_value": 101')


def change_the_model(job: Any, _: pytest.MonkeyPatch) -> None:
    """A tree more, and the card that says so."""
    import xgboost

    path = job.root / "model" / "m.ubj"
    booster = xgboost.Booster(model_file=path)
    booster[: booster.num_boosted_rounds() - 1].save_model(path)
    rows = pq.read_table(job.root / "train" / "rows.parquet")
    write_card(card_for(path, inspect_model(path, rows), rows, About("m")), path.with_name("m.card.json"))


def change_the_card(job: Any, _: pytest.MonkeyPatch) -> None:
    path = job.root / "model" / "m.card.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"metrics": {"auc": 0.5}}))


def change_the_threshold(job: Any, _: pytest.MonkeyPatch) -> None:
    job.edit("job.yaml", "label: yes_or_no", "label: yes_or_no, threshold: 0.4")


def change_the_reference(job: Any, _: pytest.MonkeyPatch) -> None:
    rows = pq.read_table(job.root / "train" / "rows.parquet")
    pq.write_table(rows.slice(0, 3000), job.root / "train" / "rows.parquet")
    make_reference(job.root)


def change_the_code(_: Any, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(running_code, "code_digest", lambda: "0" * 64)


def change_the_version(_: Any, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(loading, "code_version", lambda: "9.9")


def change_a_library(_: Any, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(running_code, "library_versions", lambda: {"numpy": "99"})


CHANGES = [
    (touch_a_file, "input"),
    (add_a_file, "input"),
    (cut_other_units, "config, input"),
    (change_the_contract, "contract"),
    (change_the_suite, "suite"),
    (change_the_model, "card m, model m"),
    (change_the_card, "card m"),
    (change_the_threshold, "config"),
    (change_the_reference, "reference"),
    (change_the_code, "code"),
    (change_the_version, "version"),
    (change_a_library, "libraries"),
]


@pytest.mark.parametrize(("change", "names"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
def test_where_anything_that_decides_has_changed_nothing_is_reused_and_it_is_named(
    job: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scored_units: list[int],
    change: Callable[[Any, pytest.MonkeyPatch], None],
    names: str,
) -> None:
    result = interrupt(job)
    change(job, monkeypatch)
    del scored_units[:]
    why = f"run {result['run_id']} is not resumed, since this changed: {names}"
    capsys.readouterr()
    job.command("run", "--date", DATE, "--resume")
    assert f"resume    nothing is reused: {why}; every unit is scored" in capsys.readouterr().out.splitlines()
    assert sorted(scored_units) == list(range(3 if change is cut_other_units else 6 if change is add_a_file else UNITS))


def test_a_step_of_the_jobs_own_that_has_changed_is_noticed(
    job: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    package = tmp_path / "own" / "own_steps_of_resume"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "more.py").write_text("def same(values):\n    return values\n")
    monkeypatch.syspath_prepend(package.parent)
    job.edit(
        "job.yaml",
        "rows_per_unit",
        "features: {x: {steps: [{custom: 'own_steps_of_resume.more:same'}]}}\nrows_per_unit",
    )
    result = interrupt(job)
    assert said(job, capsys) == [f"3 of 5 units of run {result['run_id']} are reused"]
    result = interrupt(job)
    (package / "more.py").write_text("def same(values):\n    return values.slice(0)\n")
    assert "since this changed: custom steps;" in said(job, capsys)[0]
    for name in [name for name in sys.modules if name.startswith("own_steps_of_resume")]:
        del sys.modules[name]


@pytest.mark.parametrize("options", [{"workers": 2}, {"threads": 1}], ids=str)
def test_how_it_is_run_may_change(job: Any, scored_units: list[int], options: dict[str, Any]) -> None:
    wanted = everything(job, job.run(DATE))
    interrupt(job, 4)
    del scored_units[:]
    result = job.run(DATE, resume=True, **options)
    assert everything(job, result) == wanted
    assert len(scored_units) == (1 if "threads" in options else 0)  # of other processes nothing is seen here


def test_a_job_folder_that_was_moved_is_resumed(
    job: Any, scored_units: list[int], tmp_path: Path, job_folder: Any
) -> None:
    interrupt(job)
    shutil.copytree(job.root, tmp_path / "elsewhere")
    del scored_units[:]
    assert job_folder(tmp_path / "elsewhere").run(DATE, resume=True)["status"] == "published"
    assert len(scored_units) == 2


# ------------------------------------------------------------------------------------------------ nothing to resume


def test_without_an_interrupted_run_it_says_so_and_scores_everything(
    job: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(job, capsys) == [f"nothing is reused: day={DATE} has no earlier run; every unit is scored"]
    assert said(job, capsys) == [
        f"nothing is reused: the latest run of day={DATE} was not interrupted; every unit is scored"
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(night, "run_pass", _fail)
        with pytest.raises(MemoryError):
            job.run(DATE)
    ended = json.loads((job.root / "last-result.json").read_bytes())
    assert said(job, capsys) == [
        f"nothing is reused: run {ended['run_id']} ended before a unit was finished; every unit is scored"
    ]
    assert job.scored(DATE).num_rows == UNITS * 898


def test_a_run_that_was_killed_while_it_took_over_leaves_the_one_before_it(
    job: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = interrupt(job)
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.finished_units.sync_folder", _fail)
        patched.setattr(Path, "rename", _fail)
        patched.setattr(night.Night, "_failed", _fail)
        patched.setattr(night.Night, "_close_earlier", lambda _: None)
        with pytest.raises(MemoryError):
            job.run(DATE, resume=True)
    assert len(left_over(job)) == 2
    assert said(job, capsys) == [f"3 of 5 units of run {first['run_id']} are reused"]
    assert left_over(job) == set()


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("pipelines.finished_units.link_file", Terminated(15)),
        ("pipelines.resuming.take_over", OSError(errno.ENOSPC, "No space left on device")),
    ],
)
def test_a_run_that_ends_while_it_takes_over_leaves_the_one_before_it(
    job: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], function: str, error: BaseException
) -> None:
    first = interrupt(job)

    def end(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(function, end)
        with suppress(OSError):
            assert job.run(DATE, resume=True)["action"] == "retry"
    assert said(job, capsys) == [f"3 of 5 units of run {first['run_id']} are reused"]


@pytest.mark.parametrize("error", [Terminated(15), OSError(errno.ENOSPC, "No space left on device")])
def test_a_run_that_ends_before_it_has_a_folder_has_a_result(
    job: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def end(*_: Any) -> None:
        raise error

    monkeypatch.setattr(night.Night, "_tidy_up", end)
    with suppress(OSError):
        job.run(DATE)
    result = json.loads((job.root / "last-result.json").read_bytes())
    assert (result["exit_code"], result["action"]) == (1 if isinstance(error, OSError) else 130, "retry")


# ------------------------------------------------------------------------------------------------ storage that fails


@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_storage_failed_to_read_is_neither_rejected_nor_remembered(
    job: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    """It works again when the run is resumed."""
    job.edit("job.yaml", "rows_per_unit", "on_bad_file: isolate\nrows_per_unit")
    job.edit(
        "job.yaml", "name: small", f"name: small\nrunners: {{local: {{mode: multi_processing, workers: {workers}}}}}"
    )
    own = job.root / "own"
    own.mkdir()
    (own / "steps_on_bad_storage.py").write_text(BAD_STORAGE.format(sick=job.root / "sick"))
    job.edit(
        "job.yaml", "rows_per_unit", "features: {x: {steps: [{custom: 'steps_on_bad_storage:same'}]}}\nrows_per_unit"
    )
    monkeypatch.syspath_prepend(own)
    monkeypatch.setenv("PYTHONPATH", str(own))
    (job.root / "sick").touch()
    result = job.run(DATE)
    assert (result["exit_code"], result["action"], result["code"]) == (1, "retry", "io_error")
    assert "part-3.parquet" in result["message"]
    assert "Input/output error" in result["message"]
    assert "while running" not in result["message"]
    (job.root / "sick").unlink()
    assert "are reused" in said(job, capsys)[0]
    assert job.scored(DATE).num_rows == UNITS * 898
    for name in [name for name in sys.modules if name == "steps_on_bad_storage"]:
        del sys.modules[name]


# ----------------------------------------------------------------------------------------------- hostile run folders


def alter_a_part(folder: Path) -> None:
    flip(next((folder / "staged").glob("part-*")))


def alter_a_key_file(folder: Path) -> None:
    flip(next(folder.glob("keys/*/*")))


def alter_an_outcome(folder: Path) -> None:
    flip(next(folder.glob("units/*.json")))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("tamper", [alter_a_part, alter_a_key_file, alter_an_outcome])
def test_what_does_not_verify_is_scored_again_and_it_is_said(
    job: Any, capsys: pytest.CaptureFixture[str], tamper: Callable[[Path], None], workers: int
) -> None:
    wanted = everything(job, job.run(DATE))
    interrupted = interrupt(job)
    tamper(job.run_folder(interrupted))
    assert said(job, capsys, "--workers", str(workers)) == [
        f"3 of 5 units of run {interrupted['run_id']} are reused",
        "2 of 5 units were reused; 1 unit did not verify, so scored again",
    ]
    assert job.parts(DATE).items() <= wanted.items()


def lose_a_part(folder: Path) -> None:
    next((folder / "staged").glob("part-*")).unlink()


def cut_a_header(folder: Path) -> None:
    path = next(folder.glob("units/*.json"))
    path.write_bytes(path.read_bytes()[:100])


def rename_a_record(folder: Path) -> None:
    next(folder.glob("units/*.json")).rename(folder / "units" / "unit-000099.json")


def lead_outside(folder: Path) -> None:
    path = next(folder.glob("units/*.json"))
    line, data = path.read_bytes().split(b"\n", 1)
    header = json.loads(line)
    part = next(name for name in header["files"] if "/part-" in name)
    header["files"]["../../../job.yaml"] = header["files"].pop(part)
    path.write_bytes(json.dumps(header).encode() + b"\n" + data)


def link_a_part(folder: Path) -> None:
    path = next((folder / "staged").glob("part-*"))
    path.symlink_to(path.rename(folder.parents[2] / "elsewhere"))


def link_a_record(folder: Path) -> None:
    path = next(folder.glob("units/*.json"))
    path.symlink_to(path.rename(folder.parents[2] / "elsewhere"))


@pytest.mark.parametrize(
    "tamper", [lose_a_part, cut_a_header, rename_a_record, lead_outside, link_a_part, link_a_record]
)
def test_a_unit_that_is_no_unit_is_not_taken_over(
    job: Any, capsys: pytest.CaptureFixture[str], tamper: Callable[[Path], None]
) -> None:
    interrupted = interrupt(job)
    tamper(job.run_folder(interrupted))
    elsewhere = job.root / "elsewhere"
    links = elsewhere.stat().st_nlink if elsewhere.exists() else 0
    assert said(job, capsys) == [f"2 of 5 units of run {interrupted['run_id']} are reused"]
    assert (elsewhere.stat().st_nlink if elsewhere.exists() else 0) == links
    assert job.scored(DATE).num_rows == UNITS * 898


@pytest.mark.parametrize("name", ["staged", "keys", "units"])
def test_a_folder_that_leads_elsewhere_is_neither_used_nor_cleaned(
    job: Any, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = job.run_folder(interrupt(job))
    elsewhere = job.root / "elsewhere"
    (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)
    there = sorted(path for path in elsewhere.rglob("*"))
    said_of_it = said(job, capsys)
    assert "nothing is reused" in said_of_it[0]
    assert sorted(path for path in elsewhere.rglob("*")) == there
    assert all(path.stat().st_nlink == 1 for path in there if path.is_file())


IDENTITIES = [
    b"",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"format": "nightscore.identity", "version": 2, "digests": {}}',
    None,
]


@pytest.mark.parametrize("identity", IDENTITIES, ids=range(len(IDENTITIES)))
def test_a_run_without_a_sound_identity_is_not_resumed(
    job: Any, capsys: pytest.CaptureFixture[str], identity: bytes | None
) -> None:
    path = job.run_folder(interrupt(job)) / "identity.json"
    if identity is None:
        os.truncate(path, resuming._MAX_JSON_BYTES + 1)
    else:
        path.write_bytes(identity)
    assert "since this changed: identity.json" in said(job, capsys)[0]


def test_a_run_folder_that_is_a_link_is_not_looked_at_nor_cleaned_up(
    job: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = job.run_folder(interrupt(job))
    elsewhere = folder.rename(job.root / "elsewhere")
    folder.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    assert "nothing is reused" in said(job, capsys)[0]
    assert sorted(elsewhere.rglob("*")) == before


def test_a_link_to_an_interrupted_run_does_not_cost_its_units(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = job.run_folder(interrupt(job))
    (folder.parent / "latest").symlink_to(folder.name)
    assert "3 of 5 units" in said(job, capsys)[0]


@pytest.mark.parametrize("result", [b"", b"[]", b"{", b"[" * 100_000])
def test_a_damaged_result_of_an_earlier_run_stops_no_later_one(
    job: Any, capsys: pytest.CaptureFixture[str], result: bytes
) -> None:
    (job.run_folder(interrupt(job)) / "result.json").write_bytes(result)
    assert "nothing is reused" in said(job, capsys)[0]
    assert left_over(job) == set()


def test_a_part_that_somebody_writes_to_after_it_was_taken_over_is_noticed(
    job: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two runs share the file: whoever changes it changes both."""
    folder = job.run_folder(interrupt(job))
    real = night.run_pass

    def meanwhile(*arguments: Any) -> Any:
        alter_a_part(folder)
        return real(*arguments)

    monkeypatch.setattr(night, "run_pass", meanwhile)
    assert said(job, capsys)[1].startswith("2 of 5 units were reused")

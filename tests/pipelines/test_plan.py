from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.stages.plan import input_place, make_plan, share_out
from schemas.contract import TableContract
from schemas.errors import ConfigError, ExitCode, InputError, NoDataError, NotReadyError
from schemas.job import Job
from schemas.plan import InputFile, Plan, Unit

DATE = "2024-01-02"
FOLDER = f"input/d={DATE}"
CONTRACT = TableContract.model_validate({"columns": [{"name": "id", "type": "int64", "role": "key"}]})


def job(path: str = "input/d={date}/", rows_per_unit: int = 500_000, on_bad_file: str = "fail", **source: Any) -> Job:
    model = {"name": "m", "path": "m.ubj", "card": "m.json", "output": {}}
    entry = {"name": "j", "input": {"path": path, **source}, "models": [model]}
    return Job.model_validate({**entry, "rows_per_unit": rows_per_unit, "on_bad_file": on_bad_file})


def plan(base: Path, contract: TableContract = CONTRACT, **settings: Any) -> Plan:
    return make_plan(job(**settings), contract, base, DATE)


def put(base: Path, name: str, rows: int = 3, row_group: int = 1000) -> Path:
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": pa.array(range(rows), pa.int64())}), path, row_group_size=row_group)
    return path


def spans(unit: Unit) -> list[tuple[str, int, int]]:
    return [(span.file.name, span.row_group, span.first_row) for span in unit.spans]


# ----------------------------------------------------------------------------------------------------------- what is it


def test_files_are_planned_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.parquet", "a/z.parq", "a.parquet", "B"):
        put(tmp_path, f"{FOLDER}/{name}", rows=2)
    found = plan(tmp_path)
    assert (found.run_date, found.partition, found.rows) == (DATE, f"d={DATE}", 8)
    assert [(file.number, file.name) for file in found.files] == [
        (0, "B"),
        (1, "a.parquet"),
        (2, "a/z.parq"),
        (3, "b.parquet"),
    ]
    assert Unit.from_json(found.units[0].to_json()) == found.units[0]
    assert Plan.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_file_is_planned_with_its_identity(tmp_path: Path) -> None:
    path = put(tmp_path, f"{FOLDER}/a.parquet", rows=5, row_group=2)
    (file,) = plan(tmp_path).files
    assert (file.path, file.row_group_rows) == (str(path), (2, 2, 1))
    assert (file.bytes, file.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert len(file.footer_digest) == 64


def test_the_plan_is_the_same_whatever_the_file_system_lists_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        put(tmp_path, f"{FOLDER}/k={number % 3}/f{number}.parquet")
    first = plan(tmp_path, rows_per_unit=7)
    scandir = os.scandir

    class Backwards:
        def __init__(self, path: Path) -> None:
            self._entries = list(scandir(path))[::-1]

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self._entries

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(os, "scandir", Backwards)
    assert plan(tmp_path, rows_per_unit=7) == first


def test_folders_give_values_with_the_runs_partition_first(tmp_path: Path) -> None:
    put(tmp_path, f"in/region=eu/{DATE}x/d={DATE}/zip=007/k=a%2Fb/a.parquet")
    (file,) = plan(tmp_path, path="in/region=eu/" + f"{DATE}x" + "/d={date}").files
    assert file.partition == (("d", DATE), ("region", "eu"), ("zip", "007"), ("k", "a/b"))


@pytest.mark.parametrize(
    ("path", "partition"),
    [
        ("input/d={date}/", f"d={DATE}"),
        ("input/d={date}/sub", f"d={DATE}"),
        ("input/{date}", f"run_date={DATE}"),
        ("input/d={date}-eu", f"run_date={DATE}"),
        ("input/={date}", f"run_date={DATE}"),
    ],
)
def test_the_partition_is_named_after_the_folder_of_the_date(tmp_path: Path, path: str, partition: str) -> None:
    place = input_place(job(path).input, tmp_path, DATE)
    assert place.partition == partition
    assert place.values[0] == tuple(partition.split("="))
    assert place.folder == tmp_path / path.replace("{date}", DATE)


def test_a_key_that_the_folders_name_twice_makes_a_bad_file(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/d=x/a.parquet")
    (bad,) = plan(tmp_path).bad_files
    assert (bad.code, bad.message) == (
        "partition_twice",
        "d=x/a.parquet: its folders name 'd' twice, so its value is not clear. Rename one of them.",
    )


@pytest.mark.parametrize("date", ["2024-02-30", "20240102", "yesterday", "../x", "2024-01-02\n", ""])
def test_a_run_date_is_a_date(tmp_path: Path, date: str) -> None:
    with pytest.raises(ConfigError, match="is not a date; write it as 2013-07-01"):
        make_plan(job(), CONTRACT, tmp_path, date)


# -------------------------------------------------------------------------------------------------- nothing, or not yet


def test_no_folder_and_no_file_are_no_data_and_say_where_they_looked(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match=rf"no data for {DATE}: looked in .*{FOLDER}, and there is no such folder"):
        plan(tmp_path)
    put(tmp_path, f"{FOLDER}/_hidden.parquet")
    with pytest.raises(NoDataError, match="and there is no file in it") as caught:
        plan(tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("no_files", ExitCode.NO_DATA)


def test_files_without_rows_are_a_plan_without_units(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/a.parquet", rows=0)
    found = plan(tmp_path)
    assert ([file.name for file in found.files], found.rows, found.units) == (["a.parquet"], 0, ())


def test_a_night_without_its_marker_is_not_ready(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/a.parquet")
    with pytest.raises(NotReadyError, match=r"has no _SUCCESS yet\. Run again when the input is complete"):
        plan(tmp_path, ready="_SUCCESS")
    (tmp_path / FOLDER / "_SUCCESS").touch()
    found = plan(tmp_path, ready="_SUCCESS")
    assert (found.rows, found.ignored) == (3, ("_SUCCESS",))


# ------------------------------------------------------------------------------------------------------------ bad files


def test_files_that_cannot_be_read_are_told_with_a_code(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    good = put(tmp_path, f"{FOLDER}/good.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(good[:-10])
    (folder / "empty.parquet").touch()
    (folder / "notes.txt").write_text("read me first of all")
    (folder / "gone").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    found = plan(tmp_path)
    assert [file.name for file in found.files] == ["good.parquet"]
    assert [(bad.name, bad.code, bad.bytes) for bad in found.bad_files] == [
        ("cut.parquet", "not_parquet", len(good) - 10),
        ("empty.parquet", "not_parquet", 0),
        ("gone", "changed_since_planning", 0),
        ("notes.txt", "not_parquet", 20),
        ("pipe", "not_parquet", 0),
    ]
    assert all(bad.message.startswith(f"{bad.name}: ") for bad in found.bad_files)


def test_bad_files_alone_are_not_no_data(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "a.parquet").touch()
    found = plan(tmp_path)
    assert (found.files, len(found.bad_files)) == ((), 1)


def test_a_name_that_no_report_can_show_makes_a_bad_file(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/a\nb.parquet")
    (bad,) = plan(tmp_path).bad_files
    assert (bad.name, bad.code) == (r"a\u000ab.parquet", "bad_name")


def test_a_file_that_cannot_be_conformed_stops_a_run_that_would_fail_anyway(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/a.parquet")
    pq.write_table(pa.table({"id": ["x"]}), tmp_path / FOLDER / "b.parquet")
    with pytest.raises(InputError, match=r"^b\.parquet: column 'id' is string in the file and int64 in the contract"):
        plan(tmp_path)
    assert [file.name for file in plan(tmp_path, on_bad_file="isolate").files] == ["a.parquet", "b.parquet"]


# ---------------------------------------------------------------------------------------------------------------- units


def files(*groups: Sequence[int]) -> list[InputFile]:
    return [InputFile(i, f"/{i}", f"f{i}", 1, 1, "", tuple(rows)) for i, rows in enumerate(groups)]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([[4, 4], [4]], [[("f0", 0, 0), ("f0", 1, 4)], [("f1", 0, 8)]]),
        ([[9], [1]], [[("f0", 0, 0), ("f1", 0, 9)]]),
        ([[25], [1]], [[("f0", 0, 0)], [("f1", 0, 25)]]),
        ([[0, 3, 0], [0], [3]], [[("f0", 1, 0), ("f2", 0, 3)]]),
        ([[10, 0], [0, 10]], [[("f0", 0, 0)], [("f1", 1, 10)]]),
        ([[0], [0]], []),
        ([], []),
    ],
)
def test_units_close_before_they_would_have_too_many_rows(
    groups: list[list[int]], expected: list[list[tuple[str, int, int]]]
) -> None:
    units = list(share_out(files(*groups), 10))
    assert [spans(unit) for unit in units] == expected
    assert [unit.number for unit in units] == list(range(len(expected)))


def test_every_row_group_with_rows_is_in_exactly_one_unit() -> None:
    made = files(*[[(7 * i + j) % 5 for j in range(i % 4)] for i in range(100)])
    for rows_per_unit in (1, 2, 3, 50, 10_000):
        units = list(share_out(made, rows_per_unit))
        found = [span for unit in units for span in unit.spans]
        assert [(s.file.number, s.row_group) for s in found] == [
            (file.number, group) for file in made for group, rows in enumerate(file.row_group_rows) if rows
        ]
        assert [span.first_row for span in found] == [sum(s.rows for s in found[:i]) for i in range(len(found))]
        assert all(unit.rows <= rows_per_unit or len(unit.spans) == 1 for unit in units)

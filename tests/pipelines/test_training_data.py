"""Which columns training files share, which rows stand for all, and how job.yaml names the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import training_data
from pipelines.training_data import TrainingData, open_training, training_path
from schemas.errors import ConfigError, RowError


def write(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=4)
    return path


def training(base: Path, *files: dict[str, Any]) -> TrainingData:
    for number, columns in enumerate(files):
        write(base / f"{number}.parquet", **columns)
    return open_training([base])


# -------------------------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (pa.array([1], pa.int32()), pa.array([1], pa.int64()), "int64"),
        (pa.array([1], pa.int64()), pa.array([0.5], pa.float32()), "float64"),
        (pa.nulls(1), pa.array(["x"]), "string"),
        (pa.array(["x"], pa.large_string()), pa.array(["x"]).dictionary_encode(), "string"),
        (pa.array([1], pa.timestamp("ms")), pa.array([1], pa.timestamp("us")), "timestamp"),
        (pa.array([1], pa.decimal128(5, 2)), pa.array([1], pa.decimal128(7, 3)), "decimal(7,3)"),
    ],
)
def test_a_column_has_the_type_that_takes_the_values_of_all_files(
    tmp_path: Path, first: pa.Array, second: pa.Array, shared: str
) -> None:
    found = training(tmp_path, {"c": first}, {"c": second})
    assert dict(found.types) == {"c": shared}
    assert found.sample.num_rows == 2


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (pa.array([1]), pa.array(["x"]), "it is int64 in 0.parquet and string in 1.parquet, for which"),
        (pa.array([1], pa.date32()), pa.array([1], pa.timestamp("us")), "it is date32"),
        (pa.nulls(1), pa.nulls(1), "it is null in 0.parquet, for which the contract has no type"),
        (pa.array([1.0]), pa.array([1], pa.decimal128(5, 2)), "it is double in 0.parquet and decimal128"),
    ],
)
def test_a_column_whose_types_do_not_go_together_is_left_out(
    tmp_path: Path, first: pa.Array, second: pa.Array, reason: str
) -> None:
    found = training(tmp_path, {"id": [1], "c": first}, {"id": [2], "c": second})
    assert dict(found.types) == {"id": "int64"}
    assert found.left_out["c"].startswith(reason)


def test_an_index_of_pandas_and_a_column_of_some_files_are_left_out(tmp_path: Path) -> None:
    found = training(tmp_path, {"x": [1], "__index_level_0__": [1]}, {"x": [2], "y": [1], "__index_level_0__": [2]})
    assert dict(found.types) == {"x": "int64"}
    assert found.left_out == {
        "__index_level_0__": "it is an index that pandas wrote (preserve_index=False leaves it out)",
        "y": "it is not in 0.parquet",
    }


def test_a_number_that_the_shared_type_cannot_hold_is_an_error_with_its_row(tmp_path: Path) -> None:
    found = training(tmp_path, {"c": pa.array([-1])}, {"c": pa.array([1, 2**63], pa.uint64())})
    with pytest.raises(RowError, match=r"1.parquet: row 1: column 'c': type_error"):
        found.sample  # noqa: B018  # reading it is the test


def test_a_place_without_files_is_an_error_even_beside_others(tmp_path: Path) -> None:
    good = write(tmp_path / "a.parquet", x=[1])
    with pytest.raises(ConfigError, match=r"no Parquet file in .*typo.parquet"):
        open_training([good, tmp_path / "typo.parquet"])


def test_training_data_without_rows_or_columns_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the training data has no rows"):
        open_training([write(tmp_path / "a.parquet", x=pa.array([], pa.int64()))])
    with pytest.raises(ConfigError, match=r"no column of the training data can be used: 'x': it is list"):
        open_training([write(tmp_path / "b.parquet", x=[[1]])])


# --------------------------------------------------------------------------------------------------------------- values


def test_the_sample_is_every_kth_row_over_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_data, "SAMPLE_ROWS", 4)
    found = training(tmp_path, {"x": np.arange(10)}, {"x": np.arange(10, 15)})
    assert (found.rows, found.every) == (15, 4)
    assert found.sample.column("x").to_pylist() == [0, 4, 8, 12]
    assert found.all_values("x").to_pylist() == list(range(15))


def test_rows_alike_are_counted_over_all_columns_of_the_key(tmp_path: Path) -> None:
    found = training(tmp_path, {"a": [1, 1, 2], "b": ["x", "y", "x"]}, {"a": [1, 3], "b": ["x", None]})
    assert [found.rows_alike(names) for names in (["a"], ["b"], ["a", "b"])] == [2, 2, 1]


def test_missing_are_null_and_nan(tmp_path: Path) -> None:
    found = training(tmp_path, {"x": [1.0, None, float("nan"), 2.0], "s": ["", None, "a", "b"]})
    assert (found.missing_share("x"), found.missing_share("s")) == (0.5, 0.25)


# ------------------------------------------------------------------------------------------------------- drift.training


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("train/m=1/a.parquet", "train/m=2/a.parquet", "one/2024-01.parquet", "one/2024-02.parquet"):
        write(tmp_path / "data" / name, x=[1])
    write(tmp_path / "data" / "one/2025-01.parquet", x=[1])
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("places", "path"),
    [
        (["train"], "../data/train"),
        (["train/m=1", "train/m=2"], "../data/train"),
        (["train/*/a.parquet"], "../data/train/*/a.parquet"),
        (["train/m=1/a.parquet", "train/m=2/a.parquet"], "../data/train"),
        (["one/2025-01.parquet"], "../data/one/2025-01.parquet"),
        (["one/2024-01.parquet", "one/2024-02.parquet"], "../data/one/2024-0*.parquet"),
        (["one/2024-01.parquet", "one/2024-02.parquet", "one/2025-01.parquet"], "../data/one"),
    ],
)
def test_files_are_named_by_one_folder_or_glob(data: Path, places: list[str], path: str) -> None:
    wanted = [data / place for place in places]
    assert training_path(wanted, open_training(wanted).files, data.parent / "job") == path


def test_files_that_no_folder_or_glob_means_alone_are_refused(data: Path) -> None:
    wanted = [data / "one/2024-01.parquet", data / "one/2025-01.parquet"]
    with pytest.raises(ConfigError, match=r"none means just these 2 files: put them, and no others, into a folder"):
        training_path(wanted, open_training(wanted).files, data.parent / "job")


def test_training_data_inside_the_job_folder_and_far_from_it(data: Path) -> None:
    files = open_training([data / "train"]).files
    assert training_path([data / "train"], files, data) == "train"
    assert training_path([data / "train"], files, data / "a/b/c") == "../../../train"
    assert training_path([data / "train"], files, data / "a/b/c/d") == (data / "train").resolve().as_posix()


def test_a_path_relative_to_where_one_stands_is_made_relative_to_the_job(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data / "train")
    files = open_training([Path("m=1")]).files
    assert training_path([Path("m=1")], files, data / "jobs" / "job") == "../../train/m=1/a.parquet"

from __future__ import annotations

import datetime as dt
import itertools
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.breach import Breach
from schemas.contract import TableContract
from schemas.errors import InputError
from schemas.plan import Span
from transforms.arrow_types import TEXT_CODES
from transforms.conform import Conformer
from transforms.partition_values import HIVE_NULL
from transforms.read_span import open_span

Spans = Callable[[Path], list[Span]]


def contract(*columns: Mapping[str, Any], **policies: Any) -> TableContract:
    return TableContract.model_validate({"columns": [dict(column) for column in columns], **policies})


def conform(wanted: TableContract, raw: pa.RecordBatch, **hive: str) -> tuple[pa.RecordBatch, list[Breach]]:
    return Conformer.for_file(wanted, raw.schema, tuple(hive.items()), "a.parquet").apply(raw)


def rows(breach: Breach) -> list[int]:
    return np.flatnonzero(breach.mask).tolist()


def batch(**columns: Any) -> pa.RecordBatch:
    return pa.record_batch({name: v if isinstance(v, pa.Array) else pa.array(v) for name, v in columns.items()})


@pytest.fixture
def read(tmp_path: Path, spans_of: Spans) -> Callable[..., tuple[pa.Table, list[Breach], list[str]]]:
    """Writes the tables under the names, and reads all the files in the order of their names."""

    def read_all(wanted: TableContract, files: Mapping[str, pa.Table], **write: Any) -> Any:
        batches, breaches, ignored = [], [], []
        for name, table in files.items():
            pq.write_table(table, tmp_path / name, **write)
        for name in sorted(files):
            for span in spans_of(tmp_path / name):
                with open_span(span) as source:
                    conformer = Conformer.for_file(wanted, source.schema, (), name)
                    ignored += conformer.ignored
                    for raw in source.batches(conformer):
                        conformed, found = conformer.apply(raw, span.first_row_in_file)
                        batches.append(conformed)
                        breaches += found
        return pa.Table.from_batches(batches), breaches, ignored

    return read_all


# -------------------------------------------------------------------------------------------- cases from public reports


def test_c1_a_first_file_whose_column_is_all_null_has_the_contracts_type(read: Any) -> None:
    """ArrowNotImplementedError when a dataset's first file had a column of the null type (pandas-dev/pandas#55731)."""
    wanted = contract({"name": "id", "type": "int64", "role": "key"}, {"name": "c", "type": "string"})
    nulls = pa.table({"id": [1, 2], "c": pa.nulls(2)})
    texts = pa.table({"id": [3], "c": ["x"]})
    for first, second, expected in (
        (nulls, texts, {1: None, 2: None, 3: "x"}),
        (texts, nulls, {3: "x", 1: None, 2: None}),
    ):
        table, breaches, _ = read(wanted, {"a.parquet": first, "b.parquet": second})
        assert table.schema.field("c").type == TEXT_CODES
        assert dict(zip(table["id"].to_pylist(), table["c"].to_pylist(), strict=True)) == expected
        assert breaches == []


def test_c3_a_64_bit_key_beside_a_null_is_exact(read: Any) -> None:
    """A null made pandas turn the key into a float64: 9007199254740993 was read as ...992 (pandas-dev/pandas#57313)."""
    wanted = contract({"name": "key", "type": "int64", "role": "key"}, {"name": "x", "type": "float64"})
    keys = [9_007_199_254_740_993, None, 5]
    for order in itertools.permutations(keys):
        table, breaches, _ = read(wanted, {"a.parquet": pa.table({"key": list(order), "x": [0.5, 1.5, 2.5]})})
        assert table.schema.field("key").type == pa.int64()
        assert table["key"].to_pylist() == list(order)
        assert breaches == []


def test_c4_old_int96_dates_are_the_dates_that_were_written(read: Any) -> None:
    """9999-12-31 and 1000-01-01 came back as 1816-03-29 and 2169-02-08 (aws/aws-sdk-pandas#3358)."""
    wanted = contract({"name": "t", "type": "timestamp"})
    days = [dt.datetime(9999, 12, 31), dt.datetime(1000, 1, 1), dt.datetime(2024, 2, 29)]  # noqa: DTZ001
    for order in itertools.permutations(days):
        file = pa.table({"t": pa.array(list(order), pa.timestamp("us"))})
        options = {"use_deprecated_int96_timestamps": True, "store_schema": False}
        table, breaches, _ = read(wanted, {"a.parquet": file}, **options)
        assert table.schema.field("t").type == pa.timestamp("us")
        assert table["t"].to_pylist() == list(order)
        assert breaches == []


def test_c5_text_written_in_three_ways_is_one_column_and_an_index_is_passed_over(read: Any) -> None:
    """unify_schemas raised, and pandas' index came along as a column (apache/arrow#47177)."""
    wanted = contract({"name": "s", "type": "string"})
    frame = pd.DataFrame({"s": ["b", None]}, index=[7, 9])
    by_pandas = pa.Table.from_pandas(frame)
    assert by_pandas.schema.field("s").type == pa.large_string()
    by_codes = pa.table({"s": pa.array(["c", "a"]).dictionary_encode()})
    files = [pa.table({"s": pa.array(["a"], pa.string())}), by_pandas, by_codes]
    for order in itertools.permutations(files):
        table, breaches, ignored = read(wanted, dict(zip(("a", "b", "c"), order, strict=True)))
        assert table.schema == pa.schema([pa.field("s", TEXT_CODES)])
        assert sorted(table["s"].to_pylist(), key=str) == [None, "a", "a", "b", "c"]
        assert breaches == []
        assert ignored == ["__index_level_0__"]


AGE = {"name": "age", "type": "int64"}


def test_c7_an_integer_that_came_as_double_because_of_a_null_is_an_integer(read: Any) -> None:
    """pyarrow raised and MLflow refused the whole file (mlflow/mlflow#3798)."""
    whole, doubles = pa.table({"age": [1, 2]}), pa.table({"age": [3.0, float("nan")]})
    for first, second, expected in ((whole, doubles, [1, 2, 3, None]), (doubles, whole, [3, None, 1, 2])):
        table, breaches, _ = read(contract(AGE), {"a.parquet": first, "b.parquet": second})
        assert table.schema.field("age").type == pa.int64()
        assert table["age"].to_pylist() == expected
        assert breaches == []


@pytest.mark.parametrize("policy", ["fail", "quarantine"])
def test_c7_a_double_that_is_no_integer_breaks_its_row(read: Any, policy: str) -> None:
    for names in (["a.parquet", "b.parquet"], ["b.parquet", "a.parquet"]):
        files = dict(zip(names, (pa.table({"age": [1, 2]}), pa.table({"age": [2.0, 2.5, 4.0]})), strict=True))
        table, breaches, _ = read(contract(AGE, on_type_error=policy), files)
        (breach,) = breaches
        assert (breach.rule, breach.column, breach.reason, breach.outcome) == (
            "schema:age",
            "age",
            "type_error",
            policy,
        )
        assert (rows(breach), breach.details) == ([1], {1: "2.5"})
        assert sorted(table["age"].to_pylist(), key=str) == [1, 2, 2, 4, None]


# --------------------------------------------------------------------------------------------------------- the contract


def test_columns_come_in_the_contracts_order_and_types() -> None:
    wanted = contract(
        {"name": "s", "type": "string"}, {"name": "k", "type": "string", "role": "key"}, {"name": "n", "type": "int64"}
    )
    found, breaches = conform(wanted, batch(n=pa.array([1, 2], pa.int8()), extra=[1, 2], k=["p", "q"], s=["x", "x"]))
    assert found.schema == pa.schema([("s", TEXT_CODES), ("k", pa.string()), ("n", pa.int64())])
    assert found.to_pydict() == {"s": ["x", "x"], "k": ["p", "q"], "n": [1, 2]}
    assert breaches == []


def test_it_says_what_to_read_and_what_of_it_as_codes() -> None:
    wanted = contract({"name": "s", "type": "string"}, {"name": "k", "type": "string", "role": "key"}, AGE)
    schema = pa.schema([("z", pa.int8()), ("age", pa.int8()), ("k", pa.string()), ("s", pa.large_string())])
    conformer = Conformer.for_file(wanted, schema, (), "a.parquet")
    assert conformer.columns == ("s", "k", "age")
    assert conformer.dictionary == ("s",)
    assert conformer.ignored == ("z",)


def test_a_batch_of_the_right_types_is_handed_on_without_a_copy() -> None:
    raw = batch(x=[1.5, float("nan")], s=pa.array(["a", "b"]).dictionary_encode())
    found, _ = conform(contract({"name": "x", "type": "float64"}, {"name": "s", "type": "string"}), raw)
    assert found["x"].buffers()[1].address == raw["x"].buffers()[1].address
    assert found["s"].indices.buffers()[1].address == raw["s"].indices.buffers()[1].address


def test_it_pickles() -> None:
    wanted = contract(AGE, {"name": "d", "type": "date", "role": "partition"})
    schema = pa.schema([("age", pa.int8())])
    conformer = pickle.loads(pickle.dumps(Conformer.for_file(wanted, schema, (("d", "2024-01-01"),), "a")))  # noqa: S301
    assert conformer.apply(batch(age=pa.array([1], pa.int8())))[0].to_pydict() == {
        "age": [1],
        "d": [dt.date(2024, 1, 1)],
    }


def test_a_null_where_none_may_be_is_a_breach_by_the_columns_policy() -> None:
    wanted = contract(
        {"name": "a", "type": "int64", "nullable": False},
        {"name": "b", "type": "string", "nullable": False, "on_null": "quarantine"},
        AGE,
    )
    _, breaches = conform(wanted, batch(a=[1, None], b=[None, "x"], age=[None, 1]))
    assert [(b.rule, b.reason, b.outcome, rows(b)) for b in breaches] == [
        ("schema:a", "null", "fail", [1]),
        ("schema:b", "null", "quarantine", [0]),
    ]


def test_nan_is_a_missing_value_too() -> None:
    raw = batch(x=[1.0, float("nan"), None])
    assert conform(contract({"name": "x", "type": "float64"}), raw)[1] == []
    found, breaches = conform(contract({"name": "x", "type": "float64", "nullable": False}), raw)
    assert [rows(breach) for breach in breaches] == [[1, 2]]
    assert np.isnan(found["x"][1].as_py())


def test_a_value_that_does_not_fit_is_not_a_null_as_well() -> None:
    found, breaches = conform(contract({**AGE, "nullable": False}), batch(age=[1.5, None, 2.0, float("nan")]))
    assert found["age"].to_pylist() == [None, None, 2, None]
    assert [(breach.reason, rows(breach)) for breach in breaches] == [("type_error", [0]), ("null", [1, 3])]


def test_a_column_of_nothing_but_null_breaks_every_row_where_none_may_be() -> None:
    for nulls in (pa.nulls(2), pa.nulls(2, pa.int64())):
        _, breaches = conform(contract({**AGE, "nullable": False}), batch(age=nulls))
        assert [(breach.reason, rows(breach)) for breach in breaches] == [("null", [0, 1])]


def test_a_column_that_is_not_there_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(
        InputError,
        match=r"^a\.parquet: column 'age' \(int64\) is not in the file; did you mean 'aged'\? Write it, let `missing_",
    ) as caught:
        conform(contract(AGE), batch(aged=[1]))
    assert (caught.value.code, caught.value.facts["column"]) == ("missing_column", "age")


def test_capitals_count_in_a_columns_name() -> None:
    with pytest.raises(InputError, match="; there is 'AGE', but capitals count"):
        conform(contract(AGE), batch(AGE=[1]))


def test_missing_columns_are_null_where_the_contract_says_so() -> None:
    wanted = contract(AGE, {"name": "s", "type": "string"}, {"name": "n", "type": "int8"}, missing_columns="null")
    found, breaches = conform(wanted, batch(n=[1, 2]))
    assert found.schema == pa.schema([("age", pa.int64()), ("s", TEXT_CODES), ("n", pa.int8())])
    assert found.to_pydict() == {"age": [None, None], "s": [None, None], "n": [1, 2]}
    assert breaches == []
    with pytest.raises(InputError, match=r"column 'age' \(int64\) is not in the file.* Write it, or take it out"):
        conform(contract({**AGE, "nullable": False}, missing_columns="null"), batch(n=[1]))


def test_extra_columns_are_an_error_where_the_contract_says_so() -> None:
    with pytest.raises(InputError, match="column 'agee' is not in the table contract; did you mean 'age'") as caught:
        conform(contract(AGE, extra_columns="error"), batch(age=[1], agee=[1]))
    assert caught.value.code == "extra_column"


def test_a_type_that_cannot_be_cast_is_an_error_with_both_types() -> None:
    with pytest.raises(
        InputError,
        match=r"^a\.parquet: column 'age' is string in the file and int64 in the contract\. Write it as int64, or",
    ) as caught:
        conform(contract(AGE), batch(age=["1"]))
    assert caught.value.code == "type_mismatch"
    with pytest.raises(InputError, match=r"is large_string \(a contract's string\) in the file and int64 in"):
        conform(contract(AGE), batch(age=pa.array(["1"], pa.large_string())))


def test_a_nested_column_is_an_error_only_where_the_contract_names_it() -> None:
    raw = batch(age=[1], x=pa.array([[1]]))
    assert conform(contract(AGE), raw)[0].to_pydict() == {"age": [1]}
    with pytest.raises(
        InputError, match=r"column 'x' is list<.*> in the file and int64 in the contract.*one plain value"
    ):
        conform(contract({"name": "x", "type": "int64"}), raw)


def test_all_columns_that_do_not_fit_are_told_at_once() -> None:
    with pytest.raises(InputError, match=r"^a\.parquet: 2 columns do not fit the table contract\n  .*\n  ") as caught:
        conform(contract(AGE, {"name": "s", "type": "string"}), batch(age=["1"]))
    assert caught.value.facts["columns"] == ["age", "s"]


# -------------------------------------------------------------------------------------------------------------- folders

ZIP = {"name": "zip", "type": "string", "role": "partition"}


def test_a_folders_value_is_text_unless_the_contract_says_otherwise() -> None:
    """pyarrow makes `zip=007` the integer 7."""
    found, _ = conform(contract(AGE, ZIP), batch(age=[1, 2]), zip="007", other="x")
    assert found.schema.field("zip").type == pa.string()
    assert found["zip"].to_pylist() == ["007", "007"]
    found, _ = conform(contract(AGE, {**ZIP, "type": "int32"}), batch(age=[1, 2]), zip="007")
    assert found["zip"].to_pylist() == [7, 7]


def test_a_folder_without_a_value_gives_nulls() -> None:
    found, breaches = conform(contract(AGE, ZIP), batch(age=[1]), zip=HIVE_NULL)
    assert (found["zip"].to_pylist(), breaches) == ([None], [])
    _, breaches = conform(contract(AGE, {**ZIP, "nullable": False}), batch(age=[1]), zip=HIVE_NULL)
    assert [(breach.rule, breach.reason) for breach in breaches] == [("schema:zip", "null")]


def test_a_folders_value_that_is_not_of_the_type_is_an_error() -> None:
    with pytest.raises(InputError, match=r"gives column 'zip' a value.*: '1\.5' is no int64\. Rename") as caught:
        conform(contract(AGE, {**ZIP, "type": "int64"}), batch(age=[1]), zip="1.5")
    assert caught.value.code == "bad_partition_value"


def test_a_partition_column_that_no_folder_gives_may_be_in_the_file() -> None:
    assert conform(contract(AGE, ZIP), batch(age=[1], zip=["007"]))[0]["zip"].to_pylist() == ["007"]
    with pytest.raises(InputError, match="is not in the file, nor is it in a folder's name"):
        conform(contract(AGE, ZIP), batch(age=[1]))


def test_a_column_in_the_folder_and_in_the_file_must_agree_in_every_row() -> None:
    raw = batch(age=[1, 2], zip=pa.array(["007", "007"]).dictionary_encode())
    assert conform(contract(AGE, ZIP), raw, zip="007")[0]["zip"].to_pylist() == ["007", "007"]
    conformer = Conformer.for_file(contract(AGE, ZIP), raw.schema, (("zip", "008"),), "a.parquet")
    with pytest.raises(
        InputError, match=r"^a\.parquet: row 100: column 'zip' is 007, but the file lies in the folder of 008\. Move"
    ) as caught:
        conformer.apply(raw, 100)
    assert (caught.value.code, caught.value.facts["row"]) == ("partition_mismatch", 100)


@pytest.mark.parametrize(("values", "folder"), [([7, None], "7"), ([None, 7], HIVE_NULL), ([7.0, 7.5], "7")])
def test_a_null_or_a_misfit_in_the_file_does_not_agree_with_its_folder(values: list[Any], folder: str) -> None:
    wanted = contract(AGE, {**ZIP, "type": "int64"})
    with pytest.raises(InputError, match=r"^a\.parquet: row 1: column 'zip'"):
        conform(wanted, batch(age=[1, 2], zip=values), zip=folder)


def test_nulls_in_the_file_agree_with_a_folder_without_a_value() -> None:
    found, _ = conform(contract(AGE, ZIP), batch(age=[1], zip=pa.nulls(1, pa.string())), zip=HIVE_NULL)
    assert found["zip"].to_pylist() == [None]

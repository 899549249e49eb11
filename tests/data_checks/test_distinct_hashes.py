from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks import distinct_hashes
from data_checks.bucket_file import read_bucket
from data_checks.distinct_hashes import HASH, DistinctHashes, count_distinct

MAKERS: dict[str, tuple[Any, pa.DataType]] = {
    "int64": (lambda w: w + 2**53, pa.int64()),
    "uint64": (lambda w: w + 2**63, pa.uint64()),
    "float64": (lambda w: [float(w), -0.0, 0.0, float("nan"), float("inf"), w * 5e-324][w % 6], pa.float64()),
    "string": (lambda w: f"é{w % 40}", pa.string()),
    "dictionary": (lambda w: f"é{w % 40}", pa.dictionary(pa.int32(), pa.string())),
    "date": (lambda w: dt.date(2024, 1, 1) + dt.timedelta(days=w), pa.date32()),
    "timestamp": (lambda w: dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=w), pa.timestamp("us", "UTC")),
    "decimal": (lambda w: Decimal(w).scaleb(-2), pa.decimal128(38, 2)),
    "bool": (lambda w: w % 2 == 0, pa.bool_()),
}


def counted(folder: Path, table: pa.Table, units: int = 3, bits: int = 2, **options: Any) -> int:
    """How many keys differ, over units that are merged from spans, and over all buckets."""
    files: list[Path] = []
    for unit, rows in enumerate(np.array_split(np.arange(table.num_rows), units)):
        keys = DistinctHashes(bits)
        for part in np.array_split(rows, 4):
            span = DistinctHashes(bits)
            for batch in table.take(part).combine_chunks().to_batches():
                span.add(batch, table.column_names, **options)
            keys.merge(span)
        path = keys.write(folder, unit, "a")
        files += [] if path is None else [path]
    return sum(count_distinct(files, bucket) for bucket in range(1 << bits))


@pytest.mark.parametrize("name", MAKERS)
def test_as_many_as_pandas_finds_unique(tmp_path: Path, rng: np.random.Generator, name: str) -> None:
    make, kind = MAKERS[name]
    whole = rng.integers(0, 300, 700)
    values = [None if w % 17 == 0 else make(int(w)) for w in whole]
    table = pa.table({"key": pa.array(values, kind)})
    present = table["key"].drop_null()  # with a null pandas would round whole numbers
    assert counted(tmp_path, table) == present.to_pandas().nunique()


@pytest.mark.parametrize(("units", "bits"), [(1, 0), (2, 1), (50, 4), (900, 6)])
def test_units_and_buckets_do_not_change_the_count(
    tmp_path: Path, rng: np.random.Generator, units: int, bits: int
) -> None:
    values = rng.integers(-(2**63), 2**63 - 1, 100)[rng.integers(0, 100, 700)]
    assert counted(tmp_path, pa.table({"key": values}), units, bits) == len(set(values.tolist()))


def test_keys_of_several_columns_count_as_a_whole_and_without_those_that_lack_a_value(tmp_path: Path) -> None:
    table = pa.table({"a": ["x", "x", "y", "x", None, None, None], "b": [1, 2, 1, 1, 1, 1, None]})
    assert counted(tmp_path / "any", table) == 3
    assert counted(tmp_path / "all", table, skip="all") == 4
    assert counted(tmp_path / "never", table, skip="never") == 5


def test_repeats_are_thrown_out_while_rows_come_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_hashes, "_PENDING", 100)
    keys = DistinctHashes(0)
    for _ in range(50):
        keys.add(pa.record_batch({"key": pa.array(np.arange(90))}), ["key"])
    assert sum(len(piece) for piece in keys._hashes) <= 2 * 90
    path = keys.write(tmp_path, 0, "a")
    assert path is not None
    assert read_bucket(path, 0, HASH).tolist() == np.unique(np.concatenate(keys._hashes)).tolist()


def test_a_file_holds_its_buckets_hashes_once_and_in_order(tmp_path: Path) -> None:
    keys = DistinctHashes(3)
    keys.add(pa.record_batch({"key": pa.array(np.arange(1000) % 500)}), ["key"])
    path = keys.write(tmp_path, 5, "try")
    assert path is not None
    assert path.name == "unit-000005-try.keys"
    for bucket in range(8):
        hashes = read_bucket(path, bucket, HASH)
        assert len(hashes)
        assert (hashes[1:] > hashes[:-1]).all()
        assert all(int(value) >> 61 == bucket for value in hashes)


def test_nothing_makes_no_file_and_no_file_has_no_keys(tmp_path: Path) -> None:
    assert DistinctHashes(2).write(tmp_path / "new", 0, "a") is None
    assert not (tmp_path / "new").exists()
    assert count_distinct([], 0) == 0


def test_hashes_of_other_buckets_are_refused() -> None:
    with pytest.raises(ValueError, match="distinct hashes with 2 and 3 bits of bucket cannot be merged"):
        DistinctHashes(2).merge(DistinctHashes(3))

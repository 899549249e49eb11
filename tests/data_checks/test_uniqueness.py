from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from data_checks import uniqueness
from data_checks.bucket_file import read_bucket
from data_checks.uniqueness import ENTRY, KeyHashes, bucket_bits, find_duplicates

BITS = 2


def written(folder: Path, table: pa.Table, rng: np.random.Generator, units: int = 3, bits: int = BITS) -> list[Path]:
    """Key files of a table that is split over units and batches."""
    files: list[Path] = []
    for unit, rows in enumerate(np.array_split(np.arange(table.num_rows), units)):
        keys = KeyHashes(bits)
        for part in np.array_split(rows, 4):
            span = KeyHashes(bits)
            for batch in table.take(part).combine_chunks().to_batches():
                span.add(batch, table.column_names, part)
            keys.merge(span)
        path = keys.write(folder, unit, f"{rng.integers(0, 9)}")
        files += [] if path is None else [path]
    return files


def duplicates(files: list[Path], table: pa.Table) -> list[int]:
    return sorted(int(row) for bucket in range(1 << BITS) for row in find_duplicates(files, bucket, table.take))


def oracle(table: pa.Table) -> list[int]:
    """By plain Python: rows whose values occur elsewhere too, unless one of them is missing."""
    rows = [tuple(row.values()) for row in table.to_pylist()]
    counts = Counter(rows)
    return [place for place, row in enumerate(rows) if counts[row] > 1 and None not in row and row == row]  # noqa: PLR0124


@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.float32(), pa.decimal128(20, 2), pa.date32()])
def test_all_rows_of_a_repeated_key_are_found_across_units(
    tmp_path: Path, rng: np.random.Generator, kind: pa.DataType
) -> None:
    values: list[Any] = rng.integers(0, 300, 400).tolist()
    whole = pa.array([None if value % 17 == 0 else value for value in values], pa.int32())
    table = pa.table(
        {"key": whole.cast(pa.decimal128(18, 0)).cast(kind) if pa.types.is_decimal(kind) else whole.cast(kind)}
    )
    found = duplicates(written(tmp_path, table, rng), table)
    assert found == oracle(table)
    assert 100 < len(found) < 400


def test_a_key_of_two_columns_repeats_only_as_a_whole(tmp_path: Path, rng: np.random.Generator) -> None:
    table = pa.table({"a": pa.array(["x", "x", "y", "x", None, None]), "b": pa.array([1, 2, 1, 1, 1, 1])})
    assert duplicates(written(tmp_path, table, rng), table) == [0, 3]


def test_text_from_different_dictionaries_is_compared_as_text(tmp_path: Path, rng: np.random.Generator) -> None:
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()]
    table = pa.table({"key": pa.chunked_array(chunks)})
    plain = pa.table({"key": ["a", "b", "b", "c"]})
    assert duplicates(written(tmp_path, plain, rng, units=2), table) == [1, 2]


def test_equal_hashes_of_different_values_are_no_duplicates(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same(batch: pa.RecordBatch, _: list[str]) -> npt.NDArray[np.uint64]:
        return np.zeros(batch.num_rows, np.uint64)

    monkeypatch.setattr(uniqueness, "hash_rows", same)
    table = pa.table({"key": ["a", "b", "a", "c", "-0.0", "0.0"]})
    files = written(tmp_path, table, rng)
    assert duplicates(files, table) == [0, 2]
    assert len(find_duplicates(files, 0, None)) == 6


def test_the_two_zeros_are_one_key_and_nan_is_none(tmp_path: Path, rng: np.random.Generator) -> None:
    table = pa.table({"key": [0.0, -0.0, float("nan"), float("nan"), None, None, 1.0]})
    assert duplicates(written(tmp_path, table, rng, units=1), table) == [0, 1]


def test_the_same_keys_make_the_same_files_in_whatever_order_they_were_added(tmp_path: Path) -> None:
    batch = pa.record_batch({"key": pa.array([5, 5, 1, 9, 5])})
    forward, backward = KeyHashes(1), KeyHashes(1)
    forward.add(batch, ["key"], np.arange(5))
    for row in reversed(range(5)):
        backward.add(batch.slice(row, 1), ["key"], np.array([row]))
    files = [keys.write(tmp_path / name, 0, "a") for name, keys in (("f", forward), ("b", backward))]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_bucket_is_the_hashs_highest_bits(tmp_path: Path, rng: np.random.Generator) -> None:
    table = pa.table({"key": pa.array(np.arange(1000))})
    for bits in (0, 3):
        files = written(tmp_path / str(bits), table, rng, bits=bits)
        positions = []
        for bucket in range(1 << bits):
            found = np.concatenate([read_bucket(path, bucket, ENTRY) for path in files])
            assert len(found)
            assert all(int(value) >> (64 - bits) == bucket for value in found["hash"])
            positions += found["position"].tolist()
        assert sorted(positions) == list(range(1000))


def test_buckets_grow_with_the_rows_that_are_planned() -> None:
    assert [bucket_bits(rows) for rows in (0, 200, 2_500_000, 2_500_001, 20_000_000, 10**12)] == [0, 0, 0, 1, 3, 12]


def test_nothing_makes_no_file_and_no_file_has_no_duplicates(tmp_path: Path) -> None:
    nulls = KeyHashes()
    nulls.add(pa.record_batch({"key": pa.array([None, None], pa.int64())}), ["key"], np.arange(2))
    for keys in (KeyHashes(), nulls):
        assert keys.write(tmp_path / "new", 0, "a") is None
    assert not (tmp_path / "new").exists()
    assert find_duplicates([], 0).tolist() == []


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key hashes with 1 and 2 bits of bucket cannot be merged"):
        KeyHashes(1).merge(KeyHashes(2))
    batch = pa.record_batch({"key": pa.array([1, 1])})
    keys = KeyHashes(0)
    with pytest.raises(ValueError, match="3 positions for 2 rows"):
        keys.add(batch, ["key"], np.arange(3))
    keys.add(batch, ["key"], np.arange(2))
    with pytest.raises(ValueError, match="asked for the keys of 2 rows, got 1"):
        find_duplicates([keys.write(tmp_path, 0, "a")], 0, lambda _: pa.table({"key": [1]}))

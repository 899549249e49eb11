from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_checks.key_hash import checksum, hash_array, hash_rows
from data_checks.text_hash import hash_text

EXPECTED = [7191089600892374487, 6435346763603388900, 10363094982699991660]
EXPECTED_TOGETHER = 17478531177963590697


def one(value: Any, kind: pa.DataType | None = None) -> int:
    return int(hash_array(pa.array([value], kind))[0])


def test_hashes_are_the_same_on_every_machine() -> None:
    # Written down once: files of hashes of one run may be read by another process, or machine.
    batch = pa.record_batch({"i": pa.array([7], pa.int32()), "s": ["naïve"], "d": pa.array([Decimal("1.50")])})
    assert [int(hash_rows(batch, [name])[0]) for name in batch.schema.names] == EXPECTED
    assert int(hash_rows(batch, ["i", "s", "d"])[0]) == EXPECTED_TOGETHER


def test_hashes_do_not_depend_on_pythons_hash_seed() -> None:
    code = (
        "import pyarrow as pa; from data_checks.key_hash import hash_array; print(hash_array(pa.array(['ab' * 100])))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_whole_numbers_hash_by_value_at_any_width() -> None:
    kinds = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
    assert len({one(5, kind) for kind in kinds}) == 1
    assert one(-5, pa.int8()) == one(-5, pa.int64()) != one(5, pa.int64())


def test_one_column_of_whole_numbers_has_no_collisions(rng: np.random.Generator) -> None:
    values = np.unique(rng.integers(-(2**63), 2**63 - 1, 200_000))
    assert len(np.unique(hash_array(pa.array(values)))) == len(values)


def test_the_two_zeros_are_one_and_every_nan_is_null() -> None:
    nans = np.array([0x7FF8000000000000, 0xFFF8000000000001], np.uint64).view(np.float64)
    hashes = hash_array(pa.array([0.0, -0.0, *nans, None, float("inf")]))
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3] == hashes[4]
    assert len(set(hashes.tolist())) == 3
    assert one(0.5, pa.float32()) == one(0.5, pa.float64())


def test_text_hashes_alike_plain_large_sliced_and_in_a_dictionary() -> None:
    words = ["", "a", None, "ab", "eight by", "nine byte", "é" * 70, "x" * 500, "a"]
    plain = pa.array(words)
    expected = hash_array(plain)
    assert hash_array(plain.dictionary_encode()).tolist() == expected.tolist()
    assert hash_array(plain.cast(pa.large_string())).tolist() == expected.tolist()
    assert hash_array(pa.concat_arrays([pa.array(["pad"]), plain, plain]).slice(1, 9)).tolist() == expected.tolist()
    assert expected[1] == expected[8]
    assert len(set(expected.tolist())) == len(set(words))


def test_text_of_every_length_differs_where_one_byte_differs() -> None:
    words = [
        ("a" * length)[:place] + "b" + ("a" * length)[place + 1 :]
        for length in range(1, 140)
        for place in range(length)
    ]
    words += ["a" * length for length in range(140)] + ["\0" * length for length in range(1, 140)]
    assert len(np.unique(hash_text(pa.array(words)))) == len(set(words))


def test_random_text_collides_no_more_than_chance(rng: np.random.Generator) -> None:
    words = np.unique(rng.integers(0, 10**12, 300_000)).astype(str)
    hashes = hash_array(pa.array(words))
    assert len(np.unique(hashes)) == len(words)
    counts = np.bincount((hashes >> np.uint64(60)).astype(np.int64), minlength=16)
    assert abs(counts - len(words) / 16).max() < 6 * np.sqrt(len(words) / 16)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([dt.date(2024, 2, 29), dt.date(1969, 12, 31)], pa.date32()),
        ([dt.datetime(2024, 2, 29, tzinfo=dt.UTC), dt.datetime(1, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")),
        ([True, False], pa.bool_()),
        ([b"\0", b"\0\0", b""], pa.binary()),
        ([Decimal("1.50"), Decimal("-1.50"), Decimal("12345678901234567890.12")], pa.decimal128(38, 2)),
    ],
)
def test_other_types_hash_by_value(values: list[Any], kind: pa.DataType) -> None:
    array = pa.array([*values, None, *values], kind)
    hashes = hash_array(array)
    assert len(set(hashes.tolist())) == len(values) + 1
    assert hashes[: len(values)].tolist() == hashes[len(values) + 1 :].tolist()
    assert hash_array(array.slice(2)).tolist() == hashes[2:].tolist()


def test_it_matters_which_column_holds_which_value() -> None:
    batch = pa.record_batch({"a": ["x", "y", None], "b": ["y", "x", None]})
    hashes = hash_rows(batch, ["a", "b"])
    assert hashes[0] != hashes[1]
    assert hash_rows(batch, ["b", "a"])[0] == hashes[1]


def test_a_checksum_adds_up_over_any_split_and_order(rng: np.random.Generator) -> None:
    hashes = hash_array(pa.array(rng.integers(0, 10**9, 1000)))
    whole = checksum(hashes)
    assert (checksum(hashes[:300]) + checksum(hashes[300:])) % 2**64 == whole
    assert checksum(rng.permutation(hashes)) == whole
    assert checksum(hashes[1:]) != whole


def test_no_rows_have_no_hashes_and_nested_columns_no_hash() -> None:
    empty = [pa.array([], kind) for kind in (pa.int8(), pa.string(), pa.float64(), pa.decimal128(9, 2), pa.bool_())]
    assert [len(hash_array(array)) for array in [*empty, pa.array([], pa.string()).dictionary_encode()]] == [0] * 6
    with pytest.raises(TypeError, match="has no whole values"):
        hash_array(pa.array([[1]]))
    with pytest.raises(ValueError, match="a key needs at least one column"):
        hash_rows(pa.record_batch({"a": [1]}), [])

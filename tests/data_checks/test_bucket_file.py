from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_checks.bucket_file import read_bucket, write_bucket_file

PAIR = np.dtype([("hash", "<u8"), ("position", "<i8")])


def made(folder: Path, sizes: list[int]) -> tuple[Path, np.ndarray]:
    """A file with buckets of these sizes, and its entries."""
    entries = np.arange(2 * sum(sizes), dtype="<u8").view(PAIR)
    return write_bucket_file(folder / "new" / "unit.keys", entries, np.cumsum(sizes)), entries


@pytest.mark.parametrize("sizes", [[0], [7], [3, 0, 4], [0, 0, 5, 0], [1] * 4096])
def test_each_bucket_comes_back_and_together_they_are_the_whole(tmp_path: Path, sizes: list[int]) -> None:
    path, entries = made(tmp_path, sizes)
    found = [read_bucket(path, bucket, PAIR) for bucket in range(len(sizes))]
    assert [len(piece) for piece in found] == sizes
    assert all(piece.dtype == PAIR for piece in found)
    np.testing.assert_array_equal(np.concatenate(found), entries)


def test_a_file_that_was_cut_short_is_no_smaller_bucket(tmp_path: Path) -> None:
    path, entries = made(tmp_path, [3, 4])
    path.write_bytes(path.read_bytes()[:-1])
    np.testing.assert_array_equal(read_bucket(path, 0, PAIR), entries[:3])
    with pytest.raises(ValueError, match=r"^unit\.keys was cut short or .* must have 144 bytes or more, and has 143$"):
        read_bucket(path, 1, PAIR)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, 2**60, r"must have 9,223,372,036,854,775,872 bytes or more, and has 144$"),
        (1, -1, "is damaged: bucket 0 begins at entry -1 and ends at 3$"),
        (2, 2**40, r"must have 17,592,186,044,448 bytes or more, and has 144$"),
    ],
)
def test_a_damaged_number_asks_for_no_memory(tmp_path: Path, place: int, value: int, message: str) -> None:
    path, _ = made(tmp_path, [3, 4])
    data = bytearray(path.read_bytes())
    data[8 * place : 8 * place + 8] = value.to_bytes(8, "little", signed=True)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"^unit\.keys .*{message}"):
        read_bucket(path, 0, PAIR)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    path, _ = made(tmp_path, [3, 4])
    for bucket in (-1, 2):
        with pytest.raises(ValueError, match=rf"^unit\.keys has 2 buckets, no bucket {bucket}$"):
            read_bucket(path, bucket, PAIR)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^unit\.keys was cut short or .* must have 8 bytes or more, and has 0$"):
        read_bucket(path, 0, PAIR)

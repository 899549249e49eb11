from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import InputError
from transforms.parquet_footer import ReadLimits, read_footer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3, 4, 5], "s": list("abcde")}), file, row_group_size=2)
    return file


def test_a_footer_tells_rows_columns_and_identity(path: Path) -> None:
    footer = read_footer(path)
    data = path.read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    assert footer.row_group_rows == (2, 2, 1)
    assert footer.column_names == ("id", "s")
    assert footer.schema.field("s").type == pa.string()
    assert (footer.bytes, footer.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert footer.digest == hashlib.sha256(data[-8 - length : -8]).hexdigest()


def test_a_changed_row_changes_the_digest(path: Path) -> None:
    before = read_footer(path).digest
    pq.write_table(pa.table({"id": [1, 2, 3, 4, 6], "s": list("abcde")}), path, row_group_size=2)
    assert read_footer(path).digest != before


def test_an_error_calls_the_file_by_the_given_name(path: Path) -> None:
    path.write_bytes(b"id,s\n1,a\n2,b\n")
    with pytest.raises(InputError, match=r"^sub/b\.parquet: does not end as a Parquet file does") as caught:
        read_footer(path, "sub/b.parquet")
    assert caught.value.code == "not_parquet"
    assert caught.value.facts["file"] == "sub/b.parquet"


@pytest.mark.parametrize("size", [0, 4, 11])
def test_a_file_that_is_too_short_is_not_parquet(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=rf"^a\.parquet: has only {size} bytes\. Only Parquet files belong"):
        read_footer(path)


def test_a_file_that_was_cut_short_is_not_parquet(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="it may be cut short"):
        read_footer(path)


def test_a_footer_longer_than_its_file_is_unreadable(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-8] + (len(data)).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(InputError, match=r"the footer should have [\d,]+ bytes, the file has") as caught:
        read_footer(path)
    assert caught.value.code == "unreadable_footer"


def test_a_damaged_footer_is_unreadable(path: Path) -> None:
    data = path.read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    path.write_bytes(data[: -8 - length] + b"\xff" * length + data[-8:])
    with pytest.raises(InputError, match=r"the footer cannot be read \(.+\)\. The file is damaged") as caught:
        read_footer(path)
    assert caught.value.code == "unreadable_footer"


def test_a_footer_over_the_limit_is_not_parsed(path: Path) -> None:
    with pytest.raises(InputError, match="at most 100 are read") as caught:
        read_footer(path, limits=ReadLimits(footer_bytes=100))
    assert caught.value.code == "too_large"


def test_an_encrypted_footer_is_named_so(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4] + b"PARE")
    with pytest.raises(InputError, match="write the file without encryption") as caught:
        read_footer(path)
    assert caught.value.code == "encrypted"


def test_a_column_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]), path)
    with pytest.raises(InputError, match="the column 'x' is there more than once") as caught:
        read_footer(path)
    assert (caught.value.code, caught.value.facts["column"]) == ("duplicate_column", "x")


def test_row_groups_that_do_not_add_up_are_an_error(path: Path) -> None:
    one = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": [1, 2, 3]}), one)
    metadata = pq.read_metadata(pa.BufferReader(one.getvalue()))
    assert metadata.num_rows == 3
    data = one.getvalue().to_pybytes()
    # FileMetaData: field 1 version, field 2 schema, field 3 num_rows as zigzag of 3, then field 4, the row groups.
    assert data.count(b"\x16\x06\x19\x1c\x19\x1c") == 1
    path.write_bytes(data.replace(b"\x16\x06\x19\x1c\x19\x1c", b"\x16\x08\x19\x1c\x19\x1c"))
    with pytest.raises(InputError, match="the footer says 4 rows, its row groups 3") as caught:
        read_footer(path)
    assert caught.value.code == "row_count_mismatch"


def test_rows_without_columns_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    # version 2; one schema element, the root without children; 2 rows; one row group of no columns, 0 bytes, 2 rows
    footer = b"\x15\x04 \x19\x1c\x48\x06schema\x15\x00\x00 \x16\x04 \x19\x1c\x19\x0c\x16\x00\x16\x04\x00 \x00"
    footer = footer.replace(b" ", b"")
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(InputError, match="has 2 rows and no columns") as caught:
        read_footer(path)
    assert caught.value.code == "no_columns"


def test_a_file_that_is_gone_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a\.parquet: the file is gone") as caught:
        read_footer(tmp_path / "a.parquet")
    assert caught.value.code == "changed_since_planning"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_is_told_from_a_broken_one(path: Path) -> None:
    path.chmod(0)
    with pytest.raises(InputError, match="Let the user that runs the job read it") as caught:
        read_footer(path)
    assert caught.value.code == "permission_denied"


def test_a_pipe_does_not_block_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="is not a regular file"):
        read_footer(tmp_path / "a.parquet")

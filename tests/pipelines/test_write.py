"""One unit's rows become one staged file: complete, checksummed, the same bytes however they were handed in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.files import file_sha256
from pipelines.outcome import PartFile
from pipelines.stages import write
from pipelines.stages.write import PartWriter

SCHEMA = pa.schema([pa.field("id", pa.int64()), pa.field("c", pa.string()), pa.field("p", pa.float32())])


def rows_of(count: int) -> pa.Table:
    ids = np.arange(count)
    columns = [pa.array(ids), pa.array([f"c{i % 7}" for i in ids]), pa.array((ids / 7).astype(np.float32))]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def written(folder: Path, table: pa.Table, batch_rows: int, stem: str = "part-00000") -> PartFile:
    with PartWriter(folder, stem, SCHEMA) as writer:
        for batch in table.to_batches(max_chunksize=batch_rows):
            writer.append(batch)
        part = writer.finish()
    assert part is not None
    return part


def test_the_part_file_tells_what_is_on_disk(tmp_path: Path) -> None:
    table = rows_of(1000)
    part = written(tmp_path, table, 300)
    path = tmp_path / part.path
    assert path.parent == tmp_path / "staged"
    assert path.name.startswith("part-00000-")
    assert (part.rows, part.bytes, part.sha256) == (1000, path.stat().st_size, file_sha256(path))
    assert pq.ParquetFile(path).read().equals(table)


@pytest.mark.parametrize("batch_rows", [1, 97, 1000])
def test_small_batches_give_the_bytes_of_one_large_one(tmp_path: Path, batch_rows: int) -> None:
    table = rows_of(1000)
    assert written(tmp_path, table, batch_rows).sha256 == written(tmp_path, table, 10_000).sha256


def test_small_batches_are_joined_to_large_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "ROWS_PER_GROUP", 256)
    part = written(tmp_path, rows_of(1000), 100)
    metadata = pq.ParquetFile(tmp_path / part.path).metadata
    assert [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)] == [300, 300, 300, 100]


def test_two_attempts_at_one_unit_never_share_a_file(tmp_path: Path) -> None:
    first, second = (written(tmp_path, rows_of(count), 100) for count in (50, 60))
    assert first.path != second.path
    assert [pq.ParquetFile(tmp_path / part.path).metadata.num_rows for part in (first, second)] == [50, 60]


def test_no_row_makes_no_file_unless_an_empty_one_is_wanted(tmp_path: Path) -> None:
    with PartWriter(tmp_path, "part-00000", SCHEMA) as writer:
        writer.append(pa.RecordBatch.from_arrays([pa.array([], field.type) for field in SCHEMA], schema=SCHEMA))
        assert writer.finish() is None
    assert not (tmp_path / "staged").exists()
    part = PartWriter(tmp_path, "part-00000", SCHEMA).finish_even_if_empty()
    read = pq.ParquetFile(tmp_path / part.path).read()
    assert (read.num_rows, read.schema.equals(SCHEMA)) == (0, True)


def test_an_attempt_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "ROWS_PER_GROUP", 10)

    def fail() -> None:
        with PartWriter(tmp_path, "part-00000", SCHEMA) as writer:
            writer.append(rows_of(100).to_batches()[0])
            assert len(list((tmp_path / "staged").iterdir())) == 1
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        fail()
    assert list((tmp_path / "staged").iterdir()) == []


def test_one_flipped_bit_in_a_published_file_is_noticed(tmp_path: Path) -> None:
    part = written(tmp_path, rows_of(5000), 5000)
    path = tmp_path / part.path
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(2)
    data = bytearray(path.read_bytes())
    data[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.ParquetFile(path, page_checksum_verification=True).read()


def test_no_arrow_schema_is_stored_so_every_reader_gives_plain_types(tmp_path: Path) -> None:
    part = written(tmp_path, rows_of(10), 10)
    assert not pq.ParquetFile(tmp_path / part.path).metadata.metadata
